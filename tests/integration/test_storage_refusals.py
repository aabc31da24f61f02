"""Every reason with which Cloud Storage refuses, by Google's own client against a server on loopback, and what is said."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

import pytest
from google.auth.credentials import Credentials

from bot.texts import errors, slack
from tests.google.storage_server import StorageServer
from tracking.errors import GoogleFault, StorageError, StorageFault, service_words
from tracking.storage import bucket as bucket_module
from tracking.storage.bucket import Bucket, GoogleStorage

LINK = "https://console.cloud.google.com/storage/browser?project=film-123456"
MIB = 1024 * 1024

# The page "HTTP status and error codes for JSON" (docs.cloud.google.com/storage/docs/json_api/v1/status-codes), without what is
# no refusal and what belongs to notifications, which we do not ask for.
REASONS: dict[tuple[int, str], StrEnum] = {
    (400, "invalid"): StorageFault.REFUSED,  # such as an ACL in a bucket with uniform access
    (400, "badRequest"): StorageFault.REFUSED,
    (400, "badRequestException"): StorageFault.REFUSED,
    (400, "invalidAltValue"): StorageFault.REFUSED,
    (400, "invalidArgument"): StorageFault.REFUSED,
    (400, "invalidParameter"): StorageFault.REFUSED,
    (400, "notDownload"): StorageFault.REFUSED,
    (400, "notUpload"): StorageFault.REFUSED,
    (400, "parseError"): StorageFault.REFUSED,
    (400, "required"): StorageFault.REFUSED,
    (400, "turnedDown"): StorageFault.REFUSED,
    (400, "wrongUrlForUpload"): StorageFault.REFUSED,
    (400, "cloudKmsBadKey"): StorageFault.KEY_DISABLED,
    (400, "cloudKmsCannotChangeKeyName"): StorageFault.KEY,
    (400, "cloudKmsDecryptionKeyNotFound"): StorageFault.KEY_DISABLED,
    (400, "cloudKmsDisabledKey"): StorageFault.KEY_DISABLED,
    (400, "cloudKmsEncryptionKeyNotFound"): StorageFault.KEY_DISABLED,
    (400, "cloudKmsKeyLocationNotAllowed"): StorageFault.KEY,
    (400, "customerEncryptionAlgorithmIsInvalid"): StorageFault.CUSTOMER_KEY,
    (400, "customerEncryptionKeyFormatIsInvalid"): StorageFault.CUSTOMER_KEY,
    (400, "customerEncryptionKeyIsIncorrect"): StorageFault.CUSTOMER_KEY,
    (400, "customerEncryptionKeySha256IsInvalid"): StorageFault.CUSTOMER_KEY,
    (400, "resourceIsEncryptedWithCustomerEncryptionKey"): StorageFault.CUSTOMER_KEY,
    (400, "resourceNotEncryptedWithCustomerEncryptionKey"): StorageFault.CUSTOMER_KEY,
    (400, "userProjectInconsistent"): StorageFault.REQUESTER_PAYS,
    (400, "userProjectInvalid"): GoogleFault.PROJECT,
    (400, "userProjectMissing"): StorageFault.REQUESTER_PAYS,
    (401, "authenticationRequiredRequesterPays"): StorageFault.REQUESTER_PAYS,
    (401, "authError"): GoogleFault.CREDENTIALS,
    (401, "lockedDomainExpired"): GoogleFault.CREDENTIALS,
    (401, "required"): GoogleFault.CREDENTIALS,
    (403, "accountDisabled"): GoogleFault.BILLING_DISABLED,
    (403, "countryBlocked"): StorageFault.COUNTRY,
    (403, "forbidden"): StorageFault.PERMISSION,
    (403, "insufficientPermissions"): StorageFault.PERMISSION,
    (403, "objectUnderActiveHold"): StorageFault.HELD,
    (403, "quotaExceeded"): StorageFault.BUSY,
    (403, "rateLimitExceeded"): StorageFault.BUSY,
    (403, "retentionPolicyNotMet"): StorageFault.RETAINED,
    (403, "sslRequired"): StorageFault.PERMISSION,
    (403, "usageLimits.accessNotConfigured"): GoogleFault.API_DISABLED,
    (403, "userProjectAccessDenied"): GoogleFault.QUOTA_PROJECT,
    (403, "userProjectAccountProblem"): GoogleFault.BILLING_DISABLED,
    (403, "userRateLimitExceeded"): StorageFault.BUSY,
    (404, "notFound"): StorageFault.MISSING,
    (405, "methodNotAllowed"): StorageFault.REFUSED,
    (408, "uploadBrokenConnection"): StorageFault.BROKEN_OFF,
    (409, "conflict"): StorageFault.CONFLICT,
    (410, "gone"): StorageFault.BROKEN_OFF,
    (411, "lengthRequired"): StorageFault.REFUSED,
    (412, "conditionNotMet"): StorageFault.CONFLICT,
    (412, "orgPolicyConstraintFailed"): GoogleFault.ORG_POLICY,
    (413, "uploadTooLarge"): StorageFault.TOO_LARGE,
    (416, "requestedRangeNotSatisfiable"): StorageFault.CHECKSUM,
    (429, "usageLimits.rateLimitExceeded"): StorageFault.BUSY,
    (500, "backendError"): StorageFault.OFFLINE,
    (500, "internalError"): StorageFault.OFFLINE,
    (502, "badGateway"): StorageFault.OFFLINE,
    (503, "backendError"): StorageFault.OFFLINE,
    (504, "gatewayTimeout"): StorageFault.OFFLINE,
}

# What comes under a reason that says nothing, "forbidden" or "invalid", from public bug reports.
TEXTS: dict[tuple[int, str], StrEnum] = {
    (403, "Object 'bucket/clip.mp4' is subject to bucket's retention policy and cannot be deleted"): StorageFault.RETAINED,
    (403, "Object 'bucket/clip.mp4' is under active Temporary hold and cannot be deleted"): StorageFault.HELD,
    (400, "Bucket is a requester pays bucket but no user project provided."): StorageFault.REQUESTER_PAYS,
    (
        403,
        "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account is authorized",
    ): StorageFault.KEY,
    (400, "The Cloud KMS key is disabled"): StorageFault.KEY_DISABLED,
    (403, "The billing account for the owning project is disabled in state absent"): GoogleFault.BILLING_DISABLED,
    (403, "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x"): GoogleFault.PERIMETER,
    (404, "The specified bucket does not exist."): StorageFault.BUCKET_MISSING,
    (
        403,
        "a@b.iam.gserviceaccount.com does not have serviceusage.services.use access to the Google Cloud project.",
    ): GoogleFault.QUOTA_PROJECT,
    (
        403,
        "a@b.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object.",
    ): StorageFault.PERMISSION,
    (403, "Request had insufficient authentication scopes."): GoogleFault.SCOPE,
    (403, "Cloud Storage JSON API has not been used in project 123456789 before or it is disabled."): GoogleFault.API_DISABLED,
    (400, "Cannot use ACL API to update bucket policy when uniform bucket-level access is enabled."): StorageFault.REFUSED,
}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageServer]:
    monkeypatch.setattr(bucket_module, "_FAILURES_WITHOUT_PROGRESS", 1)  # the tries of what may pass are looked at elsewhere
    async with StorageServer("videos") as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.address)
        yield running


class Renewable(Credentials):
    """A token that can always be renewed, and never helps."""

    def refresh(self, request: object) -> None:
        self.token = "token"


@pytest.fixture
async def bucket(server: StorageServer) -> AsyncIterator[Bucket]:
    google = GoogleStorage(Renewable())  # type: ignore[no-untyped-call]  # untyped library
    yield google.bucket("videos")
    await google.close()


@pytest.mark.parametrize(
    ("status", "reason", "words", "fault"),
    [
        *((status, reason, f"It is so: see {LINK} there", fault) for (status, reason), fault in REASONS.items()),
        *((status, "forbidden", f"{text} {LINK}", fault) for (status, text), fault in TEXTS.items()),
    ],
)
async def test_each_reason_is_told_to_people_in_a_line_and_to_the_operator_with_its_link(
    server: StorageServer, bucket: Bucket, status: int, reason: str, words: str, fault: StrEnum
) -> None:
    server.refusals["videos"] = (status, reason, words)
    for action in (lambda: bucket.read("clip.mp4"), lambda: bucket.write("clip.mp4", b"x")):
        with pytest.raises(StorageError) as raised:
            await action()
        error = raised.value
        assert error.reason is fault
        assert LINK in service_words(error)
        for said in (errors.sentence(error), slack.sentence(error, number=7)):
            assert "gs://videos/clip.mp4" in said or isinstance(fault, GoogleFault)
            assert "\n" not in said
            assert said.endswith(".")
            assert not said.endswith("..")


async def test_who_has_no_credentials_is_not_told_of_a_key_file(server: StorageServer) -> None:
    google = GoogleStorage()
    server.closed = {"videos"}
    with pytest.raises(StorageError, match="credentials"):
        await google.bucket("videos").read("clip.mp4")
    await google.close()


async def test_an_answer_that_is_no_json_is_told_by_its_status(server: StorageServer, bucket: Bucket) -> None:
    server.refusals["videos"] = (403, "", "")
    with pytest.raises(StorageError, match="permission"):
        await bucket.read("clip.mp4")


async def test_an_upload_of_which_the_service_keeps_less_than_was_sent_begins_again(
    server: StorageServer, bucket: Bucket, tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes(os.urandom(9 * MIB))
    server.short_pieces = 1
    await bucket.upload("clip.mp4", source)
    assert await bucket.read("clip.mp4") == source.read_bytes()
    server.short_pieces = 100
    with pytest.raises(StorageError, match="broken-off"):
        await bucket.upload("clip.mp4", source)
