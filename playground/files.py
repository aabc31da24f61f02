"""
Files of the workspace: their bytes in a temporary folder, their JSON, and the states of an upload.

    awaiting (an upload address was given) -> uploaded (the bytes came) -> processing (completed) -> ready

While a file is processed its type and its `shares` are empty, as in Slack, and its message is not there yet. Bytes are
streamed, never held whole. HTTP is in `file_routes.py`.
"""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from PIL import Image, UnidentifiedImageError

from playground.faults import Faults
from playground.payloads import ApiError, Json
from playground.workspace import BOT_USER, TEAM_ID, Change, Message, Workspace

CHUNK_BYTES = 1 << 20

# Longest head that the signatures below look at.
_HEAD_BYTES = 64


class FileState(StrEnum):
    AWAITING = "awaiting"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    DELETED = "deleted"


@dataclass(frozen=True)
class Processing:
    """The time until a new file of the app is ready: `seconds` have passed and `files.info` was asked `polls` times."""

    seconds: float = 0.05
    polls: int = 0


@dataclass
class StoredFile:
    id: str
    name: str
    title: str
    user: str
    size_bytes: int
    path: Path
    state: FileState
    created: int
    ticket: str = ""
    alt_text: str = ""
    mode: str = "hosted"
    mimetype: str = ""
    external_url: str = ""
    is_stub: bool = False
    width_px: int = 0
    height_px: int = 0
    received_bytes: int = 0
    polls_left: int = 0
    time_left: bool = False
    shares: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def filetype(self) -> str:
        return Path(self.name).suffix.lstrip(".").lower() or "binary"


def _replace_file(message: Message, *, file_id: str, mode: str) -> None:
    message.files = [{"id": file_id, "mode": mode} if item["id"] == file_id else item for item in message.files]


class TooManyBytes(Exception):
    """The error for more bytes than were declared."""


class Files:
    """Every file of the workspace. `folder`, which is there before the first file, holds the bytes."""

    def __init__(self, workspace: Workspace, *, faults: Faults, processing: Processing, max_file_bytes: int = 1 << 30) -> None:
        self.workspace = workspace
        self.folder = Path()
        self.faults = faults
        self.processing = processing
        self.max_file_bytes = max_file_bytes
        self.by_id: dict[str, StoredFile] = {}
        self.shared_names_user = True
        """False leaves the user out of `file_shared`, as Slack has done."""
        self._timers: set[asyncio.TimerHandle] = set()
        self._pending: list[Share] = []

    def close(self) -> None:
        """Stop all processing."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # Making files

    def expect(self, *, name: str, size_bytes: int, user: str, alt_text: str = "") -> StoredFile:
        """Return a new file that is about to be uploaded; its `ticket` is the secret part of the address."""
        file_id = "F0" + secrets.token_hex(5).upper()[:9]
        safe_name = name.replace("/", "_").replace("\0", "_")[-255:]
        file = StoredFile(
            file_id,
            safe_name,
            safe_name,
            user,
            size_bytes,
            self.folder / file_id,
            FileState.AWAITING,
            int(self.workspace.clock()),
            ticket=secrets.token_urlsafe(24),
            alt_text=alt_text,
        )
        self.by_id[file_id] = file
        return file

    async def receive(self, file: StoredFile, chunks: AsyncIterator[bytes]) -> None:
        """Stream the bytes of a file to its path; `TooManyBytes` beyond its declared size, which leaves nothing behind."""
        received = 0
        try:
            with file.path.open("wb") as sink:
                async for chunk in chunks:
                    received += len(chunk)
                    if received > file.size_bytes:
                        raise TooManyBytes
                    await asyncio.to_thread(sink.write, chunk)
        except BaseException:
            file.path.unlink(missing_ok=True)
            raise
        file.received_bytes = received
        if received == file.size_bytes:
            file.state = FileState.UPLOADED

    async def detect_type(self, file: StoredFile) -> None:
        """Detect the media type of an uploaded file, and the size of a picture."""
        file.mimetype = await asyncio.to_thread(sniffed_type, file.path, file.name)
        if file.mimetype.startswith("image/"):
            file.width_px, file.height_px = await asyncio.to_thread(_image_size, file.path)

    def publish(self, files: Sequence[StoredFile], share: Share | None) -> None:
        """Begin to process files; they are shared, all in one message, when the last of them is ready."""
        if share is not None and self.faults.lose_shares:
            self.faults.lose_shares -= 1
            share = None
        if share is not None:
            self._pending.append(share)
        for file in files:
            file.state = FileState.PROCESSING
            file.polls_left = self.processing.polls
            file.time_left = self.processing.seconds > 0
        if self.processing.seconds > 0:
            timer = asyncio.get_running_loop().call_later(self.processing.seconds, self._time_passed, list(files))
            self._timers.add(timer)
        else:
            self._progress(files)

    def share_now(self, files: Sequence[StoredFile], share: Share) -> Message:
        """Share files that a person uploaded: the client shows them only when they are processed."""
        for file in files:
            file.state = FileState.READY
        return self._share(share)

    def polled(self, file: StoredFile) -> None:
        """Note that `files.info` has answered for this file."""
        if file.state is FileState.PROCESSING and file.polls_left:
            file.polls_left -= 1
            self._progress([file])

    def _time_passed(self, files: Sequence[StoredFile]) -> None:
        for file in files:
            file.time_left = False
        self._progress(files)

    def _progress(self, files: Sequence[StoredFile]) -> None:
        for file in files:
            if file.state is FileState.PROCESSING and not file.time_left and not file.polls_left:
                file.state = FileState.READY
                self.workspace.announce(Change("file_changed", file_id=file.id))
        for share in tuple(self._pending):
            if all(file.state is FileState.READY for file in share.files):
                self._pending.remove(share)
                self._share(share)

    def _share(self, share: Share) -> Message:
        """Post the message of an upload and announce message and files, as Slack does."""
        ts = self.workspace.next_ts()
        for file in share.files:
            entry: Json = {"ts": ts, "reply_users": [], "reply_users_count": 0, "reply_count": 0, "team_id": TEAM_ID}
            entry |= {"channel_name": self.workspace.channel(share.channel_id).name, "share_user_id": share.user}
            if share.thread_ts:
                entry["thread_ts"] = share.thread_ts
            file.shares.setdefault(share.channel_id, []).append(entry)
        bot_id = self.workspace.users[share.user].bot_id
        message = Message(
            share.channel_id,
            ts,
            share.user,
            share.text,
            blocks=share.blocks,
            files=[self.stub_json(file) if file.is_stub else self.file_json(file) for file in share.files],
            thread_ts=share.thread_ts,
            bot_id=bot_id,
            subtype="file_share",
        )
        self.workspace.post(message)
        for file in share.files:
            user = share.user if self.shared_names_user else ""
            self.workspace.announce(Change("file_shared", share.channel_id, message, file_id=file.id, user=user, ts=ts))
        return message

    # Looking at files

    def visible(self, file_id: str, user: str) -> StoredFile:
        """Return the file if this user may see it: their own, or one shared where they are."""
        file = self.by_id.get(file_id)
        if file is None or file.state is FileState.AWAITING:
            raise ApiError("file_not_found")
        if file.state is FileState.DELETED:
            raise ApiError("file_deleted")
        if file.user != user and not any(user in self.workspace.channel(channel).members for channel in file.shares):
            raise ApiError("file_not_found")
        return file

    def by_ticket(self, ticket: str) -> StoredFile | None:
        """Return the file whose bytes this upload address takes, while it does."""
        return next(
            (
                file
                for file in self.by_id.values()
                if secrets.compare_digest(file.ticket.encode(), ticket.encode())
                and file.state in (FileState.AWAITING, FileState.UPLOADED)
            ),
            None,
        )

    def delete(self, file: StoredFile) -> None:
        """Remove a file: messages keep a tombstone in its place."""
        file.state = FileState.DELETED
        file.path.unlink(missing_ok=True)
        self._pending = [share for share in self._pending if file not in share.files]
        for message in self._messages_of(file):
            self.workspace.change(message, partial(_replace_file, file_id=file.id, mode="tombstone"))
        self.workspace.announce(Change("file_changed", file_id=file.id))

    def hide(self, file: StoredFile) -> None:
        """Hide a file as an old one of a free workspace (`hidden_by_limit`), for which no event is sent."""
        file.mode = "hidden_by_limit"
        for message in self._messages_of(file):
            _replace_file(message, file_id=file.id, mode=file.mode)
        self.workspace.announce(Change("file_changed", file_id=file.id))

    def discard(self, file: StoredFile) -> None:
        """Forget an uploaded file that was never shared."""
        file.state = FileState.DELETED
        file.path.unlink(missing_ok=True)
        del self.by_id[file.id]

    def _messages_of(self, file: StoredFile) -> list[Message]:
        return [
            message
            for channel_id in file.shares
            for message in self.workspace.channel(channel_id).messages
            if file.id in message.file_ids
        ]

    def stub_json(self, file: StoredFile) -> Json:
        """Return a file of another workspace as events and messages hold it: `files.info` gives the rest."""
        return {
            "id": file.id,
            "mode": "file_access",
            "file_access": "check_file_info",
            "created": 0,
            "timestamp": 0,
            "user": "",
        }

    def file_json(self, file: StoredFile) -> Json:
        """Return the file object. Type, shares and thumbnails are empty until the file is ready."""
        if file.mode in ("tombstone", "hidden_by_limit"):
            return {"id": file.id, "mode": file.mode}
        base, slug = self.workspace.url, quote(_slug(file.name))
        ready = file.state is FileState.READY
        private = file.external_url or f"{base}/files-pri/{TEAM_ID}-{file.id}/{slug}"
        body: Json = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype if ready else "",
            "filetype": file.filetype if ready else "",
            "pretty_type": file.filetype.upper() if ready else "",
            "user": file.user,
            "user_team": TEAM_ID,
            "editable": False,
            "size": file.size_bytes,
            "mode": file.mode,
            "is_external": file.mode == "external",
            "external_type": "unknown" if file.mode == "external" else "",
            "is_public": any(channel.startswith("C") for channel in file.shares),
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": private,
            "url_private_download": file.external_url or f"{base}/files-pri/{TEAM_ID}-{file.id}/download/{slug}",
            "media_display_type": _display_type(file.mimetype) if ready else "unknown",
            "permalink": f"{base}/files/{file.user}/{file.id}/{slug}",
            "channels": [channel for channel in file.shares if channel.startswith("C")],
            "groups": [channel for channel in file.shares if channel.startswith("G")],
            "ims": [channel for channel in file.shares if channel.startswith("D")],
            "shares": self._shares_json(file),
            "has_rich_preview": False,
            "file_access": "visible",
        }
        if file.alt_text:
            body["alt_txt"] = file.alt_text
        if ready and file.mimetype.startswith("image/"):
            body |= {"thumb_360": private, "original_w": file.width_px, "original_h": file.height_px}
            if file.mimetype == "image/gif":
                body |= {"thumb_360_gif": private, "deanimate_gif": private}
        return body

    def _shares_json(self, file: StoredFile) -> Json:
        shares: Json = {}
        for channel_id, entries in file.shares.items():
            kind = "public" if self.workspace.channel(channel_id).kind == "channel" else "private"
            shares.setdefault(kind, {})[channel_id] = [dict(entry) for entry in entries]
        return shares

    def picture_problem(self, reference: Json) -> str:
        """Return why a `slack_file` of the app cannot be shown in a block; "" when it can."""
        for file in self.by_id.values():
            if reference.get("id") == file.id or reference.get("url") in self._addresses(file):
                break
        else:
            return "invalid slack file"
        try:
            self.visible(file.id, BOT_USER)
        except ApiError:
            return "invalid slack file"
        if file.state is not FileState.READY:
            return "slack file is not ready"
        if file.mimetype not in ("image/png", "image/jpeg", "image/gif"):
            return "slack file must be an image (png, jpg, jpeg, gif)"
        return ""

    def _addresses(self, file: StoredFile) -> tuple[str, str]:
        shown = self.file_json(file)
        return str(shown.get("url_private", "")), str(shown.get("permalink", ""))


@dataclass(eq=False)
class Share:
    """The message in which files are shared when they are ready."""

    files: list[StoredFile]
    channel_id: str
    user: str
    thread_ts: str | None = None
    text: str = ""
    blocks: list[Json] = field(default_factory=list)


def sniffed_type(path: Path, name: str) -> str:
    """Return the media type by content, where the first bytes tell; else by the name."""
    with path.open("rb") as source:
        head = source.read(_HEAD_BYTES)
    found = _by_signature(head)
    if found == "video/mp4" and Path(name).suffix.lower() == ".mov":
        found = "video/quicktime"
    return found or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _by_signature(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    for signature, mimetype in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"ID3", "audio/mpeg"),
    ):
        if head.startswith(signature):
            return mimetype
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    return ""


def _image_size(path: Path) -> tuple[int, int]:
    """Return width and height from the file's header; zeros where it has none."""
    source: BinaryIO
    try:
        with path.open("rb") as source, Image.open(source) as image:
            return image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return 0, 0


def _display_type(mimetype: str) -> str:
    kind = mimetype.split("/")[0]
    return kind if kind in ("video", "audio") else "unknown"


def _slug(name: str) -> str:
    """Return a file's name as Slack's addresses spell it: lower case, odd characters as underscores."""
    return (
        "".join(letter if letter.isascii() and (letter.isalnum() or letter in ".-_") else "_" for letter in name.lower())
        or "file"
    )
