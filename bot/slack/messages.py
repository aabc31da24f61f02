"""A message event as what may concern us: its files, its links, and whether it speaks to the bot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.jobs.model import Options
from bot.requests.errors import CommandError
from bot.requests.grammar import MAX_LETTERS, Json, _word, mention_options
from bot.requests.links import MAX_LINKS, VIDEO_SUFFIXES, looks_like_video, split_links


@dataclass(frozen=True, slots=True)
class SharedFile:
    """
    A file in a message; `is_stub` where only `files.info` knows more (Slack Connect).

    `is_sure` is False where the file counts only when somebody asks for it (`is_surely_video`).
    """

    id: str
    name: str
    is_stub: bool
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """What of a person's message may concern us; its text is not kept."""

    team: str
    channel: str
    user: str
    ts: str
    thread_ts: str
    channel_type: str
    files: tuple[SharedFile, ...]
    links: tuple[str, ...]
    is_mention: bool
    options: Options
    confusion: CommandError | None


_MESSAGE_SUBTYPES = frozenset({"", "file_share", "thread_broadcast", "me_message"})


def read_message(body: Json, *, bot_user: str) -> SharedMessage | None:
    """A message event of a person that shares a video, links to something, or speaks to the bot; None for all others."""
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    if _word(event, "type") not in {"message", "app_mention"} or str(event.get("subtype", "")) not in _MESSAGE_SUBTYPES:
        return None
    user, channel, ts = _word(event, "user"), _word(event, "channel"), _word(event, "ts")
    if not (user and channel and ts) or event.get("bot_id") or user in {bot_user, "USLACKBOT"} or event.get("edited"):
        return None
    text = str(event.get("text") or "")[:MAX_LETTERS]
    files = tuple(shared_files(event.get("files")))
    links = tuple(link for link in split_links(text)[0] if looks_like_video(link) is not False)[:MAX_LINKS]
    is_direct = event.get("channel_type") == "im" or channel.startswith("D")
    is_mention = f"<@{bot_user}>" in text or is_direct
    if not (files or links or is_mention):
        return None
    options, confusion = Options(), None
    if is_mention:
        try:
            mention = text if f"<@{bot_user}>" in text else f"<@{bot_user}> {text}"
            options = mention_options(mention, bot_user) or options
        except CommandError as misunderstood:
            confusion = misunderstood
    return SharedMessage(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=channel,
        user=user,
        ts=ts,
        thread_ts=str(event.get("thread_ts") or ""),
        channel_type="im" if is_direct else str(event.get("channel_type") or ""),
        files=files,
        links=links,
        is_mention=is_mention,
        options=options,
        confusion=confusion,
    )


def shared_files(files: object) -> Iterator[SharedFile]:
    """Those of a message's files that are videos, or that may be."""
    for file in files[:20] if isinstance(files, list) else ():
        if not isinstance(file, dict):
            continue
        file_id = str(file.get("id") or "")
        if not re.fullmatch(r"F\w{2,40}", file_id):
            continue
        if file.get("file_access") == "check_file_info":
            yield SharedFile(file_id, "video", is_stub=True)
        elif is_video_file(file):
            yield SharedFile(file_id, str(file.get("name") or "video"), is_stub=False, is_sure=is_surely_video(file))


def is_external(file: Json) -> bool:
    """Return whether a file lies outside of Slack, such as one of Google Drive; without a link yet it may still be Slack's."""
    return file.get("mode") == "external" or bool(file.get("is_external"))


def is_surely_video(file: Json) -> bool:
    """
    Return whether a video file is meant as one: what is not, nobody is told of unasked.

    Slack's voice clips say video/mp4 (github.com/openclaw/openclaw/pull/14941), what lies outside of Slack cannot be fetched,
    and the types of some sources and playlists are those of videos (github.com/jshttp/mime-types/issues/99).
    """
    name = str(file.get("name") or "").lower()
    if file.get("subtype") == "slack_audio" or name.startswith("audio_message") or is_external(file):
        return False
    is_ambiguous = str(file.get("mimetype") or "") in {"video/mp2t", "video/vnd.mpegurl", "video/x-mpegurl"}
    return name.rpartition(".")[2] in VIDEO_SUFFIXES or not is_ambiguous


def is_video_file(file: Json) -> bool:
    """Whether Slack takes a file for a video: by its type, or by its name while the type is not known yet."""
    mimetype = str(file.get("mimetype") or "")
    if mimetype and mimetype != "application/octet-stream":
        return mimetype.startswith("video/")
    return str(file.get("name") or "").rpartition(".")[2].lower() in VIDEO_SUFFIXES
