"""
Block Kit, as pure functions from facts to messages.

The words are those of `texts.py`; here they are escaped, kept within Slack's limits and given buttons. A button's `value`
is the job's id: what it may do is decided anew on the server when it is pressed. Limits: docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from bot.jobs.facts import JobFacts, Probe, Summary, ToldObject
from bot.jobs.model import Job, JobState, Kind
from bot.knowledge_graph import entity_link
from bot.slack.buttons.base import Place, drawn, element
from bot.texts import engine, errors, wording
from bot.texts import slack as texts
from bot.texts.mrkdwn import escape
from tracking import plain_text
from tracking.engines.base import EngineName

Json = dict[str, Any]

SECTION_LETTERS = 3000
TEXT_LETTERS = 4000
NAME_LETTERS = 80
LABEL_LETTERS = 40  # escaped they are five times as many at worst
DESCRIPTION_LETTERS = 80
ROWS_SHOWN = 24  # as many as a page of the summary has objects
BAR_CELLS = 16


OFFER = "tracklet_track"  # the `action_id` of the button in a channel where nothing starts unasked


@dataclass(frozen=True, slots=True)
class Message:
    """What a message holds; `text` is what notifications and screen readers get."""

    text: str
    blocks: tuple[Json, ...] = ()


def shown_name(name: str) -> str:
    """A file's name, short and harmless."""
    name = plain_text.plain(name)
    short = name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 12]}…{name[-10:]}"
    return escape(short) or "video"


def progress(job: Job, state: JobState, *, fraction: float, left_s: float | None) -> Message:
    """The one message that is edited as the job moves."""
    head = _head(job)
    line = texts.STAGES[state]
    details = []
    if fraction > 0:
        line = f"{line} · {wording.percent(fraction)}"
        details.append(bar(fraction))
    if left_s is not None:
        details.append(texts.time_left(left_s))
    blocks = [
        section(head),
        _context(line if not details else f"{line}  {' · '.join(details)}"),
        _actions(*drawn(Place.PROGRESS, job, job.facts)),
    ]
    return Message(f"{_head(job)}: {line}", tuple(blocks))


def bar(fraction: float) -> str:
    """A bar of text, which needs no picture."""
    full = round(min(max(fraction, 0.0), 1.0) * BAR_CELLS)
    return "▰" * full + "▱" * (BAR_CELLS - full)


def finished(job: Job, facts: JobFacts, *, took_s: float, earlier_link: str) -> Message:
    """The progress message, once everything is posted."""
    summary, probed = facts.summary or Summary(), facts.probed
    name = shown_name(job.request.source.name)
    small = f"{_engine(probed) if probed else ''} {texts.took(took_s)}".lstrip()
    if facts.earlier:
        small = texts.seen_before(earlier_link)
    if not summary.objects:
        return _nothing_found(job, summary, small)
    said = texts.found(name, [row.label for row in _escaped(summary.objects)])
    blocks = [section(_with_asker(job, said)), _context(small)]
    return Message(said, tuple(blocks))


def _nothing_found(job: Job, summary: Summary, small: str) -> Message:
    count = summary.near_miss_count
    said = texts.nothing_found(shown_name(job.request.source.name), job.request.options, near_misses=count)
    blocks = [section(_with_asker(job, said))]
    if count:
        buttons = drawn(Place.NOTHING_FOUND, job, job.facts.model_copy(update={"summary": summary}))
        blocks += [section(texts.near_misses_told(_escaped(summary.near_misses), count)), _actions(*buttons)]
    return Message(said, (*blocks, _context(small)))


def failed(job: Job, sentence: str, *, can_retry: bool) -> Message:
    """What happened and what to do."""
    blocks = [section(_with_asker(job, sentence))]
    if can_retry:
        blocks.append(_actions(*drawn(Place.FAILED, job, job.facts)))
    return Message(sentence, tuple(blocks))


def stopped(job: Job) -> Message:
    """Somebody stopped it."""
    said = texts.stopped(job.cancelled_by)
    return Message(said, (section(f"{_head(job)}\n{said}"), _actions(*drawn(Place.STOPPED, job, job.facts))))


def object_list(
    job: Job,
    summary: Summary,
    *,
    next_first: int,
    next_page: int,
    descriptions: Mapping[str, str] = MappingProxyType({}),
) -> Message:
    """The list below the summary picture, with what more there is; `descriptions` are lines about entities by their ids."""
    rows = _escaped(summary.objects)
    lines = [
        texts.object_row(
            row,
            link=entity_link(row.entity_id),
            description=escape(descriptions.get(row.entity_id, ""))[:DESCRIPTION_LETTERS],
        )
        for row in rows[:ROWS_SHOWN]
    ]
    if len(rows) > ROWS_SHOWN:
        lines.append(f"… and {len(rows) - ROWS_SHOWN} more")
    blocks = [section(text) for text in _chunks(lines)]
    if number := summary.left_out:
        blocks.append(_context(errors.left_out(number)))
    if summary.near_miss_count:
        said = texts.near_misses_besides(_escaped(summary.near_misses), summary.near_miss_count)
        blocks.append(_context(said))
    shown = {"summary": summary, "next_first": next_first, "next_page": next_page}
    if buttons := drawn(Place.LIST, job, job.facts.model_copy(update=shown)):
        blocks.append(_actions(*buttons))
    return Message(texts.list_title(job, [row.label for row in rows]), tuple(blocks))


def offer(job_id: str, name: str) -> Message:
    """In a channel where nothing starts unasked."""
    said = texts.offer(shown_name(name))
    return Message(said, (section(said), _actions(element(OFFER, texts.TRACK, job_id, style="primary"))))


def plain(text: str) -> Message:
    """One paragraph."""
    return Message(text, (section(text),))


def help_message() -> Message:
    """How to use it."""
    return Message(texts.HELP_TITLE, (section(texts.help_text()), _context(texts.HELP_SMALL)))


def status(jobs: Sequence[Job]) -> Message:
    """What runs and what ran, for the asker."""
    if not jobs:
        return plain(texts.nothing_asked_yet())
    return Message(texts.STATUS_TITLE, tuple(job_row(job) for job in jobs))


def job_row(job: Job) -> Json:
    """One job in a list."""
    objects = len(job.facts.summary.objects) if job.facts.summary else None
    name = shown_name(job.request.source.name)
    return section(texts.job_line(job.number, name, job.state, channel=job.request.channel, objects=objects))


def header(text: str) -> Json:
    """A heading."""
    return {"type": "header", "text": {"type": "plain_text", "text": text[:150]}}


def _engine(probed: Probe) -> str:
    if not probed.engine:
        return texts.annotations_taken()
    model = PurePath(probed.model).stem if probed.model else ""
    return escape(engine.engine_chosen(EngineName(probed.engine), why=probed.why, model=model, detector=probed.detector))


def _head(job: Job) -> str:
    name = shown_name(job.request.source.name)
    options = escape(texts.options_in_words(job.request.options))
    if job.request.kind is Kind.SHOW:
        return texts.appeared(job.request.source.ref)
    if job.request.thread_ts or not job.request.user:
        return texts.about(name, options)
    return texts.asked(job.request.user, name, options)


def _with_asker(job: Job, said: str) -> str:
    """The root of a thread of its own goes on naming who asked."""
    has_asker = bool(job.request.user) or job.request.kind is Kind.SHOW
    return said if job.request.thread_ts or not has_asker else f"{_head(job)}\n{said}"


def _escaped(rows: Sequence[ToldObject]) -> list[ToldObject]:
    return [row.model_copy(update={"label": escape(row.label[:LABEL_LETTERS]) or "object"}) for row in rows]


def section(text: str) -> Json:
    """One paragraph."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION_LETTERS)}}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, SECTION_LETTERS)}]}


def _actions(*buttons: Json) -> Json:
    return {"type": "actions", "elements": list(buttons)}


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _chunks(lines: Sequence[str]) -> list[str]:
    """Lines joined to texts that each fit into a section."""
    chunks = [""]
    for line in lines:
        if len(chunks[-1]) + len(line) + 1 > SECTION_LETTERS:
            chunks.append("")
        chunks[-1] += f"\n{line}" if chunks[-1] else line
    return chunks
