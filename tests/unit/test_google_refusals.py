"""Every code and reason with which Google's services and its credentials can refuse, and what is said of each."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

import pytest
from google.api import error_reason_pb2  # type: ignore[import-untyped]  # ships no types
from google.rpc import code_pb2

from bot.jobs.error_codec import from_json, to_json
from bot.jobs.operator_faults import needs_operator
from bot.texts import slack
from bot.texts.errors import sentence
from tracking.engines.video_intelligence import translated
from tracking.errors import (
    EngineAbsence,
    EngineRefusal,
    EngineUnavailable,
    GoogleFault,
    SourceRefusal,
    SourceRefused,
    StorageError,
    StorageFault,
    TrackletError,
    service_words,
)
from tracking.google_access import sign_in_refusal
from tracking.storage.names import ObjectUri

LINK = "https://console.developers.google.com/apis/library?project=film-123456"
VIDEO = "gs://videos/clip.mp4"

# What each reason of google.api.ErrorReason means for us; all but the quotas hinder every use of a service.
REASONS: dict[str, StrEnum] = {
    "SERVICE_DISABLED": GoogleFault.API_DISABLED,
    "SERVICE_NOT_VISIBLE": GoogleFault.API_DISABLED,
    "MCP_SERVER_DISABLED": GoogleFault.API_DISABLED,
    "BILLING_DISABLED": GoogleFault.BILLING_DISABLED,
    "API_KEY_INVALID": GoogleFault.CREDENTIALS,
    "API_KEY_SERVICE_BLOCKED": GoogleFault.CREDENTIALS,
    "API_KEY_HTTP_REFERRER_BLOCKED": GoogleFault.CREDENTIALS,
    "API_KEY_IP_ADDRESS_BLOCKED": GoogleFault.CREDENTIALS,
    "API_KEY_ANDROID_APP_BLOCKED": GoogleFault.CREDENTIALS,
    "API_KEY_IOS_APP_BLOCKED": GoogleFault.CREDENTIALS,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
    "SESSION_COOKIE_INVALID": GoogleFault.CREDENTIALS,
    "MISSING_ORIGIN": GoogleFault.CREDENTIALS,
    "OVERLOADED_CREDENTIALS": GoogleFault.CREDENTIALS,
    "CREDENTIAL_ANDROID_APP_INVALID": GoogleFault.CREDENTIALS,
    "JWT_TOKEN_INVALID": GoogleFault.CREDENTIALS,
    "CREDENTIAL_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
    "ACCOUNT_TYPE_UNSUPPORTED": GoogleFault.CREDENTIALS,
    "CREDENTIALS_MISSING": GoogleFault.NO_CREDENTIALS,
    "ACCESS_TOKEN_EXPIRED": GoogleFault.SIGN_IN_EXPIRED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": GoogleFault.SCOPE,
    "ACCOUNT_STATE_INVALID": GoogleFault.KEY_REVOKED,
    "USER_PROJECT_DENIED": GoogleFault.QUOTA_PROJECT,
    "CONSUMER_INVALID": GoogleFault.PROJECT,
    "RESOURCE_PROJECT_INVALID": GoogleFault.PROJECT,
    "CONSUMER_SUSPENDED": GoogleFault.SUSPENDED,
    "GCP_SUSPENDED": GoogleFault.SUSPENDED,
    "SECURITY_POLICY_VIOLATED": GoogleFault.PERIMETER,
    "LOCATION_TAX_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
    "LOCATION_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
    "LOCATION_ORG_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
    "USER_BLOCKED_BY_ADMIN": GoogleFault.ORG_POLICY,
    "RESOURCE_USAGE_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
    "ORG_RESTRICTION_VIOLATION": GoogleFault.ORG_POLICY,
    "ORG_RESTRICTION_HEADER_INVALID": GoogleFault.ORG_POLICY,
    "TLS_ORG_POLICY_VIOLATED": GoogleFault.ORG_POLICY,
    "TLS_CIPHER_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
    "ENDPOINT_USAGE_RESTRICTION_VIOLATED": GoogleFault.ORG_POLICY,
    "IAM_PERMISSION_DENIED": GoogleFault.RIGHT,
    "SYSTEM_PARAMETER_UNSUPPORTED": GoogleFault.REQUEST,
    "RATE_LIMIT_EXCEEDED": EngineAbsence.QUOTA,
    "RESOURCE_QUOTA_EXCEEDED": EngineAbsence.QUOTA,
    "EMULATOR_QUOTA_EXCEEDED": EngineAbsence.QUOTA,
}


def is_a_line(text: str) -> bool:
    """One line of whole sentences, which ends with a full stop."""
    return text == text.strip() and "\n" not in text and text.endswith(".") and not text.endswith("..") and "  " not in text


def test_the_table_has_every_reason_of_googles_interface_definition() -> None:
    assert set(REASONS) == set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


@pytest.mark.parametrize(("reason", "fault"), REASONS.items())
@pytest.mark.parametrize("call", ["start", "ask", ""])
def test_each_reason_is_told_to_people_in_a_line_and_to_the_operator_with_its_link(
    reason: str, fault: StrEnum, call: str
) -> None:
    error = translated(
        code_pb2.PERMISSION_DENIED,
        f"It is so. See {LINK} then retry",
        service_reason=reason,
        metadata={"consumer": "projects/film-123456", "resource": "projects/film-123456", "permission": "vi.videos.annotate"},
        call=call,
        place=VIDEO,
    )
    assert isinstance(error, EngineUnavailable)
    assert error.reason is fault
    assert is_a_line(sentence(error))
    assert is_a_line(slack.sentence(error, number=7))
    assert LINK in service_words(error)
    if isinstance(fault, GoogleFault):
        assert needs_operator(error)
        assert LINK not in slack.sentence(error, number=7)
        assert "job 7" in slack.sentence(error, number=7)


def test_a_missing_right_on_a_bucket_is_none_in_the_project() -> None:
    error = translated(
        code_pb2.PERMISSION_DENIED,
        "Permission denied.",
        service_reason="IAM_PERMISSION_DENIED",
        metadata={"resource": "projects/_/buckets/videos", "permission": "storage.objects.get"},
        place=VIDEO,
    )
    assert error.__dict__["reason"] is EngineRefusal.PERMISSION
    denied = translated(
        code_pb2.PERMISSION_DENIED,
        "Permission denied.",
        service_reason="IAM_PERMISSION_DENIED",
        metadata={"resource": "projects/film-123456", "permission": "serviceusage.services.use"},
    )
    assert denied.__dict__["reason"] is GoogleFault.QUOTA_PROJECT


@pytest.mark.parametrize("name", [name for name in code_pb2.Code.keys() if name != "OK"])  # noqa: SIM118  # an enum of protobuf
def test_each_code_has_a_sentence_whatever_it_answers(name: str) -> None:
    for call, place, text in product(["start", "ask", ""], [VIDEO, ""], ["", "Something, with a comma,", "It failed!"]):
        error = translated(code_pb2.Code.Value(name), text, call=call, place=place)
        assert is_a_line(sentence(error)) or isinstance(error, StorageError)
        assert is_a_line(slack.sentence(error, number=7))
        assert vars(from_json(to_json(error))) == vars(error)


CODES = {
    # what is asked for does not exist, is not to be had, or is no video: about the video only where the video was sent
    ("NOT_FOUND", "start", VIDEO): "There is nothing at gs://videos/clip.mp4.",
    ("NOT_FOUND", "ask", ""): "no longer knows this run",
    ("NOT_FOUND", "start", ""): "refuses to work",
    ("INVALID_ARGUMENT", "start", VIDEO): "Convert it to MP4",
    ("INVALID_ARGUMENT", "ask", ""): "no longer knows this run",
    ("FAILED_PRECONDITION", "start", VIDEO): "refuses to work",
    ("OUT_OF_RANGE", "start", VIDEO): "finds no such stretch",
    ("PERMISSION_DENIED", "start", VIDEO): "may not use gs://videos/clip.mp4",
    ("PERMISSION_DENIED", "start", ""): "lacks a right",
    ("PERMISSION_DENIED", "ask", ""): "lacks a right",
    ("UNAUTHENTICATED", "ask", ""): "does not accept my credentials",
    ("UNIMPLEMENTED", "start", ""): "What answers is not Google Video Intelligence",
    ("RESOURCE_EXHAUSTED", "start", ""): "its quota is used up for now",
    ("UNAVAILABLE", "start", ""): "so it may be running",
    ("DEADLINE_EXCEEDED", "start", ""): "so it may be running",
    ("INTERNAL", "start", ""): "so it may be running",
    ("ABORTED", "start", ""): "so it may be running",
    ("DATA_LOSS", "start", ""): "so it may be running",
    ("ALREADY_EXISTS", "start", ""): "so it may be running",
    ("CANCELLED", "start", ""): "so it may be running",
    ("UNKNOWN", "start", ""): "so it may be running",
    ("UNAVAILABLE", "ask", ""): "can't be reached",
    ("DEADLINE_EXCEEDED", "ask", ""): "did not answer in time",
    ("CANCELLED", "", VIDEO): "Cancelled.",
    ("DEADLINE_EXCEEDED", "", VIDEO): "took too long for this video",
    ("INTERNAL", "", VIDEO): "failed. It said: It is so.",
    ("UNAVAILABLE", "", VIDEO): "failed. It said: It is so.",
    ("PERMISSION_DENIED", "", VIDEO): "may not use gs://videos/clip.mp4",
    ("RESOURCE_EXHAUSTED", "", VIDEO): "its quota is used up for now",
}


@pytest.mark.parametrize(("name", "call", "place"), CODES)
def test_a_code_means_what_was_asked(name: str, call: str, place: str) -> None:
    said = sentence(translated(code_pb2.Code.Value(name), "It is so", call=call, place=place))
    assert CODES[name, call, place] in said


@pytest.mark.parametrize(
    ("message", "metadata", "passes"),
    [
        ("Quota exceeded for 'Requests per minute'.", {}, True),
        ("Quota exceeded.", {"quota_limit": "RequestsPerMinutePerProject"}, True),
        ("Quota exceeded.", {}, True),
        ("Quota exceeded for 'Requests per day'.", {}, False),
        ("Quota exceeded.", {"quota_limit": "RequestsPerDayPerProject"}, False),
        ("Quota exceeded.", {"quota_unit": "1/d/{project}"}, False),
        ("Quota exceeded for 'Requests per minute'.", {"quota_limit_value": "0"}, False),
    ],
)
def test_a_quota_is_waited_for_only_where_it_fills_again_soon(message: str, metadata: dict[str, str], passes: bool) -> None:
    error = translated(code_pb2.RESOURCE_EXHAUSTED, message, metadata=metadata, call="start")
    assert isinstance(error, EngineUnavailable) is passes


# Texts without a reason, from public bug reports.
TEXTS = {
    "Cloud Video Intelligence API has not been used in project 123456789 before or it is disabled. Enable it by visiting "
    f"{LINK} then retry.": GoogleFault.API_DISABLED,
    "This API method requires billing to be enabled. Please enable it on #film-123456": GoogleFault.BILLING_DISABLED,
    "Billing is disabled for project 123456789": GoogleFault.BILLING_DISABLED,
    "Request had insufficient authentication scopes.": GoogleFault.SCOPE,
    "Caller does not have required permission to use project film-123456. Grant the caller the "
    "roles/serviceusage.serviceUsageConsumer role": GoogleFault.QUOTA_PROJECT,
    "The API requires a quota project, which is not set by default.": GoogleFault.NO_QUOTA_PROJECT,
    "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x-y": GoogleFault.PERIMETER,
    "Constraint constraints/gcp.resourceLocations violated for projects/film-123456": GoogleFault.ORG_POLICY,
    "Permission denied: Consumer 'projects/123456789' has been suspended.": GoogleFault.SUSPENDED,
    "Project not found or deleted": GoogleFault.PROJECT,
}


@pytest.mark.parametrize(("text", "fault"), TEXTS.items())
def test_a_text_says_what_its_code_does_not(text: str, fault: GoogleFault) -> None:
    for code in (code_pb2.PERMISSION_DENIED, code_pb2.FAILED_PRECONDITION, code_pb2.INVALID_ARGUMENT):
        assert translated(code, text, call="start", place=VIDEO).__dict__["reason"] is fault


def test_each_fault_has_a_sentence_of_its_own() -> None:
    engine = [sentence(EngineUnavailable("google", fault, "It is so", "film-123456")) for fault in GoogleFault]
    storage = [
        sentence(StorageError("gs://videos/c.mp4", "read", fault, "It is so")) for fault in (*StorageFault, *GoogleFault)
    ]
    absent = [sentence(EngineUnavailable("google", fault, "It is so")) for fault in EngineAbsence]
    every = [*engine, *storage, *absent]
    assert len(set(every)) == len(every)
    assert [said for said in every if not is_a_line(said)] == []


# What Google's server of tokens, or google-auth itself, says.
SIGN_IN = {
    "('invalid_grant: Invalid JWT Signature.', {})": GoogleFault.KEY_REVOKED,
    "('invalid_grant: Invalid grant: account not found', {})": GoogleFault.KEY_REVOKED,
    "('deleted_client: The OAuth client was deleted.', {})": GoogleFault.KEY_REVOKED,
    "('invalid_client: The OAuth client was disabled.', {})": GoogleFault.KEY_REVOKED,
    "('invalid_grant: Token has been expired or revoked.', {})": GoogleFault.SIGN_IN_EXPIRED,
    "('invalid_grant: reauth related error (invalid_rapt)', {})": GoogleFault.SIGN_IN_EXPIRED,
    "Reauthentication is needed. Please run `gcloud auth application-default login`.": GoogleFault.SIGN_IN_EXPIRED,
    "('invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
    "iat and exp values in the JWT claim.', {})": GoogleFault.CLOCK,
    "Failed to retrieve http://169.254.169.254/computeMetadata/v1/x from the metadata service.": GoogleFault.METADATA_SERVER,
    "File '/var/run/token' was not found.": GoogleFault.KEY_FILE_MISSING,
    "('invalid_scope: Invalid OAuth scope or ID token audience provided.', {})": GoogleFault.CREDENTIALS,
}


@pytest.mark.parametrize(("text", "fault"), SIGN_IN.items())
def test_a_token_that_is_refused_says_why(text: str, fault: GoogleFault) -> None:
    refusal = sign_in_refusal(text)
    assert refusal is not None
    assert refusal.fault is fault


@pytest.mark.parametrize(
    "text", ["<html>502</html>", "HTTPSConnectionPool: Max retries exceeded with url: /token", "timed out"]
)
def test_who_does_not_reach_google_is_refused_by_nobody(text: str) -> None:
    assert sign_in_refusal(text) is None


def test_the_name_of_one_version_of_an_object_is_refused_as_that() -> None:
    with pytest.raises(SourceRefused) as raised:
        ObjectUri.parse("gs://videos/clip.mp4#1700000000000000")
    assert raised.value.reason is SourceRefusal.VERSION
    assert "Leave out the #" in sentence(raised.value)
    assert ObjectUri.parse("gs://videos/take #2.mp4").name == "take #2.mp4"


def test_an_error_of_ours_is_never_a_blank_line() -> None:
    assert is_a_line(sentence(TrackletError()))
