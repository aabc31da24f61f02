"""
Actions of people, and the requests to the app that they cause: commands, clicks, shortcuts, modals and answers to them.

Used by the page and by tests alike. Messages and files are in `workspace.py` and `files.py`; those reach the app as events.
Texts in here are those that the client itself shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from playground.arguments import Arguments
from playground.delivery import AppLink, Delivery
from playground.manifest import Shortcut, SlashCommand
from playground.payloads import ApiError, Json
from playground.triggers import ResponseUrl, Triggers
from playground.web_api import MAX_TEXT, WebApi
from playground.workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    TEAM_DOMAIN,
    TEAM_ID,
    Change,
    Channel,
    Ephemeral,
    Message,
    View,
    Workspace,
)

Target = Message | Ephemeral | View


class NoSuchElement(Exception):
    """The error for an element that is not there."""


class People:
    """The actions of the people in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        triggers: Triggers,
        link: AppLink,
        web_api: WebApi,
        *,
        commands: Sequence[SlashCommand],
        shortcuts: Sequence[Shortcut],
    ) -> None:
        self.workspace = workspace
        self.triggers = triggers
        self.link = link
        self.web_api = web_api
        self.commands = {command.command: command for command in commands}
        self.shortcuts = {shortcut.callback_id: shortcut for shortcut in shortcuts}

    # Commands

    async def slash_command(self, channel_id: str, command: str, text: str, user: str) -> Delivery | None:
        """Type a command, and show its answer to that person; None where there is no such command."""
        channel = self.workspace.channel(channel_id)
        known = self.commands.get(command)
        if known is None:
            self._tell(channel_id, user, f"`{command}` is not a valid command. Type `/` to see those that are.")
            return None
        delivery = await self.link.attempt(
            "command",
            {
                "token": "playground-verification-token",
                "team_id": TEAM_ID,
                "team_domain": TEAM_DOMAIN,
                "channel_id": channel.id,
                "channel_name": channel.name or "directmessage",
                "user_id": user,
                "user_name": self.workspace.users[user].name,
                "command": command,
                "text": self.workspace.as_sent(text) if known.should_escape else text,
                "api_app_id": APP_ID,
                "is_enterprise_install": "false",
                "response_url": self.triggers.response_url(channel_id, user),
                "trigger_id": self.triggers.give(user, channel_id=channel.id),
            },
        )
        if not delivery.ok:
            error = "operation_timeout" if delivery.error == "http_timeout" else "dispatch_failed"
            self._tell(channel_id, user, f'{command} failed with the error "{error}"')
        elif delivery.answer:
            answer: Json = delivery.answer if isinstance(delivery.answer, dict) else {"text": str(delivery.answer)}
            try:
                self._respond(answer, ResponseUrl(channel_id, user, 0.0))
            except ApiError:
                self._tell(channel_id, user, f'{command} failed with the error "dispatch_failed"')
        return delivery

    def _tell(self, channel_id: str, user: str, text: str, thread_ts: str | None = None) -> None:
        """Show text to this person alone, from the client and not from the app."""
        shown = Ephemeral(channel_id, self.workspace.next_ts(), user, text, thread_ts=thread_ts, from_app=False)
        self.workspace.show(shown)

    def respond(self, secret: str, body: Json) -> None:
        """Carry out what the app posts to a `response_url`."""
        self._respond(body, self.triggers.use_response(secret))

    def _respond(self, body: Json, response: ResponseUrl) -> None:
        origin = response.origin
        text = body.get("text") or ""
        if not isinstance(text, str):
            raise ApiError("invalid_payload")
        if body.get("delete_original"):
            self._delete_original(origin)
            return
        given = body.get("blocks") or []
        if not isinstance(given, list):
            raise ApiError("invalid_blocks_format")
        blocks = self.web_api.checked_blocks(given)
        if not text and not blocks:
            raise ApiError("no_text")
        if len(text) > MAX_TEXT:
            raise ApiError("msg_too_long")
        if body.get("replace_original") and origin is not None:
            self._replace(origin, text, blocks)
            return
        thread_ts = body.get("thread_ts") or response.thread_ts
        ts = self.workspace.next_ts()
        if body.get("response_type") == "in_channel":
            posted = Message(response.channel_id, ts, BOT_USER, text, blocks, thread_ts=thread_ts, bot_id=BOT_ID)
            self.workspace.post(posted)
        else:
            self.workspace.show(Ephemeral(response.channel_id, ts, response.user, text, blocks, thread_ts))

    def _delete_original(self, origin: Message | Ephemeral | None) -> None:
        if isinstance(origin, Ephemeral):
            self.workspace.hide(origin)
        elif origin is not None and origin in self.workspace.channel(origin.channel_id).messages:
            self.workspace.delete(origin, by=BOT_USER)

    def _replace(self, origin: Message | Ephemeral, text: str, blocks: list[Json]) -> None:
        def change(message: Message) -> None:
            message.text, message.blocks = text, blocks

        if isinstance(origin, Message):
            self.workspace.change(origin, change)
        else:
            origin.text, origin.blocks = text, blocks
            self.workspace.show(origin)

    # Clicks

    async def click(
        self,
        target: Target,
        action_id: str,
        user: str,
        *,
        value: object = None,
        block_id: str = "",
        values: Mapping[str, object],
    ) -> Delivery:
        """Use an element of a message or view: `value` is what is chosen, `values` what its other inputs hold, by action id."""
        blocks = target.view["blocks"] if isinstance(target, View) else target.blocks
        block, element = find_element(blocks, action_id, block_id)
        action: Json = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
        action |= {"action_ts": self.workspace.next_ts()}
        if element["type"] == "button":
            action |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        else:
            action |= chosen(element, value)
            values = {**values, element["action_id"]: value}
        payload = self._interaction("block_actions", user) | {"actions": [action]}
        conversation = self._current_conversation(target)
        state = {"values": state_values(blocks, values, conversation)}
        if isinstance(target, View):
            payload |= {"container": {"type": "view", "view_id": target.id}}
            payload |= {"trigger_id": self.triggers.give(user, view_id=target.id)}
            payload |= {"view": self.workspace.view_json(target, values=state["values"])}
        else:
            channel = self.workspace.channel(target.channel_id)
            container: Json = {"type": "message", "message_ts": target.ts, "channel_id": channel.id}
            container |= {"is_ephemeral": isinstance(target, Ephemeral)}
            if target.thread_ts:
                container["thread_ts"] = target.thread_ts
            payload |= {"container": container, "channel": self._channel(channel), "state": state}
            payload |= {"trigger_id": self.triggers.give(user, channel_id=channel.id)}
            payload |= {"response_url": self.triggers.response_url(channel.id, user, thread_ts=target.thread_ts, origin=target)}
            if isinstance(target, Message):
                payload["message"] = self.workspace.message_json(target)
        delivery = await self.link.attempt("interaction", payload)
        if not delivery.ok and not isinstance(target, View):
            self._tell(target.channel_id, user, f"{self.workspace.app_name} is not answering.", target.thread_ts)
        return delivery

    async def use_shortcut(self, callback_id: str, user: str, message: Message | None = None, channel_id: str = "") -> Delivery:
        """Use a shortcut of the app, at a message or anywhere; `channel_id` is then the conversation that is open."""
        shortcut = self.shortcuts[callback_id]
        if (shortcut.kind == "message") != (message is not None):
            raise NoSuchElement(callback_id)
        payload = self._interaction("message_action" if message else "shortcut", user)
        channel_id = message.channel_id if message else channel_id
        payload |= {"callback_id": callback_id, "action_ts": self.workspace.next_ts()}
        payload |= {"trigger_id": self.triggers.give(user, channel_id=channel_id)}
        if message is not None:
            channel = self.workspace.channel(message.channel_id)
            payload |= {"channel": self._channel(channel), "message_ts": message.ts}
            payload |= {"message": self.workspace.message_json(message)}
            payload |= {"response_url": self.triggers.response_url(channel.id, user, origin=message)}
        delivery = await self.link.attempt("interaction", payload)
        if not delivery.ok and message is not None:
            self._tell(message.channel_id, user, f"{self.workspace.app_name} is not answering.", message.thread_ts)
        return delivery

    def _interaction(self, kind: str, user: str) -> Json:
        name = self.workspace.users[user].name
        return {
            "type": kind,
            "user": {"id": user, "username": name, "name": name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": "playground-verification-token",
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _current_conversation(self, target: Target) -> Channel | None:
        """Return the conversation in which a view was asked for, or in which a message is."""
        return self.workspace.channels.get(target.channel_id)

    def _channel(self, channel: Channel) -> Json:
        return {"id": channel.id, "name": channel.name or "directmessage"}

    # Modals

    async def submit_view(self, view: View, values: Mapping[str, object]) -> Json:
        """
        Send a modal. The result holds the `errors` that are shown in it, by block id; none when it was taken.

        What the app answers (`response_action`) is carried out: errors, update, push, clear; without one the modal closes.
        """
        blocks, conversation = view.view["blocks"], self._current_conversation(view)
        missing = missing_inputs(blocks, values, conversation)
        if missing:
            return {"errors": missing}
        payload = self._interaction("view_submission", view.user)
        payload |= {"trigger_id": self.triggers.give(view.user, view_id=view.id), "response_urls": []}
        payload |= {"view": self.workspace.view_json(view, values=state_values(blocks, values, conversation))}
        delivery = await self.link.attempt("interaction", payload)
        first = str(blocks[0].get("block_id", "")) if blocks else ""
        trouble = {"errors": {first: f"We had some trouble connecting to {self.workspace.app_name}. Try again?"}}
        if not delivery.ok:
            return trouble
        answer = delivery.answer if isinstance(delivery.answer, dict) else {}
        return self._carry_out(view, answer) or trouble

    def _carry_out(self, view: View, answer: Json) -> Json | None:
        """Carry out the app's answer to a submission; None where the answer is not one that Slack takes."""
        action = answer.get("response_action")
        if action == "errors":
            errors = answer.get("errors")
            known = {block.get("block_id") for block in view.view["blocks"] if block.get("type") == "input"}
            return {"errors": errors} if isinstance(errors, dict) and errors and set(errors) <= known else None
        if action in ("update", "push"):
            try:
                body = self.web_api.checked_view(Arguments({"view": answer.get("view")}))
                if action == "update":
                    view.view = body
                    self.workspace.announce(Change("view", view=view, user=view.user))
                else:
                    self.triggers.open_view(body, view.user, on=view)
            except ApiError:
                return None
            return {"errors": {}}
        if action == "clear":
            for other in [each for each in self.workspace.views.values() if each.root_id == view.root_id]:
                self.triggers.close_view(other)
            return {"errors": {}}
        if action is not None:
            return None
        self.triggers.close_view(view)
        return {"errors": {}}

    async def close_view(self, view: View, *, clear: bool = False) -> None:
        """Dismiss a modal (with `clear` its whole stack); the app is notified where it asked to be."""
        stack = [each for each in self.workspace.views.values() if each.root_id == view.root_id]
        closing = stack if clear or view.view.get("clear_on_close") else [view]
        for each in reversed(closing):
            self.triggers.close_view(each)
            if each.view.get("notify_on_close"):
                payload = self._interaction("view_closed", view.user)
                payload |= {"view": self.workspace.view_json(each), "is_cleared": clear}
                await self.link.attempt("interaction", payload)


def elements_of(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every interactive element with its block."""
    for block in blocks:
        for element in (block.get("accessory"), block.get("element"), *block.get("elements", [])):
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def find_element(blocks: Sequence[Json], action_id: str, block_id: str = "") -> tuple[Json, Json]:
    """Return the element with this action id, in the given block where several have it."""
    for block, element in elements_of(blocks):
        if element["action_id"] == action_id and block_id in ("", block.get("block_id")):
            return block, element
    raise NoSuchElement(action_id)


def _options(element: Json) -> list[Json]:
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(option for group in groups for option in group.get("options", []))]


_SELECTED = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
}
_MANY = frozenset({"checkboxes", "multi_static_select", "multi_external_select"})
_ONE = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})


def chosen(element: Json, value: object) -> Json:
    """Return what an element reports when it holds `value`: option values stand for their options."""
    kind = element["type"]
    if kind in _SELECTED:
        return {_SELECTED[kind]: value}
    if kind in _MANY:
        wanted = value if isinstance(value, list) else []
        return {"selected_options": [option for option in _options(element) if option["value"] in wanted]}
    if kind in _ONE:
        found = [option for option in _options(element) if option["value"] == value]
        if value is not None and not found:
            raise NoSuchElement(f"{element['action_id']} has no option {value!r}")
        return {"selected_option": found[0] if found else None}
    return {"value": None if value in (None, "") else str(value)}


_INITIAL = (
    "initial_value", "initial_date", "initial_time", "initial_date_time",
    "initial_user", "initial_channel", "initial_conversation",
)  # fmt: skip


def is_offered(element: Json, channel: Channel) -> bool:
    """Tell whether a `conversations_select` offers a conversation; those of one person are all with the app, a bot."""
    wanted = element.get("filter", {})
    kind = {"channel": "public", "group": "private", "im": "im"}[channel.kind]
    return kind in wanted.get("include", [kind]) and not (channel.kind == "im" and wanted.get("exclude_bot_users"))


def _initial(element: Json, conversation: Channel | None) -> object:
    for name in _INITIAL:
        if name in element:
            return element[name]
    if element.get("default_to_current_conversation") and conversation and is_offered(element, conversation):
        return [conversation.id] if element["type"].startswith("multi_") else conversation.id
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return [] if element["type"] in _MANY or element["type"].startswith("multi_") else None


def _held(block: Json, element: Json, values: Mapping[str, object], conversation: Channel | None) -> object:
    action_id = element["action_id"]
    for key in (f"{block.get('block_id')}/{action_id}", action_id):
        if key in values:
            return values[key]
    return _initial(element, conversation)


def state_values(blocks: Sequence[Json], values: Mapping[str, object], conversation: Channel | None = None) -> Json:
    """
    Return `state.values` of a message or view: what people put in, by action id or "block id/action id", or the initial values.

    `conversation` is the current one, for selects that begin with it.
    """
    state: Json = {}
    for block, element in elements_of(blocks):
        if element["type"] not in ("button", "overflow"):
            entry = {"type": element["type"], **chosen(element, _held(block, element, values, conversation))}
            state.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return state


def missing_inputs(blocks: Sequence[Json], values: Mapping[str, object], conversation: Channel | None = None) -> dict[str, str]:
    """Return the inputs that must be filled in and are not, by block id, and what the client says of each."""
    return {
        str(block["block_id"]): "Please complete this required field."
        for block, element in elements_of(blocks)
        if block.get("type") == "input"
        and not block.get("optional")
        and _held(block, element, values, conversation) in (None, "", [])
    }
