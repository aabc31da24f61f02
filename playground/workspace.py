"""
The workspace itself: people, channels, messages, and the rules that need nothing but these.

State lives in memory and changes only in the methods here, on one event loop. Each change is announced as a `Change` to
every watcher: the page shows it, `events.py` turns it into an event for the app, and `Playground.until` wakes. Files and their
bytes are in `files.py`, what a method of the Web API allows is in `web_api.py`. Timestamps are Slack's strings, seconds with
six decimals, unique and rising within the workspace.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from playground.payloads import ApiError, Json

TEAM_ID = "T0PLAYGRND1"
TEAM_DOMAIN = "playground"
APP_ID = "A0TRACKLET1"
BOT_ID = "B0TRACKLET1"
BOT_USER = "U0TRACKLET1"
YOU = "U0YOU000001"
KIM = "U0KIM000001"
OTHER_BOT_USER = "U0WEATHER01"
OTHER_BOT_ID = "B0WEATHER01"

GENERAL = "C0GENERAL01"
WILDLIFE = "C0WILDLIFE1"
QUIET = "C0QUIET0001"
DIRECT = "D0TRACKLET1"

_TYPED_TOKEN = re.compile(
    r"(?P<wire><(?:@[UW][A-Z0-9]++|\#[CG][A-Z0-9]++|https?://[^\s<>|]++)(?:\|[^<>]*+)?+>)"
    r"|(?P<url>(?:https?|gs)://[^\s<>|]++)"
    r"|(?<![\w/])@(?P<user>[A-Za-z][\w.-]*+)"
    r"|(?<![\w/&])\#(?P<channel>[a-z][a-z0-9_-]*+)"
    r"|(?P<plain>[&<>])"
)
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True)
class User:
    id: str
    name: str
    real_name: str
    bot_id: str = ""


@dataclass
class Channel:
    """A conversation. `messages` holds roots and replies alike, in the order of their timestamps."""

    id: str
    name: str
    kind: Literal["channel", "group", "im"]
    members: list[str]
    purpose: str = ""
    archived: bool = False
    messages: list[Message] = field(default_factory=list)


@dataclass
class Message:
    channel_id: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str = ""
    subtype: str = ""
    metadata: Json | None = None
    edited: Json | None = None
    client_msg_id: str = ""
    broadcast: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    extra: Json = field(default_factory=dict)

    @property
    def file_ids(self) -> list[str]:
        return [str(file["id"]) for file in self.files]


@dataclass
class Ephemeral:
    """A message that one person alone sees; `thread_ts` where it stands in a thread."""

    channel_id: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    from_app: bool = True


@dataclass
class View:
    """
    A modal or a Home tab as it is shown; `view` is what the app sent, with ids filled in.

    `channel_id` is the conversation in which the modal was asked for, "" where there was none.
    """

    id: str
    user: str
    view: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    channel_id: str = ""


@dataclass(frozen=True)
class Change:
    """
    A change of the workspace: its `kind`, and what it concerns.

    Kinds: message, message_changed (`before`), message_deleted (`before`), ephemeral, ephemeral_removed, file_shared
    (`file_id`), file_changed, root_touched (its replies changed), member_joined, member_left, channel, reaction_added,
    reaction_removed, view, view_closed, home, home_opened, app_uninstalled, tokens_revoked.
    """

    kind: str
    channel_id: str = ""
    message: Message | None = None
    before: Json | None = None
    ephemeral: Ephemeral | None = None
    file_id: str = ""
    user: str = ""
    by: str = ""
    ts: str = ""
    view: View | None = None
    name: str = ""


class Workspace:
    """One team with one installed app. `clock` gives seconds since the epoch."""

    def __init__(self, *, app_name: str = "Tracklet", clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.url = ""
        self.app_name = app_name
        self._last_micros = 0
        self._watchers: list[Callable[[Change], None]] = []
        self.users = {
            user.id: user
            for user in (
                User(YOU, "you", "You"),
                User(KIM, "kim", "Kim Lindqvist"),
                User(BOT_USER, re.sub(r"\W++", "", app_name.lower()) or "app", app_name, BOT_ID),
                User(OTHER_BOT_USER, "weather", "Weather", OTHER_BOT_ID),
            )
        }
        people = [YOU, KIM]
        self.channels = {
            channel.id: channel
            for channel in (
                Channel(GENERAL, "general", "channel", [*people, BOT_USER], "Everything that concerns everybody"),
                Channel(WILDLIFE, "wildlife", "channel", [*people, BOT_USER, OTHER_BOT_USER], "Videos from the trail cameras"),
                Channel(QUIET, "quiet", "channel", list(people), f"{app_name} has not been invited here"),
                Channel(DIRECT, "", "im", [YOU, BOT_USER]),
            )
        }
        self.ephemerals: list[Ephemeral] = []
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}

    def watch(self, watcher: Callable[[Change], None]) -> Callable[[], None]:
        """Call `watcher` with every change from now on; the result is a function that stops it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def announce(self, change: Change) -> None:
        """Call every watcher."""
        for watcher in tuple(self._watchers):
            watcher(change)

    def next_ts(self) -> str:
        """Return a timestamp that no message has yet."""
        self._last_micros = max(int(self.clock() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    # Looking things up

    def channel(self, channel_id: str) -> Channel:
        """Return the conversation with this id; `channel_not_found` where there is none."""
        found = self.channels.get(channel_id)
        if found is None:
            raise ApiError("channel_not_found")
        return found

    def find_message(self, channel_id: str, ts: str) -> Message | None:
        """Return the message at `ts`, if there is one."""
        return next((message for message in self.channel(channel_id).messages if message.ts == ts), None)

    def thread(self, channel_id: str, ts: str) -> list[Message]:
        """Return the root at `ts` and its replies, oldest first; empty where `ts` is no root."""
        return [
            message
            for message in self.channel(channel_id).messages
            if (message.ts == ts and message.thread_ts is None) or message.thread_ts == ts
        ]

    def roots(self, channel_id: str) -> list[Message]:
        """Return the messages that the channel itself shows, oldest first: no replies but those broadcast."""
        return [message for message in self.channel(channel_id).messages if message.thread_ts is None or message.broadcast]

    def direct_channel(self, user: str) -> Channel:
        """Return the conversation between the app and this person, created on first use."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {user, BOT_USER}:
                return channel
        made = Channel(f"D0{user[2:]:0<9}"[:11], "", "im", [user, BOT_USER])
        self.channels[made.id] = made
        self.announce(Change("channel", made.id))
        return made

    # Messages

    def check_thread(self, channel_id: str, thread_ts: str) -> None:
        """Refuse a `thread_ts` that is not the timestamp of a message, or is that of a reply."""
        parent = self.find_message(channel_id, thread_ts)
        if parent is None:
            raise ApiError("thread_not_found")
        if parent.thread_ts is not None:
            raise ApiError("invalid_thread_ts")

    def post(self, message: Message) -> Message:
        """Add a message, in the order of timestamps, and announce it."""
        channel = self.channel(message.channel_id)
        if channel.archived:
            raise ApiError("is_archived")
        if message.thread_ts is not None:
            self.check_thread(channel.id, message.thread_ts)
        channel.messages.append(message)
        channel.messages.sort(key=lambda each: each.ts)
        self.announce(Change("message", channel.id, message))
        if message.thread_ts is not None:
            root = self.find_message(channel.id, message.thread_ts)
            self.announce(Change("root_touched", channel.id, root))
        return message

    def change(self, message: Message, change: Callable[[Message], None]) -> None:
        """Apply `change` to a message and announce it with what it was before."""
        before = self.message_json(message)
        change(message)
        self.announce(Change("message_changed", message.channel_id, message, before))

    def delete(self, message: Message, *, by: str = "") -> None:
        """Remove a message; a root with replies stays as a tombstone, as in Slack."""
        before = self.message_json(message)
        channel = self.channel(message.channel_id)
        if message.thread_ts is None and len(self.thread(channel.id, message.ts)) > 1:
            message.text, message.blocks, message.attachments, message.files = "This message was deleted.", [], [], []
            message.subtype, message.metadata, message.bot_id = "tombstone", None, ""
        else:
            channel.messages.remove(message)
        self.announce(Change("message_deleted", channel.id, message, before, by=by))
        if message.thread_ts is not None and (root := self.find_message(channel.id, message.thread_ts)):
            self.announce(Change("root_touched", channel.id, root))

    def show(self, ephemeral: Ephemeral) -> Ephemeral:
        """Show something to one person, or update it when it is already there."""
        if ephemeral not in self.ephemerals:
            self.ephemerals.append(ephemeral)
        self.announce(Change("ephemeral", ephemeral.channel_id, ephemeral=ephemeral))
        return ephemeral

    def hide(self, ephemeral: Ephemeral) -> None:
        """Remove what was shown to one person."""
        if ephemeral in self.ephemerals:
            self.ephemerals.remove(ephemeral)
            self.announce(Change("ephemeral_removed", ephemeral.channel_id, ephemeral=ephemeral))

    def join(self, channel_id: str, user: str, *, by: str = "") -> None:
        """Add a member, with the message that Slack writes then; do nothing where they are one."""
        channel = self.channel(channel_id)
        if user in channel.members:
            return
        channel.members.append(user)
        self.announce(Change("member_joined", channel.id, user=user, by=by))
        self.announce(Change("channel", channel.id))
        joined = Message(channel.id, self.next_ts(), user, f"<@{user}> has joined the channel", subtype="channel_join")
        if by:
            joined.extra["inviter"] = by
        self.post(joined)

    def leave(self, channel_id: str, user: str, *, by: str = "") -> None:
        """Remove a member from a channel."""
        channel = self.channel(channel_id)
        if user not in channel.members:
            return
        channel.members.remove(user)
        self.announce(Change("member_left", channel.id, user=user, by=by))
        self.announce(Change("channel", channel.id))

    # As typed, and as sent

    def as_sent(self, typed: str) -> str:
        """
        Return typed text in Slack's wire form: & < > escaped, links, @names and #channels in angle brackets.

        Mentions and links that are in wire form already stay, as what the client's own autocomplete inserts does.
        """
        names = {user.name: user for user in self.users.values()} | {user.real_name: user for user in self.users.values()}
        channels = {channel.name: channel for channel in self.channels.values() if channel.name}

        def token(match: re.Match[str]) -> str:
            if match["plain"]:
                return _ESCAPED[match["plain"]]
            if match["wire"]:
                return match["wire"]
            if match["url"]:
                url = match["url"].rstrip(".,;:!?)")
                rest = match["url"][len(url) :]
                return (f"<{escaped(url)}>" if url.startswith("http") else escaped(url)) + rest
            if match["user"] and match["user"] in names:
                return f"<@{names[match['user']].id}>"
            if match["channel"] and match["channel"] in channels:
                return f"<#{channels[match['channel']].id}|{match['channel']}>"
            return escaped(match[0])

        return _TYPED_TOKEN.sub(token, typed)

    # As JSON

    def message_json(self, message: Message, *, metadata: bool = False) -> Json:
        """Return a message as the Web API and events show it."""
        body: Json = {"type": "message"}
        if message.subtype:
            body["subtype"] = message.subtype
        body |= {"user": message.user, "ts": message.ts, "team": TEAM_ID, "text": message.text}
        if message.client_msg_id:
            body["client_msg_id"] = message.client_msg_id
        if message.bot_id:
            body["bot_id"] = message.bot_id
        if message.bot_id == BOT_ID:
            body |= {"app_id": APP_ID, "bot_profile": self.bot_profile()}
        if message.blocks:
            body["blocks"] = deepcopy(message.blocks)
        if message.attachments:
            body["attachments"] = deepcopy(message.attachments)
        if message.files:
            body |= {"files": deepcopy(message.files), "upload": True, "display_as_bot": False}
        body |= self._thread_json(message)
        if message.edited:
            body["edited"] = dict(message.edited)
        if message.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
            ]
        if metadata and message.metadata is not None:
            body["metadata"] = deepcopy(message.metadata)
        return body | message.extra

    def _thread_json(self, message: Message) -> Json:
        if message.thread_ts is not None:
            root = self.find_message(message.channel_id, message.thread_ts)
            return {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else ""}
        replies = [each for each in self.channel(message.channel_id).messages if each.thread_ts == message.ts]
        if not replies:
            return {}
        users = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "reply_users": users,
            "latest_reply": replies[-1].ts,
            "is_locked": False,
            "subscribed": False,
        }

    def bot_profile(self) -> Json:
        """Return the app's bot as messages describe it."""
        return {"id": BOT_ID, "app_id": APP_ID, "name": self.app_name, "team_id": TEAM_ID, "deleted": False, "icons": {}}

    def user_json(self, user: User) -> Json:
        """Return a person or bot as `users.info` shows it."""
        return {
            "id": user.id,
            "team_id": TEAM_ID,
            "name": user.name,
            "real_name": user.real_name,
            "deleted": False,
            "is_bot": bool(user.bot_id),
            "is_app_user": False,
            "is_admin": user.id == YOU,
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "profile": {"real_name": user.real_name, "display_name": user.name}
            | ({"bot_id": user.bot_id} if user.bot_id else {}),
        }

    def channel_json(self, channel: Channel) -> Json:
        """Return a conversation as `conversations.info` shows it to the app."""
        if channel.kind == "im":
            other = next(member for member in channel.members if member != BOT_USER)
            return {"id": channel.id, "is_im": True, "user": other, "is_archived": channel.archived, "created": 1_700_000_000}
        return {
            "id": channel.id,
            "name": channel.name,
            "name_normalized": channel.name,
            "is_channel": channel.kind == "channel",
            "is_group": channel.kind == "group",
            "is_im": False,
            "is_mpim": False,
            "is_private": channel.kind == "group",
            "is_archived": channel.archived,
            "is_general": channel.id == GENERAL,
            "is_shared": False,
            "is_ext_shared": False,
            "is_member": BOT_USER in channel.members,
            "created": 1_700_000_000,
            "creator": YOU,
            "num_members": len(channel.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": channel.purpose, "creator": YOU, "last_set": 1_700_000_000},
        }

    def view_json(self, view: View, *, values: Json | None = None) -> Json:
        """Return a view as interactions and the answers of `views.*` show it."""
        return {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            **deepcopy(view.view),
            "id": view.id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "bot_id": BOT_ID,
            "hash": view.hash,
            "root_view_id": view.root_id,
            "previous_view_id": view.previous_id,
            "state": {"values": values or {}},
        }

    def permalink(self, channel_id: str, ts: str) -> str:
        """Return the address of a message on the page."""
        message = self.find_message(channel_id, ts)
        if message is None:
            raise ApiError("message_not_found")
        link = f"{self.url}/archives/{channel_id}/p{ts.replace('.', '')}"
        return link if message.thread_ts is None else f"{link}?thread_ts={message.thread_ts}&cid={channel_id}"


def escaped(text: str) -> str:
    """Return text with & < > as the entities that Slack uses."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def texts_of(blocks: Iterable[Json]) -> Iterable[str]:
    """Yield every piece of text in blocks, in order: what limits on their whole length count."""
    for block in blocks:
        for value in block.values():
            if isinstance(value, dict):
                yield from texts_of([value])
            elif isinstance(value, list):
                yield from texts_of([item for item in value if isinstance(item, dict)])
        if isinstance(block.get("text"), str):
            yield block["text"]
