"""
A Cloud Storage bucket as a root.

Google's client blocks, so it works in threads of its own. It honours `STORAGE_EMULATOR_HOST`, without credentials. The library
retries what may be retried; a write that was retried can meet its own first attempt, which counts as done when size and
checksum are the same. A transfer stops at its next piece when its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import requests
from google.api_core import exceptions as api_errors
from google.api_core.retry import Retry
from google.auth import exceptions as auth_errors
from google.auth.credentials import Credentials
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from tracking.errors import GoogleFault, StorageError, StorageFault
from tracking.google_access import (
    CredentialsRefused,
    Refusal,
    access_refusal,
    bounded,
    credentials_refusal,
    find_credentials,
    object_fault,
    sign_in,
)
from tracking.storage.base import ANNOTATION_LIMIT_BYTES, StoredObject, content_type_of, crc32c
from tracking.storage.names import ObjectUri, checked_name, safe_file_name

_THREADS = 8
_CHUNK_BYTES = 8 * 1024 * 1024  # of resumable uploads; the library's own default holds 100 MiB of a file in memory
_TIMEOUT_S = (10, 30)  # to connect, and between two pieces
_CLOSE_S = 5
_ASK_RETRY = DEFAULT_RETRY.with_timeout(30)
_FAILURES_WITHOUT_PROGRESS = 6
_TRIES = 3  # of a transfer that has to begin again

# What each kind of action asks for; who replaces an object deletes what was there.
# Source: docs.cloud.google.com/storage/docs/access-control/iam-json, "Object methods".
_RIGHTS = {"read": "storage.objects.get", "write": "storage.objects.create", "delete": "storage.objects.delete"}

ResultT = TypeVar("ResultT")
Called = Callable[[str, str], None]


class GoogleStorage:
    """
    The connection to Cloud Storage, with our credentials and without any; made when it is first needed.

    Ours are the application default ones unless others are given. `called` hears of each call: what was done, and "ok" or why
    not.
    """

    def __init__(self, credentials: Credentials | None = None, *, called: Called = lambda _action, _result: None) -> None:
        self._credentials = credentials
        self._called = called
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._pending: set[Future[Any]] = set()
        # Looking for credentials takes seconds where there are none, and whoever needs none does not wait for that.
        self._locks = {False: threading.Lock(), True: threading.Lock()}
        self._clients: dict[bool, Client] = {}

    def bucket(self, name: str, *, anonymous: bool = False) -> Bucket:
        """Return a bucket as a root, read with our credentials, or as anybody could."""
        return Bucket(self, name, anonymous=anonymous)

    async def anyone_can_read(self, uri: ObjectUri) -> bool:
        """Whether an object is there for readers without credentials. Raises `StorageError` where that cannot be found out."""
        try:
            return await self.bucket(uri.bucket, anonymous=True).stat(uri.name) is not None
        except StorageError as error:
            return _is_answer(error)

    async def anyone_can_list(self, bucket: str, *, prefix: str = "") -> bool:
        """Whether a bucket's names can be listed without credentials. Raises `StorageError` where that cannot be found out."""

        def first() -> object:
            names = self.client(anonymous=True).list_blobs(bucket, prefix=prefix, max_results=1, retry=_ASK_RETRY)
            return next(iter(names), None)

        try:
            await self.run(first, place=bucket, action="list")
        except StorageError as error:
            return _is_answer(error)
        return True

    async def close(self) -> None:
        """End the connections, after a few seconds for what is still at work; what a dead peer holds ends by its timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if pending := [asyncio.wrap_future(work) for work in list(self._pending)]:
            await asyncio.wait(pending, timeout=_CLOSE_S)
        for client in self._clients.values():
            client.close()

    async def run(self, work: Callable[[], ResultT], *, place: str, action: str) -> ResultT:
        """`work` in a thread, its errors translated."""
        running = self._threads.submit(work)
        self._pending.add(running)
        running.add_done_callback(self._pending.discard)
        try:
            result = await self._finished(running, place=place, action=action)
        except StorageError as error:
            self._called(action, str(error.reason) if isinstance(error.reason, StrEnum) else "other")
            raise
        self._called(action, "ok")
        return result

    async def _finished(self, running: Future[ResultT], *, place: str, action: str) -> ResultT:
        try:
            return await asyncio.wrap_future(running)
        except StorageError:
            raise
        except Exception as error:
            fault = _fault(error)
            if fault is None:
                raise
            raise StorageError(place, action, *fault) from error

    def client(self, *, anonymous: bool) -> Client:
        """Blocks while it looks for credentials, so only for the threads."""
        with self._locks[anonymous]:
            if anonymous not in self._clients:
                self._clients[anonymous] = Client.create_anonymous_client() if anonymous else self._signed_in()
            return self._clients[anonymous]

    def _signed_in(self) -> Client:
        """Return a client that has a token by our credentials, or needs none. Raises `CredentialsRefused`."""
        if self._credentials is None and not os.environ.get("STORAGE_EMULATOR_HOST"):
            self._credentials = find_credentials()
        # Objects need no project; a client that is not given any looks for one, and fails where a login names none.
        client = Client(project=None, credentials=self._credentials)
        sign_in(client._credentials)
        return client


class Bucket:
    """`Root` on a bucket; made by `GoogleStorage.bucket`."""

    def __init__(self, google: GoogleStorage, name: str, *, anonymous: bool = False) -> None:
        self._google = google
        self._name = name
        self._anonymous = anonymous

    @property
    def name(self) -> str:
        return self._name

    def uri(self, name: str) -> str:
        return str(ObjectUri(self._name, checked_name(name, place=self._name, action="read")))

    async def stat(self, name: str) -> StoredObject | None:
        checked_name(name, place=self._name, action="read")
        return await self._run(lambda: self._stat(name), name, "read")

    async def generation(self, name: str) -> int:
        found = await self.stat(name)
        return found.generation if found else 0

    async def read(self, name: str, *, limit_bytes: int = ANNOTATION_LIMIT_BYTES) -> bytes:
        content = BytesIO()
        await self._download(name, content, limit_bytes=limit_bytes, if_generation=None)
        return content.getvalue()

    async def fetch(self, name: str, into: Path, *, limit_bytes: int, if_generation: int | None = None) -> Path:
        path = into / safe_file_name(name)
        try:
            with path.open("wb") as file:
                await self._download(name, file, limit_bytes=limit_bytes, if_generation=if_generation)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    async def write(
        self, name: str, content: bytes, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        return await self._store(name, lambda: BytesIO(content), content_type=content_type, if_generation=if_generation)

    async def upload(
        self, name: str, source: Path, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        return await self._store(name, lambda: source.open("rb"), content_type=content_type, if_generation=if_generation)

    async def delete(self, name: str, *, if_generation: int | None = None) -> None:
        checked_name(name, place=self._name, action="delete")

        def remove() -> None:
            try:
                self._blob(name).delete(if_generation_match=if_generation, timeout=_TIMEOUT_S, retry=_ASK_RETRY)
            except api_errors.NotFound:
                if if_generation:
                    raise StorageError(self._shown(name), "delete", StorageFault.CONFLICT) from None

        await self._run(remove, name, "delete")

    async def rights_missing(self) -> tuple[str, ...]:
        """
        Return which of "read", "write" and "delete" the credentials do not allow, () also where the service does not say so.

        Raises `StorageError`.
        """

        def ask() -> set[str]:
            bucket = self._google.client(anonymous=self._anonymous).bucket(self._name)
            return set(bucket.test_iam_permissions(list(_RIGHTS.values()), timeout=_TIMEOUT_S, retry=_ASK_RETRY))

        try:
            granted = await self._google.run(ask, place=f"gs://{self._name}", action="read")
        except StorageError as error:
            if error.reason in {StorageFault.PERMISSION, StorageFault.REFUSED}:
                return ()
            raise
        return tuple(action for action, permission in _RIGHTS.items() if permission not in granted)

    async def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        def first_page() -> Iterator[Iterable[Blob]]:
            client = self._google.client(anonymous=self._anonymous)
            pages: Iterator[Iterable[Blob]] = client.list_blobs(
                self._name, prefix=prefix, timeout=_TIMEOUT_S, retry=_ASK_RETRY
            ).pages
            return pages

        pages = await self._run(first_page, prefix, "list")
        while (page := await self._run(lambda: next(pages, None), prefix, "list")) is not None:
            for blob in page:
                yield _stored(blob)

    async def _download(self, name: str, target: BinaryIO, *, limit_bytes: int, if_generation: int | None) -> None:
        checked_name(name, place=self._name, action="read")
        stop = threading.Event()

        def download() -> None:
            target.seek(0)
            target.truncate()
            self._blob(name).download_to_file(
                _Bounded(target, place=self._shown(name), limit_bytes=limit_bytes, stop=stop),
                if_generation_match=if_generation,
                checksum="crc32c",
                timeout=_TIMEOUT_S,
                retry=_patient_retry(stop, target.tell),
            )

        # One that is kept compressed has no middle to go on from: after a break it comes out wrong.
        work = partial(_again_after, StorageFault.CHECKSUM, download)
        await self._transfer(work, stop, name, "read")

    async def _store(
        self, name: str, opened: Callable[[], BinaryIO], *, content_type: str, if_generation: int | None
    ) -> StoredObject:
        checked_name(name, place=self._name, action="write")
        stop = threading.Event()

        def upload_once(source: BinaryIO) -> StoredObject:
            size_bytes = source.seek(0, os.SEEK_END)
            source.seek(0)
            blob = self._blob(name, chunk_size=_CHUNK_BYTES)
            try:
                blob.upload_from_file(
                    _Stoppable(source, stop),
                    size=size_bytes,
                    content_type=content_type or content_type_of(name),
                    if_generation_match=if_generation,
                    checksum="crc32c",
                    timeout=_TIMEOUT_S,
                    retry=_patient_retry(stop, source.tell),
                )
            except api_errors.PreconditionFailed:
                source.seek(0)
                found = self._stat(name)
                if found is None or (found.size_bytes, found.crc32c) != (size_bytes, crc32c(source)):
                    raise
                return found
            except ValueError as error:
                # The service has kept less than was sent, and the library does not go back to that.
                raise StorageError(self._shown(name), "write", StorageFault.BROKEN_OFF, bounded(str(error))) from error
            return _stored(blob)

        def upload() -> StoredObject:
            with opened() as source:
                # Where the service has forgotten what came so far there is nothing to go on with.
                return _again_after(StorageFault.BROKEN_OFF, partial(upload_once, source))

        return await self._transfer(upload, stop, name, "write")

    async def _transfer(self, work: Callable[[], ResultT], stop: threading.Event, name: str, action: str) -> ResultT:
        """`work` in a thread, which is told to stop when the caller is cancelled; it ends by itself at its next piece."""
        task = asyncio.ensure_future(self._run(work, name, action))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            stop.set()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise

    def _blob(self, name: str, *, chunk_size: int | None = None) -> Blob:
        return self._google.client(anonymous=self._anonymous).bucket(self._name).blob(name, chunk_size=chunk_size)

    def _stat(self, name: str) -> StoredObject | None:
        bucket = self._google.client(anonymous=self._anonymous).bucket(self._name)
        blob = bucket.get_blob(name, timeout=_TIMEOUT_S, retry=_ASK_RETRY)
        return None if blob is None else _stored(blob)

    async def _run(self, work: Callable[[], ResultT], name: str, action: str) -> ResultT:
        return await self._google.run(work, place=self._shown(name), action=action)

    def _shown(self, name: str) -> str:
        return f"gs://{self._name}/{name}"


class _Stopped(Exception):
    """The caller is gone."""


class _Bounded:
    """A file to write to that takes no more than the limit; counts what arrives, whatever was announced."""

    def __init__(self, target: BinaryIO, *, place: str, limit_bytes: int, stop: threading.Event) -> None:
        self._target = target
        self._place = place
        self._limit_bytes = limit_bytes
        self._stop = stop

    def write(self, piece: bytes) -> int:
        if self._stop.is_set():
            raise _Stopped
        if self._target.tell() + len(piece) > self._limit_bytes:
            raise StorageError(self._place, "read", StorageFault.TOO_LARGE)
        return self._target.write(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._target.seek(offset, whence)

    def tell(self) -> int:
        return self._target.tell()

    def flush(self) -> None:
        self._target.flush()


class _Stoppable:
    """A file to read from, until the caller is gone."""

    def __init__(self, source: BinaryIO, stop: threading.Event) -> None:
        self._source = source
        self._stop = stop

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise _Stopped
        return self._source.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()


def _again_after(fault: StorageFault, transfer: Callable[[], ResultT]) -> ResultT:
    """Return the result of `transfer`, which begins again when it ends with `fault`, a few times."""
    for _ in range(_TRIES - 1):
        try:
            return transfer()
        except Exception as error:
            found = _fault(error)
            if found is None or found.reason is not fault:
                raise
    return transfer()


def _patient_retry(stop: threading.Event, position: Callable[[], int]) -> Retry:
    """
    Retries for one transfer: as long as it gets on between failures, and only for a caller who still waits.

    The library's own end 120 s after the beginning of a download, so that a long one dies of its first hiccup.
    """
    failures, last = 0, -1

    def may_pass(error: Exception) -> bool:
        nonlocal failures, last
        fault = _fault(error)
        if isinstance(error, InvalidResponse):
            # The library leaves the connection of a refused download open; what it says has been read by now, and is kept.
            error.response.close()
        here = position()
        failures = failures + 1 if here == last else 1
        last = here
        passes = fault is not None and fault.reason in {StorageFault.OFFLINE, StorageFault.BUSY}
        return passes and not stop.is_set() and failures < _FAILURES_WITHOUT_PROGRESS

    return Retry(predicate=may_pass, initial=0.5, maximum=8, multiplier=2, timeout=None)


def _stored(blob: Blob) -> StoredObject:
    return StoredObject(
        name=blob.name,
        size_bytes=int(blob.size or 0),
        generation=int(blob.generation or 0),
        content_type=blob.content_type or "",
        crc32c=blob.crc32c or "",
    )


def _is_answer(error: StorageError) -> bool:
    """Return False for an error that says "not for everybody"; any other is raised again."""
    if error.reason in {*GoogleFault, *_NOT_FOR_EVERYBODY}:
        return False
    raise error


_NOT_FOR_EVERYBODY = {
    StorageFault.PERMISSION,
    StorageFault.MISSING,
    StorageFault.BUCKET_MISSING,
    StorageFault.REQUESTER_PAYS,
    StorageFault.CUSTOMER_KEY,
    StorageFault.KEY,
    StorageFault.KEY_DISABLED,
}


class _Fault(NamedTuple):
    """The facts of a `StorageError` that an error of the library has."""

    reason: StorageFault | GoogleFault | str
    detail: str = ""
    subject: str = ""


def _fault(error: Exception) -> _Fault | None:
    """Return what an error of the library means, None for what is no matter of storage."""
    match error:
        case CredentialsRefused():
            return _of_refusal(error.refusal, error.detail)
        case StorageError():
            return _Fault(error.reason, error.detail, error.subject)
        case FileNotFoundError():
            return _Fault(StorageFault.MISSING)
        case DataCorruption():
            return _Fault(StorageFault.CHECKSUM)
        case InvalidResponse():
            return _of_answer(int(error.response.status_code), error.response)
        case api_errors.RetryError():
            cause = error.cause
            return _fault(cause) if isinstance(cause, Exception) else _Fault(StorageFault.OFFLINE)
        case api_errors.GoogleAPICallError():
            return _of_answer(int(error.code or 503), error.response, error=error)
        case auth_errors.GoogleAuthError():
            return _of_refusal(credentials_refusal(error), bounded(str(error)))
        case requests.RequestException() | ConnectionError():
            return _Fault(StorageFault.OFFLINE, bounded(str(error)))
        case OSError():
            return _Fault(error.strerror or "system")
        case _:
            return None


def _of_refusal(refusal: Refusal | None, detail: str) -> _Fault:
    return _Fault(refusal.fault, detail, refusal.subject) if refusal else _Fault(StorageFault.OFFLINE, detail)


def _of_answer(status: int, response: object, *, error: api_errors.GoogleAPICallError | None = None) -> _Fault:
    """Return what an HTTP answer that is no success means: by its reason, its text, and then its status."""
    reason, message, metadata = _said(response)
    message = message or (str(error.message) if error else "")
    detail = bounded(message)
    if status < 500 and status != 429:
        if fault := object_fault(message, reason=reason):
            return _Fault(fault, detail)
        # The text of a condition that does not hold says nothing of access; its reason may.
        if refusal := access_refusal("" if status == 412 else message, reason=reason, metadata=metadata):
            return _Fault(refusal.fault, detail, refusal.subject)
    match status:
        case 401:
            return _Fault(GoogleFault.CREDENTIALS, detail)
        case 403:
            return _Fault(StorageFault.PERMISSION, detail)
        case 404:
            return _Fault(StorageFault.MISSING, detail)
        case 409 | 412:
            return _Fault(StorageFault.CONFLICT, detail)
        case 308 | 410:
            return _Fault(StorageFault.BROKEN_OFF, detail)
        case 413:
            return _Fault(StorageFault.TOO_LARGE, detail)
        case 416:
            return _Fault(StorageFault.CHECKSUM, detail)
        case 429:
            return _Fault(StorageFault.BUSY, detail)
    return _Fault(StorageFault.OFFLINE if status == 408 or status >= 500 else StorageFault.REFUSED, detail)


def _said(response: object) -> tuple[str, str, Mapping[str, str]]:
    """Return the reason, the message and the metadata of an error in JSON, "" and nothing where it is none."""
    if not isinstance(response, requests.Response):
        return "", "", {}
    try:
        document = response.json()
    except (ValueError, requests.RequestException, RuntimeError):
        return "", "", {}
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return "", "", {}
    details = [each for each in _list(error.get("details")) if str(each.get("@type")).endswith("google.rpc.ErrorInfo")]
    first = next(iter(_list(error.get("errors"))), {})
    info: Mapping[str, Any] = details[0] if details else first
    metadata = info.get("metadata")
    named = {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
    return str(info.get("reason") or ""), str(error.get("message") or ""), named


def _list(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
