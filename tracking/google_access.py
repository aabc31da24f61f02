"""
How Google lets us in, and what it means when it does not: for each of its services alike.

A refusal is read from the `reason` that comes with it (google.rpc.ErrorInfo, or the JSON error of Cloud Storage), else from its
text, since old parts of Google give no reason. Google's libraries look for credentials, and fetch tokens, while they block:
call `find_credentials` and `sign_in` in threads. Sources of reasons and texts: docs/google.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

import google.auth
from google.auth import exceptions as auth_errors
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request

from tracking.errors import GoogleFault, StorageFault, file_name
from tracking.plain_text import plain

SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)

_TOKEN_TIMEOUT_S = 5  # the metadata server is asked three times
_DETAIL_LIMIT = 600  # a message of Google's with its link has some 400 characters

_KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_PROJECT_VARIABLE = "GOOGLE_CLOUD_PROJECT"  # the libraries' own

QUOTA_REASONS = frozenset({"RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED", "EMULATOR_QUOTA_EXCEEDED"})
"""Of google.rpc.ErrorInfo."""

# Of google.rpc.ErrorInfo (google/api/error_reason.proto), and of Cloud Storage (its page of status and error codes for JSON).
_FAULT_OF_REASON: Mapping[str, GoogleFault] = MappingProxyType(
    {
        "SERVICE_DISABLED": GoogleFault.API_DISABLED,
        "SERVICE_NOT_VISIBLE": GoogleFault.API_DISABLED,
        "MCP_SERVER_DISABLED": GoogleFault.API_DISABLED,
        "accessNotConfigured": GoogleFault.API_DISABLED,
        "usageLimits.accessNotConfigured": GoogleFault.API_DISABLED,
        "BILLING_DISABLED": GoogleFault.BILLING_DISABLED,
        "accountDisabled": GoogleFault.BILLING_DISABLED,
        "billingNotEnabled": GoogleFault.BILLING_DISABLED,
        "userProjectAccountProblem": GoogleFault.BILLING_DISABLED,
        "CONSUMER_INVALID": GoogleFault.PROJECT,
        "RESOURCE_PROJECT_INVALID": GoogleFault.PROJECT,
        "userProjectInvalid": GoogleFault.PROJECT,
        "CONSUMER_SUSPENDED": GoogleFault.SUSPENDED,
        "GCP_SUSPENDED": GoogleFault.SUSPENDED,
        "USER_PROJECT_DENIED": GoogleFault.QUOTA_PROJECT,
        "userProjectAccessDenied": GoogleFault.QUOTA_PROJECT,
        "SECURITY_POLICY_VIOLATED": GoogleFault.PERIMETER,
        "LOCATION_ORG_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
        "LOCATION_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
        "LOCATION_TAX_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
        "RESOURCE_USAGE_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
        "ENDPOINT_USAGE_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
        "ORG_RESTRICTION_VIOLATION": GoogleFault.ORG_POLICY,
        "ORG_RESTRICTION_HEADER_INVALID": GoogleFault.ORG_POLICY,
        "TLS_ORG_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
        "TLS_CIPHER_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
        "USER_BLOCKED_BY_ADMIN": GoogleFault.ORG_POLICY,
        "orgPolicyConstraintFailed": GoogleFault.ORG_POLICY,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT": GoogleFault.SCOPE,
        "ACCESS_TOKEN_EXPIRED": GoogleFault.SIGN_IN_EXPIRED,
        "ACCOUNT_STATE_INVALID": GoogleFault.KEY_REVOKED,
        "CREDENTIALS_MISSING": GoogleFault.NO_CREDENTIALS,
        "ACCESS_TOKEN_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
        "ACCOUNT_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
        "CREDENTIAL_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
        "CREDENTIAL_ANDROID_APP_INVALID": GoogleFault.CREDENTIALS,
        "JWT_TOKEN_INVALID": GoogleFault.CREDENTIALS,
        "OVERLOADED_CREDENTIALS": GoogleFault.CREDENTIALS,
        "SESSION_COOKIE_INVALID": GoogleFault.CREDENTIALS,
        "API_KEY_INVALID": GoogleFault.CREDENTIALS,
        "API_KEY_SERVICE_BLOCKED": GoogleFault.CREDENTIALS,
        "API_KEY_HTTP_REFERRER_BLOCKED": GoogleFault.CREDENTIALS,
        "API_KEY_IP_ADDRESS_BLOCKED": GoogleFault.CREDENTIALS,
        "API_KEY_ANDROID_APP_BLOCKED": GoogleFault.CREDENTIALS,
        "API_KEY_IOS_APP_BLOCKED": GoogleFault.CREDENTIALS,
        "MISSING_ORIGIN": GoogleFault.CREDENTIALS,
        "SYSTEM_PARAMETER_UNSUPPORTED": GoogleFault.REQUEST,
        "authError": GoogleFault.CREDENTIALS,
        "lockedDomainExpired": GoogleFault.CREDENTIALS,
    }
)

# Texts in small letters; the first that is there counts.
_FAULT_OF_TEXT: tuple[tuple[str, GoogleFault], ...] = (
    ("billing is disabled", GoogleFault.BILLING_DISABLED),
    ("billing to be enabled", GoogleFault.BILLING_DISABLED),
    ("billing has not been enabled", GoogleFault.BILLING_DISABLED),
    ("billing account", GoogleFault.BILLING_DISABLED),
    ("enable billing", GoogleFault.BILLING_DISABLED),
    ("has not been used in project", GoogleFault.API_DISABLED),
    ("it is disabled. enable it", GoogleFault.API_DISABLED),
    ("permission to use project", GoogleFault.QUOTA_PROJECT),
    ("serviceusage.services.use", GoogleFault.QUOTA_PROJECT),
    ("insufficient authentication scopes", GoogleFault.SCOPE),
    ("vpcservicecontrols", GoogleFault.PERIMETER),
    ("vpc service controls", GoogleFault.PERIMETER),
    ("prohibited by organization's policy", GoogleFault.PERIMETER),
    ("organization policy", GoogleFault.ORG_POLICY),
    ("constraints/", GoogleFault.ORG_POLICY),
    ("has been suspended", GoogleFault.SUSPENDED),
    ("project not found or deleted", GoogleFault.PROJECT),
)

_OBJECT_FAULT_OF_REASON: Mapping[str, StorageFault] = MappingProxyType(
    {
        "retentionPolicyNotMet": StorageFault.RETAINED,
        "objectUnderActiveHold": StorageFault.HELD,
        "userProjectMissing": StorageFault.REQUESTER_PAYS,
        "userProjectInconsistent": StorageFault.REQUESTER_PAYS,
        "authenticationRequiredRequesterPays": StorageFault.REQUESTER_PAYS,
        "cloudKmsBadKey": StorageFault.KEY_DISABLED,
        "cloudKmsDisabledKey": StorageFault.KEY_DISABLED,
        "cloudKmsCannotChangeKeyName": StorageFault.KEY,
        "cloudKmsDecryptionKeyNotFound": StorageFault.KEY_DISABLED,
        "cloudKmsEncryptionKeyNotFound": StorageFault.KEY_DISABLED,
        "cloudKmsKeyLocationNotAllowed": StorageFault.KEY,
        "resourceIsEncryptedWithCustomerEncryptionKey": StorageFault.CUSTOMER_KEY,
        "resourceNotEncryptedWithCustomerEncryptionKey": StorageFault.CUSTOMER_KEY,
        "customerEncryptionKeyIsIncorrect": StorageFault.CUSTOMER_KEY,
        "customerEncryptionAlgorithmIsInvalid": StorageFault.CUSTOMER_KEY,
        "customerEncryptionKeyFormatIsInvalid": StorageFault.CUSTOMER_KEY,
        "customerEncryptionKeySha256IsInvalid": StorageFault.CUSTOMER_KEY,
        "rateLimitExceeded": StorageFault.BUSY,
        "userRateLimitExceeded": StorageFault.BUSY,
        "usageLimits.rateLimitExceeded": StorageFault.BUSY,
        "quotaExceeded": StorageFault.BUSY,
        **dict.fromkeys(QUOTA_REASONS, StorageFault.BUSY),
        "uploadBrokenConnection": StorageFault.BROKEN_OFF,
        "uploadTooLarge": StorageFault.TOO_LARGE,
        "countryBlocked": StorageFault.COUNTRY,
    }
)

_OBJECT_FAULT_OF_TEXT: tuple[tuple[str, StorageFault], ...] = (
    ("retention policy", StorageFault.RETAINED),
    ("active hold", StorageFault.HELD),
    ("under active temporary hold", StorageFault.HELD),
    ("under active event-based hold", StorageFault.HELD),
    ("requester pays", StorageFault.REQUESTER_PAYS),
    ("kms key is disabled", StorageFault.KEY_DISABLED),
    ("kms key is not available", StorageFault.KEY_DISABLED),
    ("key_not_enabled", StorageFault.KEY_DISABLED),
    ("cloud kms", StorageFault.KEY),
    ("customer-supplied encryption key", StorageFault.CUSTOMER_KEY),
    ("specified bucket does not exist", StorageFault.BUCKET_MISSING),
)

# What google-auth says of a file that a key file points to.
_MISSING_FILE = re.compile(r"File '([^'\n]{1,500})' was not found")
_PROJECT = re.compile(r"\bproject(?:s/|_number:|=|[ ]#?)'?([a-z][a-z0-9-]{4,29}|\d{6,20})\b")
_NO_PROJECT = frozenset({"before", "which", "number", "is", "not", "found", "deleted"})


class Refusal(NamedTuple):
    """Why Google does not let us in; `subject` is the project or the key file that is at fault, "" where unknown."""

    fault: GoogleFault
    subject: str = ""


def access_refusal(message: str, *, reason: str = "", metadata: Mapping[str, str] = MappingProxyType({})) -> Refusal | None:
    """Return what hinders every use of the service, None where a refusal is about what was asked for."""
    text = message.lower()
    if "requires a quota project" in text:
        # The reason that comes with it is that of the project of Google's own tools, in which nothing is enabled.
        return Refusal(GoogleFault.NO_QUOTA_PROJECT)
    fault = _FAULT_OF_REASON.get(_first_small(reason)) or next((fault for part, fault in _FAULT_OF_TEXT if part in text), None)
    if fault is None and reason == "IAM_PERMISSION_DENIED":
        resource, permission = metadata.get("resource", ""), metadata.get("permission", "")
        if permission == "serviceusage.services.use":
            fault = GoogleFault.QUOTA_PROJECT
        elif resource.startswith("projects/") and "/buckets/" not in resource and not permission.startswith("storage."):
            return Refusal(GoogleFault.RIGHT, resource.split("/")[1])
    return Refusal(fault, _project(message, metadata)) if fault else None


def object_fault(message: str, *, reason: str = "") -> StorageFault | None:
    """Return what is special about a bucket or an object that Cloud Storage refuses, None where that is not known."""
    text = message.lower()
    found = _OBJECT_FAULT_OF_REASON.get(_first_small(reason))
    return found or next((fault for part, fault in _OBJECT_FAULT_OF_TEXT if part in text), None)


def credentials_refusal(error: BaseException) -> Refusal | None:
    """Return why there are no credentials or no token, None where Google can't be reached, or for an error of another kind."""
    match error:
        case auth_errors.InvalidOperation():
            return Refusal(GoogleFault.CREDENTIALS)  # such as none, where some are asked for
        case auth_errors.DefaultCredentialsError() | auth_errors.MalformedError():
            text = str(error)
            if "credentials were not found" in text:
                return Refusal(GoogleFault.NO_CREDENTIALS)
            is_missing = text.startswith("File ") and "was not found" in text
            return Refusal(GoogleFault.KEY_FILE_MISSING if is_missing else GoogleFault.KEY_FILE_MALFORMED, _key_file())
        case auth_errors.TransportError():
            return Refusal(GoogleFault.METADATA_SERVER) if _is_about_metadata(str(error)) else None
        case auth_errors.RefreshError() if error.retryable and not _is_about_metadata(str(error)):
            return None  # Google's server of tokens fails
        case auth_errors.GoogleAuthError():
            return sign_in_refusal(str(error))
        case _:
            return None


def sign_in_refusal(text: str) -> Refusal | None:
    """Return why a token was refused, from the text of an error of google-auth; None where nobody was reached."""
    small = text.lower()
    if _is_about_metadata(text):
        return Refusal(GoogleFault.METADATA_SERVER)
    if missing := _MISSING_FILE.match(text):
        return Refusal(GoogleFault.KEY_FILE_MISSING, file_name(missing[1]))
    if small.lstrip().startswith("<"):
        return None  # a page of something that stands between
    if "short-lived token" in small or "iat and exp" in small or "token used too early" in small:
        return Refusal(GoogleFault.CLOCK)
    if "max retries exceeded" in small or "connection aborted" in small or "timed out" in small:
        return None
    if any(part in small for part in ("jwt signature", "account not found", "deleted_client", "disabled_client", "disabled")):
        return Refusal(GoogleFault.KEY_REVOKED)
    if any(part in small for part in ("reauth", "rapt", "expired or revoked", "invalid_grant")):
        return Refusal(GoogleFault.SIGN_IN_EXPIRED)
    return Refusal(GoogleFault.CREDENTIALS)


def _is_about_metadata(text: str) -> bool:
    small = text.lower()
    return "computemetadata" in small or "metadata server" in small


class CredentialsRefused(Exception):
    """There are no credentials, or no token for them; `refusal` is None where Google can't be reached."""

    def __init__(self, refusal: Refusal | None, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


def find_credentials() -> Credentials:
    """
    Return the application default credentials, of which a service account signs for itself where it can.

    Blocks, for some ten seconds where no file is set and no metadata server answers. Raises `CredentialsRefused`.
    """
    try:
        credentials, _ = google.auth.default(scopes=SCOPES, request=_request())
    except auth_errors.GoogleAuthError as error:
        raise CredentialsRefused(credentials_refusal(error), bounded(str(error))) from error
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        # The library lets through what opening and decoding the file raise, and what comes of JSON that is no object.
        unreadable = isinstance(error, OSError)
        fault = GoogleFault.KEY_FILE_UNREADABLE if unreadable else GoogleFault.KEY_FILE_MALFORMED
        raise CredentialsRefused(Refusal(fault, _key_file()), bounded(str(error))) from error
    found: Credentials = credentials
    return found


def project_of(credentials: Credentials | None) -> str:
    """Return the project whose service is used, as far as the credentials or the environment say, else ""."""
    named = (getattr(credentials, name, None) for name in ("project_id", "quota_project_id"))
    return os.environ.get(_PROJECT_VARIABLE) or next((str(project) for project in named if project), "")


def sign_in(credentials: Credentials) -> None:
    """Have a valid token in `credentials`; blocks where one is fetched. Raises `CredentialsRefused`."""
    if credentials.valid:
        return
    try:
        credentials.refresh(_request())  # type: ignore[no-untyped-call]  # untyped library
    except auth_errors.GoogleAuthError as error:
        raise CredentialsRefused(credentials_refusal(error), bounded(str(error))) from error


def bounded(message: str) -> str:
    """Return what a service said as one line of bounded length."""
    return plain(message)[:_DETAIL_LIMIT]


def _request() -> Request:
    """Return what google-auth calls for each of its requests; it would wait two minutes for an answer."""
    request: Request = partial(Request(), timeout=_TOKEN_TIMEOUT_S)  # type: ignore[assignment]  # is only called
    return request


def _first_small(reason: str) -> str:
    """Cloud Storage's page writes some reasons with a capital letter, and the service without."""
    return reason if reason.isupper() or not reason else reason[0].lower() + reason[1:]


def _key_file() -> str:
    return file_name(os.environ.get(_KEY_FILE, "")) or "application_default_credentials.json"


def _project(message: str, metadata: Mapping[str, str]) -> str:
    """Return the project that Google names, as far as it does."""
    named = metadata.get("consumer") or metadata.get("containerInfo") or ""
    for text in (named if named.startswith("project") else f"project {named}", message):
        for match in _PROJECT.finditer(text.lower()):
            if match[1] not in _NO_PROJECT:
                return match[1]
    return ""
