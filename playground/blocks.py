"""
Validation of Block Kit as Slack does it: known blocks and elements, their fields, and the lengths of these.

`check_blocks` and `check_view` return the reasons for a refusal in Slack's own form ("must be less than 3001 characters
[json-pointer:/blocks/0/text/text]"), none where all is well, and fill in the ids that Slack makes up. Limits are those of
docs.slack.dev/reference/block-kit and of slack_sdk 3.47's models; what is not documented is refused rather than let through,
since the bot is to use only what is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Literal

from playground.payloads import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100

Surface = Literal["message", "modal", "home"]

_ANYWHERE = frozenset({"message", "modal", "home"})
_BLOCK_SURFACES: dict[str, frozenset[str]] = {
    "section": _ANYWHERE,
    "divider": _ANYWHERE,
    "image": _ANYWHERE,
    "actions": _ANYWHERE,
    "context": _ANYWHERE,
    "header": _ANYWHERE,
    "rich_text": _ANYWHERE,
    "input": _ANYWHERE,
    "markdown": frozenset({"message"}),
    "plan": frozenset({"message"}),
    "task_card": frozenset({"message"}),
    "context_actions": frozenset({"message"}),
    "alert": frozenset({"modal"}),
}
_SELECTS = frozenset(
    f"{prefix}{kind}"
    for prefix in ("", "multi_")
    for kind in ("static_select", "users_select", "conversations_select", "channels_select", "external_select")
)
_PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
_CHOICES = frozenset({"checkboxes", "radio_buttons"})
_TYPED = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input", "file_input"})
_ACCESSORIES = frozenset({"button", "image", "overflow"}) | _SELECTS | _PICKERS | _CHOICES
_ACTIONS = frozenset({"button", "overflow"}) | _SELECTS | _PICKERS | _CHOICES
_INPUTS = _SELECTS | _PICKERS | _CHOICES | _TYPED
_CONVERSATION_KINDS = ("im", "mpim", "private", "public")
_RICH_PARTS = frozenset({"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"})
_RICH_LEAVES = frozenset({"text", "link", "emoji", "user", "channel", "usergroup", "broadcast", "date", "color", "team"})

PictureProblem = Callable[[Json], str]


def check_blocks(blocks: Sequence[object], *, surface: Surface, picture_problem: PictureProblem) -> list[str]:
    """Return why Slack would refuse `blocks`, and fill in block and action ids; `picture_problem` judges a `slack_file`."""
    checker = _Checker(surface, picture_problem)
    checker.blocks(blocks, "/blocks")
    return checker.problems


def check_view(view: object, *, picture_problem: PictureProblem) -> list[str]:
    """Return why Slack would refuse a modal or a Home tab."""
    if not isinstance(view, dict):
        return ["must be an object [json-pointer:/view]"]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return ["must be a valid enum value [json-pointer:/view/type]"]
    checker = _Checker("modal" if kind == "modal" else "home", picture_problem)
    if kind == "modal":
        checker.text(view.get("title"), "/view/title", 24, plain=True)
        for part in ("submit", "close"):
            if part in view:
                checker.text(view[part], f"/view/{part}", 24, plain=True)
    checker.string(view, "private_metadata", "/view", 3000, optional=True, empty=True)
    checker.string(view, "callback_id", "/view", 255, optional=True, empty=True)
    checker.string(view, "external_id", "/view", 255, optional=True, empty=True)
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        checker.blocks(blocks, "/view/blocks")
        if kind == "modal" and "submit" not in view and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks):
            checker.problem("missing required field: submit", "/view")
    else:
        checker.problem("missing required field: blocks", "/view")
    checker.unknown(
        view,
        "/view",
        "type title submit close blocks private_metadata callback_id external_id clear_on_close notify_on_close "
        "submit_disabled",
    )
    return checker.problems


class _Checker:
    def __init__(self, surface: Surface, picture_problem: PictureProblem) -> None:
        self.surface = surface
        self.picture_problem = picture_problem
        self.problems: list[str] = []
        self._block_ids: set[str] = set()
        self._action_ids: set[str] = set()

    def problem(self, what: str, where: str) -> None:
        self.problems.append(f"{what} [json-pointer:{where}]")

    def unknown(self, thing: Json, where: str, known: str) -> None:
        for name in thing:
            if name not in known.split():
                self.problem(f"invalid additional property: {name}", where)

    def string(self, thing: Json, name: str, where: str, most: int, *, optional: bool = False, empty: bool = False) -> str:
        value = thing.get(name)
        if value is None:
            if not optional or name in thing:
                self.problem(f"missing required field: {name}", where)
        elif not isinstance(value, str):
            self.problem("must be a string", f"{where}/{name}")
        elif len(value) > most:
            self.problem(f"must be less than {most + 1} characters", f"{where}/{name}")
        elif not value and not empty:
            self.problem("must be more than 0 characters", f"{where}/{name}")
        else:
            return value
        return ""

    def flag(self, thing: Json, name: str, where: str) -> None:
        if name in thing and not isinstance(thing[name], bool):
            self.problem("must be a boolean", f"{where}/{name}")

    def enum(self, thing: Json, name: str, where: str, *allowed: str) -> None:
        if name in thing and thing[name] not in allowed:
            self.problem("must be a valid enum value", f"{where}/{name}")

    def text(self, value: object, where: str, most: int, *, plain: bool = False) -> None:
        if not isinstance(value, dict):
            parent, _, name = where.rpartition("/")
            self.problem(f"missing required field: {name}" if value is None else "must be an object", parent)
            return
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if value.get("type") not in kinds:
            self.problem("must be a valid enum value", f"{where}/type")
        self.string(value, "text", where, most)
        if value.get("type") == "mrkdwn" and "emoji" in value:
            self.problem("emoji is allowed in plain_text only", f"{where}/emoji")
        if value.get("type") == "plain_text" and "verbatim" in value:
            self.problem("verbatim is allowed in mrkdwn only", f"{where}/verbatim")
        self.flag(value, "emoji", where)
        self.flag(value, "verbatim", where)
        self.unknown(value, where, "type text emoji verbatim")

    def items(self, thing: Json, name: str, where: str, most: int, least: int = 1) -> list[Json]:
        value = thing.get(name)
        if not isinstance(value, list):
            self.problem(f"missing required field: {name}" if value is None else "must be an array", where)
            return []
        if len(value) > most:
            self.problem(f"no more than {most} items allowed", f"{where}/{name}")
        if len(value) < least:
            self.problem(f"no fewer than {least} items allowed", f"{where}/{name}")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self.problem("must be an object", f"{where}/{name}/{index}")
        return [item for item in value if isinstance(item, dict)]

    # Blocks

    def blocks(self, blocks: Sequence[object], where: str) -> None:
        most = MESSAGE_BLOCKS if self.surface == "message" else VIEW_BLOCKS
        if len(blocks) > most:
            self.problem(f"no more than {most} items allowed", where)
        for index, block in enumerate(blocks):
            place = f"{where}/{index}"
            if not isinstance(block, dict):
                self.problem("must be an object", place)
                continue
            kind = block.get("type")
            if not isinstance(kind, str) or self.surface not in _BLOCK_SURFACES.get(kind, frozenset()):
                self.problem(f"unsupported type: {kind}", f"{place}/type")
                continue
            self._action_ids.clear()  # an action_id is unique within its block
            getattr(self, f"_{kind}")(block, place)
            self._block_id(block, place)
        kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
        if "plan" in kinds and "task_card" in kinds:
            self.problem("plan and task_card are not allowed in one message", where)

    def _block_id(self, block: Json, where: str) -> None:
        if "block_id" not in block:
            block["block_id"] = secrets.token_urlsafe(4)
        block_id = self.string(block, "block_id", where, 255)
        if block_id in self._block_ids:
            self.problem(f"block_id {block_id} already exists", f"{where}/block_id")
        self._block_ids.add(block_id)

    def _section(self, block: Json, where: str) -> None:
        if "text" not in block and "fields" not in block:
            self.problem("missing required field: text", where)
        if "text" in block:
            self.text(block["text"], f"{where}/text", 3000)
        if "fields" in block:
            for index, item in enumerate(self.items(block, "fields", where, 10)):
                self.text(item, f"{where}/fields/{index}", 2000)
        if "accessory" in block:
            self.element(block["accessory"], f"{where}/accessory", _ACCESSORIES)
        self.flag(block, "expand", where)
        self.unknown(block, where, "type block_id text fields accessory expand")

    def _divider(self, block: Json, where: str) -> None:
        self.unknown(block, where, "type block_id")

    def _header(self, block: Json, where: str) -> None:
        self.text(block.get("text"), f"{where}/text", 150, plain=True)
        self.unknown(block, where, "type block_id text level")

    def _image(self, block: Json, where: str) -> None:
        self._picture(block, where)
        if "title" in block:
            self.text(block["title"], f"{where}/title", 2000, plain=True)
        self.unknown(block, where, "type block_id image_url slack_file alt_text title")

    def _picture(self, thing: Json, where: str) -> None:
        self.string(thing, "alt_text", where, 2000)
        if ("image_url" in thing) == ("slack_file" in thing):
            self.problem("exactly one of image_url and slack_file is required", where)
        if "image_url" in thing:
            url = self.string(thing, "image_url", where, 3000)
            if url and not re.match(r"https?://[^/\s]", url):
                self.problem("must be a valid URL", f"{where}/image_url")
        if "slack_file" in thing:
            reference = thing["slack_file"]
            if not isinstance(reference, dict) or ("id" in reference) == ("url" in reference):
                self.problem("exactly one of id and url is required", f"{where}/slack_file")
            elif found := self.picture_problem(reference):
                self.problem(found, f"{where}/slack_file")

    def _actions(self, block: Json, where: str) -> None:
        self._elements(block, where, 25, _ACTIONS)
        self.unknown(block, where, "type block_id elements")

    def _context(self, block: Json, where: str) -> None:
        for index, item in enumerate(self.items(block, "elements", where, 10)):
            place = f"{where}/elements/{index}"
            if item.get("type") == "image":
                self._picture(item, place)
                self.unknown(item, place, "type image_url slack_file alt_text")
            else:
                self.text(item, place, 3000)
        self.unknown(block, where, "type block_id elements")

    def _context_actions(self, block: Json, where: str) -> None:
        self._elements(block, where, 5, frozenset({"feedback_buttons", "icon_button"}))
        self.unknown(block, where, "type block_id elements")

    def _markdown(self, block: Json, where: str) -> None:
        self.string(block, "text", where, 12_000)
        self.unknown(block, where, "type block_id text")

    def _input(self, block: Json, where: str) -> None:
        self.text(block.get("label"), f"{where}/label", 2000, plain=True)
        if "hint" in block:
            self.text(block["hint"], f"{where}/hint", 2000, plain=True)
        self.flag(block, "optional", where)
        self.flag(block, "dispatch_action", where)
        self.element(block.get("element"), f"{where}/element", _INPUTS)
        self.unknown(block, where, "type block_id label element hint optional dispatch_action")

    def _alert(self, block: Json, where: str) -> None:
        self.text(block.get("text"), f"{where}/text", 3000)
        self.enum(block, "level", where, "default", "info", "warning", "error", "success")
        self.unknown(block, where, "type block_id text level")

    def _plan(self, block: Json, where: str) -> None:
        self.string(block, "title", where, 3000)
        for index, item in enumerate(self.items(block, "tasks", where, 50, 0) if "tasks" in block else []):
            self._task_card(item, f"{where}/tasks/{index}")
        self.unknown(block, where, "type block_id title tasks")

    def _task_card(self, block: Json, where: str) -> None:
        self.string(block, "task_id", where, 255)
        self.string(block, "title", where, 3000)
        self.enum(block, "status", where, "pending", "in_progress", "complete", "error")
        for part in ("details", "output"):
            if part in block:
                self._rich_text(block[part] if isinstance(block[part], dict) else {}, f"{where}/{part}")
        self.unknown(block, where, "type block_id task_id title status details output sources")

    def _rich_text(self, block: Json, where: str) -> None:
        for index, part in enumerate(self.items(block, "elements", where, 1000, 0)):
            place = f"{where}/elements/{index}"
            if part.get("type") not in _RICH_PARTS:
                self.problem(f"unsupported type: {part.get('type')}", f"{place}/type")
                continue
            for inner, leaf in enumerate(self.items(part, "elements", place, 1000, 0)):
                allowed = {"rich_text_section"} if part["type"] == "rich_text_list" else _RICH_LEAVES
                if leaf.get("type") not in allowed:
                    self.problem(f"unsupported type: {leaf.get('type')}", f"{place}/elements/{inner}/type")

    # Elements

    def _elements(self, block: Json, where: str, most: int, allowed: frozenset[str]) -> None:
        for index, item in enumerate(self.items(block, "elements", where, most)):
            self.element(item, f"{where}/elements/{index}", allowed)

    def element(self, element: object, where: str, allowed: frozenset[str]) -> None:
        if not isinstance(element, dict):
            self.problem("missing required field" if element is None else "must be an object", where)
            return
        kind = element.get("type")
        if kind not in allowed:
            self.problem(f"unsupported type: {kind}", f"{where}/type")
            return
        if kind == "image":
            self._picture(element, where)
            self.unknown(element, where, "type image_url slack_file alt_text")
            return
        if "action_id" not in element:
            element["action_id"] = secrets.token_urlsafe(4)
        action_id = self.string(element, "action_id", where, 255)
        if action_id in self._action_ids:
            self.problem(f"action_id {action_id} already exists", f"{where}/action_id")
        self._action_ids.add(action_id)
        if "confirm" in element:
            self._confirm(element["confirm"], f"{where}/confirm")
        if "placeholder" in element:
            self.text(element["placeholder"], f"{where}/placeholder", 150, plain=True)
        if "focus_on_load" in element:
            self.flag(element, "focus_on_load", where)
        if kind == "button":
            self._button(element, where)
        elif kind == "overflow":
            self._options(element, where, 5)
        elif kind in _CHOICES:
            self._options(element, where, 10)
        elif kind in ("static_select", "multi_static_select"):
            self._static_select(element, where)
        elif kind in ("conversations_select", "multi_conversations_select"):
            self._conversations_select(element, where)
        elif kind == "plain_text_input":
            self._plain_text_input(element, where)
        elif kind == "number_input" and not isinstance(element.get("is_decimal_allowed"), bool):
            self.problem("missing required field: is_decimal_allowed", where)
        elif kind == "datepicker" and "initial_date" in element:
            self._matches(element, "initial_date", where, r"\d{4}-\d{2}-\d{2}")
        elif kind == "timepicker" and "initial_time" in element:
            self._matches(element, "initial_time", where, r"\d{2}:\d{2}")

    def _button(self, element: Json, where: str) -> None:
        self.text(element.get("text"), f"{where}/text", 75, plain=True)
        self.string(element, "value", where, 2000, optional=True, empty=True)
        self.string(element, "url", where, 3000, optional=True)
        self.string(element, "accessibility_label", where, 75, optional=True)
        self.enum(element, "style", where, "primary", "danger")
        self.unknown(element, where, "type text action_id url value style confirm accessibility_label")

    def _plain_text_input(self, element: Json, where: str) -> None:
        self.flag(element, "multiline", where)
        for name in ("min_length", "max_length"):
            value = element.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 3000:
                self.problem("must be between 0 and 3000", f"{where}/{name}")
        self.string(element, "initial_value", where, 3000, optional=True, empty=True)

    def _matches(self, element: Json, name: str, where: str, pattern: str) -> None:
        if not isinstance(element[name], str) or not re.fullmatch(pattern, element[name]):
            self.problem("must match the documented format", f"{where}/{name}")

    def _static_select(self, element: Json, where: str) -> None:
        if ("options" in element) == ("option_groups" in element):
            self.problem("exactly one of options and option_groups is required", where)
        elif "options" in element:
            self._options(element, where, 100)
        else:
            for index, group in enumerate(self.items(element, "option_groups", where, 100)):
                place = f"{where}/option_groups/{index}"
                self.text(group.get("label"), f"{place}/label", 75, plain=True)
                self._options(group, place, 100)

    def _conversations_select(self, element: Json, where: str) -> None:
        self.flag(element, "default_to_current_conversation", where)
        self.string(element, "initial_conversation", where, 255, optional=True)
        if "filter" not in element:
            return
        wanted, place = element["filter"], f"{where}/filter"
        if not isinstance(wanted, dict) or not wanted:
            self.problem("must be an object with at least one field", place)
            return
        kinds = wanted.get("include", ["public"])
        if not isinstance(kinds, list) or not kinds or any(kind not in _CONVERSATION_KINDS for kind in kinds):
            self.problem("must be a valid enum value", f"{place}/include")
        self.flag(wanted, "exclude_bot_users", place)
        self.flag(wanted, "exclude_external_shared_channels", place)
        self.unknown(wanted, place, "include exclude_bot_users exclude_external_shared_channels")

    def _options(self, element: Json, where: str, most: int) -> None:
        options = self.items(element, "options", where, most)
        is_menu = element.get("type") == "overflow"
        values: list[str] = []
        for index, option in enumerate(options):
            place = f"{where}/options/{index}"
            self.text(option.get("text"), f"{place}/text", 75, plain=element.get("type") not in _CHOICES)
            values.append(self.string(option, "value", place, 150))
            if "description" in option:
                self.text(option["description"], f"{place}/description", 75, plain=element.get("type") not in _CHOICES)
            if "url" in option and not is_menu:
                self.problem("url is allowed in overflow menus only", f"{place}/url")
            self.unknown(option, place, "text value description url")
        if len(set(values)) != len(values):
            self.problem("option values must be unique", f"{where}/options")
        initial = element.get("initial_options", [element["initial_option"]] if "initial_option" in element else [])
        for chosen in initial if isinstance(initial, list) else []:
            if chosen not in options:
                self.problem("initial option must exactly match one of the options", where)

    def _confirm(self, confirm: object, where: str) -> None:
        if not isinstance(confirm, dict):
            self.problem("must be an object", where)
            return
        self.text(confirm.get("title"), f"{where}/title", 100, plain=True)
        self.text(confirm.get("text"), f"{where}/text", 300)
        self.text(confirm.get("confirm"), f"{where}/confirm", 30, plain=True)
        self.text(confirm.get("deny"), f"{where}/deny", 30, plain=True)
        self.enum(confirm, "style", where, "primary", "danger")
        self.unknown(confirm, where, "title text confirm deny style")
