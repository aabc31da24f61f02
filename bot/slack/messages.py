"""
A message as what may concern us: its files, its links, and what it says to the bot.

Pure. Slack shows a message in several shapes, which are all read here: as an event, as an edit, as the mention that comes
beside it, as `conversations.history` gives it, and with its words in blocks or what it shares in attachments alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.jobs.model import Options
from bot.requests.errors import CommandError
from bot.requests.grammar import MAX_LETTERS, Heard, hear, is_about_us, is_polite
from bot.requests.links import VIDEO_SUFFIXES, file_name_of, looks_like_video, split_links

Json = dict[str, Any]

MAX_FILES = 50  # of a message that are looked at
MAX_LINKS = 50
MAX_LINK_LETTERS = 3000
MAX_ATTACHMENTS = 20
MAX_PARTS = 1000  # of all blocks of a message
MAX_DEPTH = 12

KEPT_OF_EVENT = ("type", "subtype", "user", "channel", "ts", "thread_ts", "channel_type", "bot_id", "edited")
KEPT_OF_FILE = ("id", "name", "mimetype", "subtype", "mode", "is_external", "file_access")


@dataclass(frozen=True, slots=True)
class SharedFile:
    """
    A file in a message.

    `is_stub` where only `files.info` knows more (Slack Connect), `is_forwarded` where it came with a message of elsewhere,
    `is_sure` False where it counts only when somebody asks for it (`is_surely_video`).
    """

    id: str
    name: str
    is_stub: bool
    is_sure: bool = True
    is_forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """
    What a message says to the bot.

    `wrong` is an order or an option that is wrong in itself. `is_addressed` says that words which are not understood are meant
    for the bot: it is named at the beginning, or asked for something.
    """

    heard: Heard = field(default_factory=Heard)
    wrong: CommandError | None = None
    is_addressed: bool = True


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """
    What of a person's message may concern us; its text is not kept.

    `asked_at` is its ts, or that of the edit by which it asks. `speech` is None where nobody speaks to the bot.
    """

    team: str
    channel: str
    user: str
    ts: str
    asked_at: str
    thread_ts: str
    channel_type: str
    files: tuple[SharedFile, ...]
    links: tuple[str, ...]
    has_other_files: bool = False
    speech: Speech | None = None

    @property
    def is_mention(self) -> bool:
        return self.speech is not None

    @property
    def options(self) -> Options:
        return self.speech.heard.options if self.speech else Options()


_MESSAGE_SUBTYPES = frozenset({"", "file_share", "thread_broadcast", "me_message"})


# Clients and apps put the name beside the id: <@U123|tracklet>.
_MENTION = re.compile(r"<@(?P<user>\w{1,40}+)(?:\|[^<>]*+)?+>")


def kept_message(event: Json) -> Json:
    """Return of a message event what `read_message` reads, and no more; the same for what was kept already."""
    if event.get("subtype") == "message_changed":
        kept = {name: event[name] for name in KEPT_OF_EVENT if name in event and name != "edited"}
        return kept | {name: kept_message(_dict(event, name)) for name in ("message", "previous_message")}
    kept = {name: event[name] for name in KEPT_OF_EVENT if name in event and event[name] is not None}
    kept["text"] = _text_of(event)[:MAX_LETTERS]
    kept["files"] = _kept_files(event.get("files"))
    kept["forwarded"] = _kept_files(event.get("forwarded")) + [
        file
        for attachment in _dicts(event.get("attachments"), MAX_ATTACHMENTS)
        for file in _kept_files(attachment.get("files"))
    ]
    kept["links"] = [link for link in _more_links(event) if len(link) <= MAX_LINK_LETTERS][:MAX_LINKS]
    return kept


def read_message(body: Json, *, bot_user: str) -> SharedMessage | None:
    """Return a person's message that shares a video, links to something, or speaks to the bot; None for all others."""
    event = body.get("event")
    if not isinstance(event, dict) or _word(event, "type") not in {"message", "app_mention"}:
        return None
    team = str(body.get("team_id") or event.get("team") or "")
    event = kept_message(event)
    if event.get("subtype") == "message_changed":
        return _read_edit(event, team, bot_user)
    edited = _word(_dict(event, "edited"), "ts")
    if edited and event["type"] == "message":
        return None
    read = _read(event, team, bot_user)
    return replace(read, asked_at=edited) if read is not None and edited else read


def read_shortcut(payload: Json) -> SharedMessage:
    """Return the message on which somebody used the shortcut, as theirs: they ask for what is in it, whoever wrote it."""
    message = kept_message(payload["message"])
    links = _links_of(message)
    for wanted in (True, None):
        if chosen := [link for link in links if looks_like_video(link) is wanted]:
            break
    return SharedMessage(
        team=payload["team"]["id"],
        channel=payload["channel"]["id"],
        user=payload["user"]["id"],
        ts=message["ts"],
        asked_at=payload["trigger_id"],
        thread_ts=_word(message, "thread_ts"),
        channel_type="",
        files=tuple(_videos_of(message)),
        links=tuple(chosen),
        speech=Speech(),
    )


def read_videos(message: Json) -> tuple[tuple[SharedFile, ...], tuple[str, ...]]:
    """Return the files and the links of a message, as Slack's history shows it, that are videos or may be."""
    kept = kept_message(message)
    return tuple(_videos_of(kept)), tuple(link for link in _links_of(kept) if looks_like_video(link) is not False)


def message_key(shared: SharedMessage) -> str:
    """Return what all events of one message, or of one edit of it, have in common."""
    key = f"{shared.team}:{shared.channel}:{shared.ts}"
    return key if shared.asked_at == shared.ts else f"{key}:{shared.asked_at}"


def _read(event: Json, team: str, bot_user: str) -> SharedMessage | None:
    user, channel, ts = _word(event, "user"), _word(event, "channel"), _word(event, "ts")
    if _word(event, "subtype") not in _MESSAGE_SUBTYPES:
        return None
    if not (user and channel and ts) or event.get("bot_id") or user in {bot_user, "USLACKBOT"}:
        return None
    files, links = tuple(_videos_of(event)), _links_of(event)
    is_direct = event.get("channel_type") == "im" or channel.startswith("D")
    thread_ts = _word(event, "thread_ts")
    speech = _speech(event["text"], bot_user, is_direct=is_direct, is_reply=bool(thread_ts))
    if speech is None:
        links = [link for link in links if looks_like_video(link) is not False]
    if not (files or links or speech):
        return None
    return SharedMessage(
        team=team,
        channel=channel,
        user=user,
        ts=ts,
        asked_at=ts,
        thread_ts=thread_ts,
        channel_type="im" if is_direct else _word(event, "channel_type"),
        files=files,
        links=tuple(links),
        has_other_files=bool(event["files"] or event["forwarded"]) and not files,
        speech=speech,
    )


def _read_edit(event: Json, team: str, bot_user: str) -> SharedMessage | None:
    """Return what an edit adds: a mention, other words for the bot, or a link; None where it adds nothing."""
    where = {name: event[name] for name in ("channel", "channel_type") if name in event}
    after, before = event["message"] | where, event["previous_message"] | where
    edited = _word(_dict(after, "edited"), "ts")
    if not edited or edited == _word(_dict(before, "edited"), "ts"):
        return None  # Slack itself added a preview, or counted a reply
    now, then = _read(after, team, bot_user), _read(before, team, bot_user)
    if now is None:
        return None
    if now.speech is not None and after["text"] != before["text"]:
        return replace(now, asked_at=edited)
    known = then.links if then is not None else ()
    links = tuple(link for link in now.links if link not in known)
    return replace(now, files=(), links=links, speech=None) if links else None


def _speech(text: str, bot_user: str, *, is_direct: bool, is_reply: bool) -> Speech | None:
    """Return what a text says to the bot, None where it does not speak to it."""
    named = [found for found in _MENTION.finditer(text) if found["user"] == bot_user]
    if not (named or is_direct):
        return None
    heard, wrong = Heard(), None
    try:
        heard = hear(_MENTION.sub(lambda found: " " if found["user"] == bot_user else found[0], text))
    except CommandError as error:
        wrong = error
    if not named:
        is_addressed = not is_reply or heard.is_asking or heard.order is not None
    elif is_polite(split_links(text[: named[0].start()])[1]):
        is_addressed = not is_about_us(text[named[0].end() :].lstrip())
    else:
        is_last = not split_links(text[named[-1].end() :])[1].strip(" .,;:!?…")
        is_addressed = is_last and (heard.is_asking or heard.order is not None or wrong is not None)
    return Speech(heard, wrong, is_addressed)


def _links_of(kept: Json) -> list[str]:
    """Return the links of a kept message that lead to the web or into a bucket, each once."""
    links = dict.fromkeys([*split_links(kept["text"])[0], *(link for link in kept["links"] if not file_name_of(link))])
    return [link for link in links if link.lower().startswith(("http://", "https://", "gs://"))][:MAX_LINKS]


def _videos_of(kept: Json) -> Iterator[SharedFile]:
    yield from shared_files(kept["files"])
    for file in shared_files(kept["forwarded"]):
        yield replace(file, is_forwarded=True)


def shared_files(files: object) -> Iterator[SharedFile]:
    """Yield those of a message's files that are videos, or that may be."""
    for file in _dicts(files, MAX_FILES):
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
    """Return whether Slack takes a file for a video: by its type, or by its name while the type is not known yet."""
    mimetype = str(file.get("mimetype") or "")
    if mimetype and mimetype != "application/octet-stream":
        return mimetype.startswith("video/")
    return str(file.get("name") or "").rpartition(".")[2].lower() in VIDEO_SUFFIXES


# ---- blocks and attachments -----------------------------------------------------------------------------------------------


def _text_of(event: Json) -> str:
    """Return a message's text, from its rich text where it has no other."""
    text = _word(event, "text")
    return text if text.strip() else "".join(_words_of(event.get("blocks")))


def _words_of(blocks: object) -> Iterator[str]:
    """Yield the words of rich text, as they would stand in a message's text."""
    for part in _parts(blocks):
        match part.get("type"):
            case "text":
                yield _word(part, "text").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            case "link":
                yield f"<{_word(part, 'url').replace('&', '&amp;')}>"
            case "user":
                yield f"<@{_word(part, 'user_id')}>"
            case "emoji":
                yield f" :{_word(part, 'name')}: "
            case "rich_text_section":
                yield "\n"


def _more_links(event: Json) -> Iterator[str]:
    """Yield the links that stand in blocks and attachments, whether the text has them or not."""
    kept = event.get("links")
    if isinstance(kept, list):
        yield from (link for link in kept if isinstance(link, str))
    yield from _links_in(event.get("blocks"))
    for attachment in _dicts(event.get("attachments"), MAX_ATTACHMENTS):
        yield from split_links(_word(attachment, "text")[:MAX_LETTERS])[0]
        yield from (link for name in ("from_url", "title_link") if (link := _word(attachment, name)))
        yield from _links_in([attachment.get(name) for name in ("blocks", "message_blocks", "actions")])


def _links_in(blocks: object) -> Iterator[str]:
    for part in _parts(blocks):
        if part.get("type") == "mrkdwn":
            yield from split_links(_word(part, "text")[:MAX_LETTERS])[0]
        for name in ("url", "title_url"):
            if link := _word(part, name):
                yield link


def _parts(blocks: object) -> Iterator[Json]:
    """Yield every object within blocks, in reading order; so many and so deep as a message of Slack's may be."""
    left, waiting = MAX_PARTS, [(blocks, 0)]
    while waiting and left:
        part, depth = waiting.pop()
        left -= 1
        if isinstance(part, dict):
            yield part
        inside = list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else []
        if depth < MAX_DEPTH:
            waiting += [(each, depth + 1) for each in reversed(inside[:MAX_PARTS]) if isinstance(each, dict | list)]


def _kept_files(files: object) -> list[Json]:
    return [{name: file[name] for name in KEPT_OF_FILE if name in file} for file in _dicts(files, MAX_FILES)]


def _dicts(items: object, most: int) -> list[Json]:
    return [item for item in items[:most] if isinstance(item, dict)] if isinstance(items, list) else []


def _dict(event: Mapping[str, Any], name: str) -> Json:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _word(event: Mapping[str, Any], name: str) -> str:
    """Return a field that is text, "" where it is missing or something else."""
    value = event.get(name)
    return value if isinstance(value, str) else ""
