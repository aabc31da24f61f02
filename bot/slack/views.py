"""
The App Home and the modal: what runs, what ran, how to use it, and a form for those who prefer one.

Views are built here as pure functions; `app.py` opens and publishes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.jobs.model import Job, Options, Source
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.grammar import is_polite, parse_options
from bot.requests.links import source_of, split_links
from bot.slack import blocks
from bot.texts import slack as texts
from tracking.errors import TrackletError

Json = dict[str, Any]

MODAL = "track_modal"
LINK, CHANNEL, WORDS = "link", "channel", "words"


def home(jobs: Sequence[Job], *, now: float, workspace_url: str) -> Json:
    """Return the Home tab of one person."""
    running, over = blocks.running(jobs), blocks.over(jobs)
    shown = [blocks.header(texts.HOME_RUNNING)]
    shown += blocks.job_rows(running, now=now, workspace_url=workspace_url) if running else [blocks.section(texts.NOTHING_RUNS)]
    shown += [blocks.header(texts.HOME_BEFORE)]
    shown += blocks.job_rows(over, now=now, workspace_url=workspace_url) if over else [blocks.section(texts.NOTHING_BEFORE)]
    shown += [blocks.header(texts.HOME_HELP), *blocks.help_message().blocks]
    return {"type": "home", "blocks": shown}


def modal(*, channel: str = "") -> Json:
    """Return the form behind a bare `/track` and the global shortcut."""
    conversation: Json = {
        "type": "conversations_select",
        "action_id": CHANNEL,
        "filter": {"include": ["public", "private", "im"], "exclude_bot_users": True},
    }
    conversation |= {"initial_conversation": channel} if channel else {"default_to_current_conversation": True}
    return {
        "type": "modal",
        "callback_id": MODAL,
        "title": _plain(texts.MODAL_TITLE),
        "submit": _plain(texts.MODAL_SUBMIT),
        "close": _plain(texts.MODAL_CLOSE),
        "blocks": [
            _input(LINK, texts.MODAL_LINK, _text_field(LINK, texts.MODAL_LINK_HINT)),
            _input(WORDS, texts.MODAL_WORDS, _text_field(WORDS, texts.MODAL_WORDS_HINT), optional=True),
            _input(CHANNEL, texts.MODAL_CHANNEL, conversation),
        ],
    }


def read_modal(view: Json, *, slack_host: str) -> tuple[Source, Options, str]:
    """Return the video, options and channel of a submitted form. Raises `CommandError`; `errors_of` says at which field."""
    values = {name: {name: _field(view["state"]["values"], name)} for name in (LINK, WORDS, CHANNEL)}
    # What is typed into a form comes as it was typed: nothing in it is an entity.
    links, rest = split_links(values[LINK][LINK].get("value") or "", is_escaped=False)
    if not links or not is_polite(rest):
        raise CommandError(ParseErrorKind.NO_LINK)
    if len(links) > 1:
        raise CommandError(ParseErrorKind.TWO_LINKS)
    source = source_of(links[0], slack_host=slack_host)
    options = parse_options(values[WORDS][WORDS].get("value") or "")
    return source, options, str(values[CHANNEL][CHANNEL].get("selected_conversation") or "")


def errors_of(problem: CommandError | TrackletError) -> Json:
    """Return Slack's answer to a form that is not right."""
    about_link = isinstance(problem, CommandError) and problem.what in {
        ParseErrorKind.NO_LINK,
        ParseErrorKind.TWO_LINKS,
        ParseErrorKind.BAD_LINK,
        ParseErrorKind.WILDCARD,
    }
    if isinstance(problem, CommandError):
        return {LINK if about_link else WORDS: texts.misunderstood(problem, plain=True)}
    return {LINK: texts.sentence(problem, number=0)}


def _field(values: Json, name: str) -> Json:
    """Return what a field holds, {} where it is not there."""
    block = values.get(name)
    found = block.get(name) if isinstance(block, dict) else None
    return found if isinstance(found, dict) else {}


def _input(block_id: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {"type": "input", "block_id": block_id, "label": _plain(label), "element": element, "optional": optional}


def _text_field(action_id: str, hint: str) -> Json:
    return {"type": "plain_text_input", "action_id": action_id, "placeholder": _plain(hint), "max_length": 3000}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}
