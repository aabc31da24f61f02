"""
The methods of the Web API that a bot like ours may call, each as strict as Slack documents it.

A method takes the workspace, the files and its arguments, and answers with the JSON of success or raises `ApiError`. Tokens,
scopes, faults and rate limits are checked before it in `server.py`. Where Slack documents no error name for a misuse, the
nearest documented one is used.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass

from playground.arguments import Arguments
from playground.blocks import check_blocks, check_view
from playground.files import Files, FileState, Share, StoredFile
from playground.payloads import ApiError, Json
from playground.triggers import Triggers
from playground.workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    TEAM_ID,
    Change,
    Channel,
    Ephemeral,
    Message,
    View,
    Workspace,
    texts_of,
)

MAX_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000
# Measured by others (slackapi/bolt-js issue 2509), not documented.
MAX_BLOCKS_TEXT = 13_200
MAX_METADATA_BYTES = 8_000
MAX_ALT_TEXT = 1_000
MAX_FILES_AT_ONCE = 10
MAX_VIEW_STACK = 3

_TS = re.compile(r"\d{9,11}\.\d{6}")
_READ_SCOPE = {"channel": "channels:read", "group": "groups:read", "im": "im:read"}
_HISTORY_SCOPE = {"channel": "channels:history", "group": "groups:history", "im": "im:history"}

Handler = Callable[["WebApi", Arguments], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """A Web API method. All `scopes` are needed; methods whose scope depends on the conversation check it. Tier 0: posts."""

    handler: Handler
    scopes: tuple[str, ...]
    tier: int
    app_token: bool = False


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, tier: int, app_token: bool = False) -> Callable[[Handler], Handler]:
    """Register the handler of a Web API method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scopes, tier, app_token)
        return handler

    return register


class WebApi:
    """The state that the methods work on. `open_socket` returns the address of a new Socket Mode connection."""

    def __init__(
        self,
        workspace: Workspace,
        files: Files,
        triggers: Triggers,
        *,
        scopes: Collection[str],
        open_socket: Callable[[], str],
    ) -> None:
        self.workspace = workspace
        self.files = files
        self.triggers = triggers
        self.scopes = set(scopes)
        self.open_socket = open_socket

    def require(self, *scopes: str) -> None:
        """Refuse unless every scope was granted."""
        for scope in scopes:
            if scope not in self.scopes:
                raise ApiError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def readable_channel(self, arguments: Arguments, scopes: dict[str, str], *, member: bool) -> Channel:
        """Return the conversation that the app asks about; private ones that it is not in do not exist for it."""
        channel = self.workspace.channel(arguments.required("channel"))
        self.require(scopes[channel.kind])
        if BOT_USER not in channel.members:
            if channel.kind != "channel":
                raise ApiError("channel_not_found")
            if member:
                raise ApiError("not_in_channel")
        return channel

    def writable_channel(self, channel_id: str, *, public_scope: bool = False) -> Channel:
        """Return the conversation that the app may post to."""
        if channel_id.startswith(("U", "W")) and channel_id in self.workspace.users:
            return self.workspace.direct_channel(channel_id)
        channel = self.workspace.channel(channel_id)
        if channel.archived:
            raise ApiError("is_archived")
        if BOT_USER not in channel.members:
            if channel.kind != "channel":
                raise ApiError("channel_not_found")
            if not (public_scope and "chat:write.public" in self.scopes):
                raise ApiError("not_in_channel")
        return channel

    def own_blocks(self, arguments: Arguments) -> list[Json]:
        """Return the `blocks` of a message, checked and with ids."""
        given = arguments.structure("blocks", "invalid_blocks_format")
        if given is None:
            return []
        if not isinstance(given, list):
            raise ApiError("invalid_blocks_format")
        return self.checked_blocks(given)

    def checked_blocks(self, given: Sequence[object]) -> list[Json]:
        """Return a copy of `given`, checked and with ids."""
        blocks: list[Json] = deepcopy(list(given))  # type: ignore[arg-type]  # what is no object is refused below
        problems = check_blocks(blocks, surface="message", picture_problem=self.files.picture_problem)
        if problems:
            raise ApiError("invalid_blocks", messages=problems)
        if sum(map(len, texts_of(blocks))) > MAX_BLOCKS_TEXT:
            raise ApiError("msg_blocks_too_long")
        return blocks

    def own_metadata(self, arguments: Arguments) -> Json | None:
        """Return the `metadata` of a message, checked; None when it is absent, {} when it is to be removed."""
        given = arguments.structure("metadata", "invalid_metadata_format")
        if given is None:
            return None
        if given == {}:
            return {}
        if (
            not isinstance(given, dict)
            or not isinstance(given.get("event_type"), str)
            or not given["event_type"]
            or not isinstance(given.get("event_payload"), dict)
        ):
            raise ApiError("invalid_metadata_format")
        if len(str(given)) > MAX_METADATA_BYTES:
            raise ApiError("metadata_too_large")
        return deepcopy(given)

    def content(self, arguments: Arguments, most: int) -> tuple[str, list[Json]]:
        """Return text and blocks of a message; one of them must be there."""
        text = arguments.text("text")
        blocks = self.own_blocks(arguments)
        if not text and not blocks:
            raise ApiError("no_text")
        if len(text) > most:
            raise ApiError("msg_too_long")
        return text, blocks

    def own_message(self, arguments: Arguments, refusal: str) -> Message:
        """Return a message of the app's own that it may change."""
        channel_id, ts = arguments.required("channel"), arguments.required("ts")
        message = self.workspace.find_message(channel_id, ts)
        if message is None or message.subtype == "tombstone":
            raise ApiError("message_not_found")
        if message.bot_id != BOT_ID:
            raise ApiError(refusal)
        return message

    def checked_view(self, arguments: Arguments) -> Json:
        """Return the `view` argument, checked and with ids."""
        view = deepcopy(arguments.structure("view"))
        problems = check_view(view, picture_problem=self.files.picture_problem)
        if problems:
            raise ApiError("invalid_arguments", messages=problems)
        assert isinstance(view, dict)
        if len(str(view)) > 250_000:
            raise ApiError("view_too_large")
        external_id = view.get("external_id")
        if external_id and any(each.view.get("external_id") == external_id for each in self.workspace.views.values()):
            raise ApiError("duplicate_external_id")
        return view

    def thread_ts(self, arguments: Arguments, channel: Channel) -> str | None:
        """Return the `thread_ts` argument: the timestamp of an existing root, or None."""
        thread_ts = arguments.text("thread_ts")
        if not thread_ts:
            return None
        if not _TS.fullmatch(thread_ts):
            raise ApiError("invalid_thread_ts")
        self.workspace.check_thread(channel.id, thread_ts)
        return thread_ts


@method("api.test", tier=4)
async def _api_test(api: WebApi, arguments: Arguments) -> Json:
    return {"args": arguments.given}


@method("auth.test", tier=4)
async def _auth_test(api: WebApi, arguments: Arguments) -> Json:
    return {
        "url": api.workspace.url + "/",
        "team": "Playground",
        "user": api.workspace.users[BOT_USER].name,
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


@method("bots.info", "users:read", tier=3)
async def _bots_info(api: WebApi, arguments: Arguments) -> Json:
    for user in api.workspace.users.values():
        if user.bot_id and user.bot_id == arguments.text("bot", BOT_ID):
            own = {"app_id": APP_ID} if user.bot_id == BOT_ID else {}
            return {"bot": {"id": user.bot_id, "deleted": False, "name": user.real_name, "user_id": user.id, "icons": {}} | own}
    raise ApiError("bot_not_found")


@method("users.info", "users:read", tier=4)
async def _users_info(api: WebApi, arguments: Arguments) -> Json:
    user = api.workspace.users.get(arguments.required("user"))
    if user is None:
        raise ApiError("user_not_found")
    return {"user": api.workspace.user_json(user)}


# Conversations


def _page(items: list[Json], arguments: Arguments, default: int, most: int) -> tuple[list[Json], str]:
    """Return one page of `items` and the cursor of the next, empty on the last."""
    limit = arguments.number("limit", default, 1, most)
    cursor = arguments.text("cursor")
    if cursor and not re.fullmatch(r"next_\d++", cursor):
        raise ApiError("invalid_cursor")
    start = int(cursor.removeprefix("next_")) if cursor else 0
    end = start + limit
    return items[start:end], f"next_{end}" if end < len(items) else ""


_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def _of_types(api: WebApi, arguments: Arguments) -> set[str]:
    kinds: set[str] = set()
    for kind in arguments.text("types", "public_channel").split(","):
        if kind.strip() not in _TYPES:
            raise ApiError("invalid_types")
        kinds.add(_TYPES[kind.strip()])
    for kind in kinds & set(_READ_SCOPE):
        api.require(_READ_SCOPE[kind])
    return kinds


@method("conversations.list", tier=2)
async def _conversations_list(api: WebApi, arguments: Arguments) -> Json:
    kinds = _of_types(api, arguments)
    found = [
        api.workspace.channel_json(channel)
        for channel in api.workspace.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channel" or BOT_USER in channel.members)
        and not (arguments.flag("exclude_archived") and channel.archived)
    ]
    channels, cursor = _page(found, arguments, 100, 1000)
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("users.conversations", tier=3)
async def _users_conversations(api: WebApi, arguments: Arguments) -> Json:
    kinds = _of_types(api, arguments)
    user = arguments.text("user", BOT_USER)
    found = [
        api.workspace.channel_json(channel)
        for channel in api.workspace.channels.values()
        if channel.kind in kinds and user in channel.members and (channel.kind == "channel" or BOT_USER in channel.members)
    ]
    channels, cursor = _page(found, arguments, 100, 999)
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("conversations.info", tier=3)
async def _conversations_info(api: WebApi, arguments: Arguments) -> Json:
    return {"channel": api.workspace.channel_json(api.readable_channel(arguments, _READ_SCOPE, member=False))}


@method("conversations.members", tier=4)
async def _conversations_members(api: WebApi, arguments: Arguments) -> Json:
    channel = api.readable_channel(arguments, _READ_SCOPE, member=False)
    members, cursor = _page([{"id": member} for member in channel.members], arguments, 100, 1000)
    return {"members": [member["id"] for member in members], "response_metadata": {"next_cursor": cursor}}


@method("conversations.join", "channels:join", tier=3)
async def _conversations_join(api: WebApi, arguments: Arguments) -> Json:
    channel = api.workspace.channel(arguments.required("channel"))
    if channel.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if channel.archived:
        raise ApiError("is_archived")
    api.workspace.join(channel.id, BOT_USER)
    return {"channel": api.workspace.channel_json(channel)}


@method("conversations.open", "im:write", tier=3)
async def _conversations_open(api: WebApi, arguments: Arguments) -> Json:
    if "channel" in arguments:
        channel = api.workspace.channel(arguments.required("channel"))
    else:
        users = [user for user in arguments.required("users").split(",") if user]
        if len(users) != 1:
            raise ApiError("method_not_supported_for_channel_type")
        if users[0] not in api.workspace.users:
            raise ApiError("user_not_found")
        channel = api.workspace.direct_channel(users[0])
    return {"channel": api.workspace.channel_json(channel) if arguments.flag("return_im") else {"id": channel.id}}


def _within(message: Message, arguments: Arguments) -> bool:
    oldest, latest = arguments.text("oldest", "0"), arguments.text("latest", "99999999999")
    try:
        low, at, high = float(oldest), float(message.ts), float(latest)
    except ValueError:
        raise ApiError("invalid_ts_oldest") from None
    if arguments.flag("inclusive"):
        return low <= at <= high
    return low < at < high


@method("conversations.history", tier=3)
async def _conversations_history(api: WebApi, arguments: Arguments) -> Json:
    channel = api.readable_channel(arguments, _HISTORY_SCOPE, member=True)
    metadata = arguments.flag("include_all_metadata")
    found = [
        api.workspace.message_json(message, metadata=metadata)
        for message in reversed(api.workspace.roots(channel.id))
        if _within(message, arguments)
    ]
    messages, cursor = _page(found, arguments, 100, 999)
    return {"messages": messages, "has_more": bool(cursor), "pin_count": 0} | (
        {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    )


@method("conversations.replies", tier=3)
async def _conversations_replies(api: WebApi, arguments: Arguments) -> Json:
    channel = api.readable_channel(arguments, _HISTORY_SCOPE, member=True)
    message = api.workspace.find_message(channel.id, arguments.required("ts"))
    if message is None:
        raise ApiError("thread_not_found")
    metadata = arguments.flag("include_all_metadata")
    thread = api.workspace.thread(channel.id, message.thread_ts or message.ts)
    found = [
        api.workspace.message_json(each, metadata=metadata)
        for each in thread
        if each.thread_ts is None or _within(each, arguments)
    ]
    messages, cursor = _page(found, arguments, 1000, 1000)
    return {"messages": messages, "has_more": bool(cursor)} | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


# Messages


@method("chat.postMessage", "chat:write", tier=0)
async def _chat_post_message(api: WebApi, arguments: Arguments) -> Json:
    channel = api.writable_channel(arguments.required("channel"), public_scope=True)
    text, blocks = api.content(arguments, MAX_TEXT)
    if any(name in arguments for name in ("username", "icon_url", "icon_emoji")):
        api.require("chat:write.customize")
    thread_ts = api.thread_ts(arguments, channel)
    if arguments.flag("reply_broadcast") and thread_ts is None:
        raise ApiError("invalid_arguments", messages=["reply_broadcast needs thread_ts"])
    message = Message(
        channel.id,
        api.workspace.next_ts(),
        BOT_USER,
        text,
        blocks,
        thread_ts=thread_ts,
        bot_id=BOT_ID,
        subtype="thread_broadcast" if arguments.flag("reply_broadcast") else "",
        metadata=api.own_metadata(arguments) or None,
        broadcast=arguments.flag("reply_broadcast"),
    )
    api.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": api.workspace.message_json(message, metadata=True)}


@method("chat.update", "chat:write", tier=3)
async def _chat_update(api: WebApi, arguments: Arguments) -> Json:
    message = api.own_message(arguments, "cant_update_message")
    text, blocks = api.content(arguments, MAX_UPDATE_TEXT)
    metadata = api.own_metadata(arguments)

    def change(message: Message) -> None:
        # An update with text alone takes the blocks away; only one without blocks shows as edited (slack.md, section 3).
        message.text, message.blocks = text, blocks
        if not blocks:
            message.edited = {"user": BOT_USER, "ts": api.workspace.next_ts()}
        if metadata is not None:
            message.metadata = metadata or None

    api.workspace.change(message, change)
    return {
        "channel": message.channel_id,
        "ts": message.ts,
        "text": text,
        "message": api.workspace.message_json(message, metadata=True),
    }


@method("chat.delete", "chat:write", tier=3)
async def _chat_delete(api: WebApi, arguments: Arguments) -> Json:
    message = api.own_message(arguments, "cant_delete_message")
    api.workspace.delete(message, by=BOT_USER)
    return {"channel": message.channel_id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", tier=4)
async def _chat_post_ephemeral(api: WebApi, arguments: Arguments) -> Json:
    channel = api.writable_channel(arguments.required("channel"))
    user = arguments.required("user")
    text, blocks = api.content(arguments, MAX_TEXT)
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    thread_ts = api.thread_ts(arguments, channel)
    shown = api.workspace.show(Ephemeral(channel.id, api.workspace.next_ts(), user, text, blocks, thread_ts))
    return {"message_ts": shown.ts}


@method("chat.getPermalink", tier=4)
async def _chat_get_permalink(api: WebApi, arguments: Arguments) -> Json:
    channel = api.workspace.channel(arguments.required("channel"))
    if channel.kind != "channel" and BOT_USER not in channel.members:
        raise ApiError("channel_not_found")
    ts = arguments.required("message_ts")
    return {"channel": channel.id, "permalink": api.workspace.permalink(channel.id, ts)}


async def _react(api: WebApi, arguments: Arguments, *, add: bool) -> Json:
    name, ts = arguments.required("name").strip(":"), arguments.required("timestamp")
    channel = api.readable_channel(arguments, dict.fromkeys(_READ_SCOPE, "reactions:write"), member=True)
    message = api.workspace.find_message(channel.id, ts)
    if message is None:
        raise ApiError("message_not_found")
    if not re.fullmatch(r"[a-z0-9_+'-]++(::skin-tone-[2-6])?", name):
        raise ApiError("invalid_name")
    users = message.reactions.get(name, [])
    if add and BOT_USER in users:
        raise ApiError("already_reacted")
    if not add and BOT_USER not in users:
        raise ApiError("no_reaction")
    if add:
        message.reactions[name] = [*users, BOT_USER]
    else:
        users.remove(BOT_USER)
        if not users:
            del message.reactions[name]
    kind = "reaction_added" if add else "reaction_removed"
    api.workspace.announce(Change(kind, channel.id, message, user=BOT_USER, name=name))
    return {}


@method("reactions.add", "reactions:write", tier=3)
async def _reactions_add(api: WebApi, arguments: Arguments) -> Json:
    return await _react(api, arguments, add=True)


@method("reactions.remove", "reactions:write", tier=2)
async def _reactions_remove(api: WebApi, arguments: Arguments) -> Json:
    return await _react(api, arguments, add=False)


# Files


@method("files.info", "files:read", tier=4)
async def _files_info(api: WebApi, arguments: Arguments) -> Json:
    file = api.files.visible(arguments.required("file"), BOT_USER)
    answer: Json = {"file": api.files.file_json(file), "comments": [], "response_metadata": {"next_cursor": ""}}
    api.files.polled(file)
    return answer


@method("files.getUploadURLExternal", "files:write", tier=4)
async def _files_get_upload_url(api: WebApi, arguments: Arguments) -> Json:
    name = arguments.required("filename")
    length = arguments.number("length", 0, 0, 1 << 62)
    if length == 0:
        raise ApiError("missing_argument")
    if length > api.files.max_file_bytes:
        raise ApiError("file_upload_size_restricted")
    alt_text = arguments.text("alt_txt")
    if len(alt_text) > MAX_ALT_TEXT:
        raise ApiError("alt_txt_too_large")
    file = api.files.expect(name=name, size_bytes=length, user=BOT_USER, alt_text=alt_text)
    return {"upload_url": f"{api.workspace.url}/upload/v1/{file.ticket}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
async def _files_complete_upload(api: WebApi, arguments: Arguments) -> Json:
    given = arguments.structure("files")
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) and "id" in item for item in given):
        raise ApiError("invalid_arguments", messages=["missing required field: files"])
    if len(given) > MAX_FILES_AT_ONCE:
        raise ApiError("invalid_arguments", messages=[f"no more than {MAX_FILES_AT_ONCE} items allowed [json-pointer:/files]"])
    files = []
    for item in given:
        file = api.files.by_id.get(str(item["id"]))
        # Complete once, and only what has been uploaded in full.
        if file is None or file.user != BOT_USER or file.state is not FileState.UPLOADED or file in files:
            raise ApiError("file_not_found")
        files.append(file)
    share = _upload_share(api, arguments, files)
    for item, file in zip(given, files, strict=True):
        file.title = str(item.get("title") or file.name)[:255]
        await api.files.detect_type(file)
    api.files.publish(files, share)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _upload_share(api: WebApi, arguments: Arguments, files: list[StoredFile]) -> Share | None:
    wanted = [each for each in [arguments.text("channel_id"), *arguments.text("channels").split(",")] if each]
    if not wanted:
        return None
    if len(wanted) > 1:
        raise ApiError("invalid_arguments", messages=["the playground shares to one channel at a time"])
    channel = api.writable_channel(wanted[0])
    comment = arguments.text("initial_comment")
    if len(comment) > MAX_TEXT:
        raise ApiError("msg_too_long")
    blocks = [] if comment else api.own_blocks(arguments)
    if any(block.get("type") == "markdown" for block in blocks):
        raise ApiError("internal_error")  # as Slack answers: slackapi/python-slack-sdk issue 1756
    return Share(files, channel.id, BOT_USER, api.thread_ts(arguments, channel), comment, blocks)


@method("files.delete", "files:write", tier=3)
async def _files_delete(api: WebApi, arguments: Arguments) -> Json:
    file = api.files.visible(arguments.required("file"), BOT_USER)
    if file.user != BOT_USER:
        raise ApiError("cant_delete_file")
    api.files.delete(file)
    return {}


# Views


@method("views.open", tier=4)
async def _views_open(api: WebApi, arguments: Arguments) -> Json:
    trigger = api.triggers.take(arguments.required("trigger_id"))
    view = api.checked_view(arguments)
    if view["type"] != "modal":
        raise ApiError("invalid_arguments", messages=["must be a modal [json-pointer:/view/type]"])
    return {"view": api.workspace.view_json(api.triggers.open_view(view, trigger.user, channel_id=trigger.channel_id))}


@method("views.push", tier=4)
async def _views_push(api: WebApi, arguments: Arguments) -> Json:
    trigger = api.triggers.take(arguments.required("trigger_id"))
    view = api.checked_view(arguments)
    below = api.workspace.views.get(trigger.view_id)
    if below is None:
        raise ApiError("not_found")
    if sum(each.root_id == below.root_id for each in api.workspace.views.values()) >= MAX_VIEW_STACK:
        raise ApiError("push_limit_reached")
    return {"view": api.workspace.view_json(api.triggers.open_view(view, trigger.user, on=below))}


@method("views.update", tier=4)
async def _views_update(api: WebApi, arguments: Arguments) -> Json:
    wanted = arguments.text("view_id")
    external = arguments.text("external_id")
    if not wanted and not external:
        raise ApiError("invalid_arguments", messages=["missing required field: view_id"])
    shown = next(
        (
            each
            for each in api.workspace.views.values()
            if each.id == wanted or (external and each.view.get("external_id") == external)
        ),
        None,
    )
    if shown is None:
        raise ApiError("not_found")
    if "hash" in arguments and arguments.text("hash") != shown.hash:
        raise ApiError("hash_conflict")
    kept = shown.view.pop("external_id", None)  # its own external_id is no duplicate
    try:
        view = api.checked_view(arguments)
    finally:
        if kept is not None:
            shown.view["external_id"] = kept
    shown.view, shown.hash = view, secrets.token_hex(8)
    api.workspace.announce(Change("view", view=shown, user=shown.user))
    return {"view": api.workspace.view_json(shown)}


@method("views.publish", tier=4)
async def _views_publish(api: WebApi, arguments: Arguments) -> Json:
    user = arguments.required("user_id")
    if user not in api.workspace.users:
        raise ApiError("user_not_found")
    shown = api.workspace.homes.get(user)
    if "hash" in arguments and (shown is None or arguments.text("hash") != shown.hash):
        raise ApiError("hash_conflict")
    view = api.checked_view(arguments)
    if view["type"] != "home":
        raise ApiError("invalid_arguments", messages=["must be home [json-pointer:/view/type]"])
    view_id = shown.id if shown else f"V0{secrets.token_hex(5).upper()[:9]}"
    home = View(view_id, user, view, secrets.token_hex(8), view_id)
    api.workspace.homes[user] = home
    api.workspace.announce(Change("home", view=home, user=user))
    return {"view": api.workspace.view_json(home)}


# Documented as tier 1, but Slack lets apps reconnect sooner than after a minute.
@method("apps.connections.open", tier=2, app_token=True)
async def _apps_connections_open(api: WebApi, arguments: Arguments) -> Json:
    return {"url": api.open_socket()}
