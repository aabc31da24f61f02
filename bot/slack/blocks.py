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
from urllib.parse import urlsplit

from bot.engines import Why
from bot.jobs.facts import JobFacts, Pause, Probe, Summary, ToldObject
from bot.jobs.model import Job, JobState, Kind, Source, SourceKind
from bot.knowledge_graph import entity_link
from bot.requests.links import VIDEO_SUFFIXES
from bot.slack.buttons.base import Place, drawn, element
from bot.texts import engine, errors, google, wording
from bot.texts import slack as texts
from bot.texts.mrkdwn import escape, inert
from rendering.kinds.base import KINDS
from tracking import plain_text
from tracking.engines.base import EngineName
from tracking.model import EngineWarning, ProblemKind

Json = dict[str, Any]

SECTION_LETTERS = 3000
TEXT_LETTERS = 4000
NAME_LETTERS = 80
LABEL_LETTERS = 40  # escaped they are five times as many at worst
DESCRIPTION_LETTERS = 80
ROWS_SHOWN = 24  # as many as a page of the summary has objects
JOBS_SHOWN = 30
OPTION_LETTERS = 80  # of what was asked of a job, in a list of jobs
PROBLEMS_SHOWN = 5
BAR_CELLS = 16


OFFER = "tracklet_track"  # the `action_id` of the button in a channel where nothing starts unasked


@dataclass(frozen=True, slots=True)
class Message:
    """What a message holds; `text` is what notifications and screen readers get."""

    text: str
    blocks: tuple[Json, ...] = ()


def shown_name(name: str) -> str:
    """Return a file's name, short and harmless."""
    name = plain_text.plain(name)
    short = name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 12]}…{name[-10:]}"
    return escape(short) or "video"


def title_of(source: Source) -> str:
    """Return what people call a video: its file's name, and of a link that doesn't end in one also the host."""
    suffix = PurePath(source.name).suffix.removeprefix(".").lower()
    if source.kind is not SourceKind.LINK or suffix in VIDEO_SUFFIXES:
        return source.name
    try:
        host = urlsplit(source.ref).hostname or ""
    except ValueError:  # brackets without an address between them
        return source.name
    return f"{source.name} ({host.removeprefix('www.')})" if host else source.name


def progress(
    job: Job,
    state: JobState,
    *,
    fraction: float,
    left_s: float | None,
    before: int | None = None,
    pause: Pause | None = None,
) -> Message:
    """
    Return the one message that is edited as the job moves.

    `before` is how many come first while it waits, else None; `pause` is why it does not get on.
    """
    head = _head(job)
    line = texts.STAGES[state]
    details = []
    if before is not None:
        line, left_s = texts.waiting(before), None
    elif pause is not None:
        line, left_s = google.paused(pause), None
    elif fraction > 0:
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
    """Return a bar of text, which needs no picture."""
    full = round(min(max(fraction, 0.0), 1.0) * BAR_CELLS)
    return "▰" * full + "▱" * (BAR_CELLS - full)


def finished(job: Job, facts: JobFacts, *, earlier_link: str) -> Message:
    """Return the progress message, once everything is posted."""
    summary, probed = facts.summary or Summary(), facts.probed
    name = shown_name(title_of(job.request.source))
    small = " · ".join([texts.took(facts.took_s), *([_engine(probed)] if probed else [])])
    if facts.earlier:
        small = texts.seen_before(earlier_link, has_pictures=bool(summary.objects))
    asked = job.request.options
    if not summary.objects:
        return _nothing_found(job, summary, probed, small if facts.earlier or _has_no_detector(probed) else "")
    said = texts.found(name, [row.label for row in _escaped(summary.objects)], escape(texts.options_in_words(asked)))
    if missing := texts.labels_missing(asked.labels, summary.labels or asked.labels):
        said = f"{said} {texts.no_such_labels(missing, 'here')}"
    problems = [*_problems(summary, probed), *_kinds_gone(job)]
    blocks = [section(_with_asker(job, said)), *map(_context, problems), _context(small)]
    return Message(" ".join([said, *problems]), tuple(blocks))


def _nothing_found(job: Job, summary: Summary, probed: Probe | None, small: str) -> Message:
    """Return one line, for nobody reads more about nothing; what hindered the engine is said, and so is what nearly passed."""
    asked = job.request.options
    options = escape(texts.options_in_words(asked))
    said = texts.nothing_found(shown_name(title_of(job.request.source)), asked, options, _escaped_summary(summary))
    problems = [*_problems(summary, probed), *_kinds_gone(job)]
    blocks = [section(_with_asker(job, said)), *map(_context, problems)]
    if small:
        blocks.append(_context(small))
    if buttons := drawn(Place.NOTHING_FOUND, job, job.facts.model_copy(update={"summary": summary})):
        blocks.append(_actions(*buttons))
    return Message(" ".join([said, *problems]), tuple(blocks))


def _has_no_detector(probed: Probe | None) -> bool:
    return probed is not None and probed.engine == EngineName.MOTION and probed.why == Why.NO_MODEL


def _problems(summary: Summary, probed: Probe | None) -> list[str]:
    """Return what went wrong with parts of the video, and first whether the annotations are of another."""
    found = [
        EngineWarning(told.code, told.message, ProblemKind(told.fault), told.start_s, told.end_s, told.pictures)
        for told in summary.reported
        if told.fault in set(ProblemKind)
    ]
    doubt = engine.other_video(summary.annotated_s, probed.duration_s) if probed else ""
    return [*([doubt] if doubt else []), *(inert(said) for said in engine.problems(found)[:PROBLEMS_SHOWN])]


def made(job: Job, kinds: Sequence[str]) -> Message:
    """Return the progress message of further pictures, once those of `kinds` are posted."""
    wanted = [kind for kind in job.request.options.make if kind in KINDS]
    name = shown_name(title_of(job.request.source))
    said = texts.made(name, [escape(kind_title(kind)) for kind in kinds or wanted], is_done=bool(kinds)) if wanted else ""
    gone = _kinds_gone(job)
    blocks = [section(_with_asker(job, said or gone[0])), *map(_context, gone if said else gone[1:])]
    return Message(" ".join(filter(None, [said, *gone])), tuple(blocks))


def kind_title(kind: str) -> str:
    """Return what people call a kind of picture, its key for one that this version does not know."""
    return KINDS[kind].title if kind in KINDS else kind


def _kinds_gone(job: Job) -> list[str]:
    """Return that a kind of picture was asked for which this version does not know; nothing where it knows all."""
    gone = [escape(wording.quoted(kind, limit=NAME_LETTERS)) for kind in job.request.options.make if kind not in KINDS]
    return [texts.kinds_gone(gone)] if gone else []


def failed(job: Job, sentence: str, *, can_retry: bool) -> Message:
    """Return what happened and what to do."""
    blocks = [section(_with_asker(job, sentence))]
    if can_retry:
        blocks.append(_actions(*drawn(Place.FAILED, job, job.facts)))
    return Message(sentence, tuple(blocks))


def stopped(job: Job) -> Message:
    """Return that somebody stopped it."""
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
    """
    Return the list below the summary picture, with what more there is.

    `next_first` is the place in the list of the first object without a GIF, 0 when all have theirs; `descriptions` are lines
    about entities by their ids.
    """
    rows = _escaped(summary.objects)
    asked = job.request.options
    name = shown_name(title_of(job.request.source))
    lines = [texts.list_heading(name, escape(texts.options_in_words(asked))), *filter(None, [texts.at_once(rows)])]
    lines += [
        texts.object_row(
            row,
            link=entity_link(row.entity_id),
            description=escape(descriptions.get(row.entity_id, ""))[:DESCRIPTION_LETTERS],
        )
        for row in rows[:ROWS_SHOWN]
    ]
    if len(rows) > ROWS_SHOWN:
        lines.append(texts.more_rows(len(rows) - ROWS_SHOWN))
    blocks = [section(text) for text in _chunks(lines)]
    if number := summary.left_out:
        blocks.append(_context(errors.left_out(number)))
    if summary.unwritten:
        blocks.append(_context(texts.labels_not_written([escape(label) for label in summary.unwritten])))
    if said := texts.list_limits(asked, _escaped_summary(summary)):
        blocks.append(_context(said))
    shown = {"summary": summary, "next_first": next_first, "next_page": next_page}
    if buttons := drawn(Place.LIST, job, job.facts.model_copy(update=shown)):
        blocks.append(_actions(*buttons))
    return Message(texts.list_title(name, [row.label for row in rows]), tuple(blocks))


def page_list(job: Job, rows: Sequence[ToldObject]) -> str:
    """Return the objects of a further page as text, which stands above its picture; "" for none."""
    if not rows:
        return ""
    lines = [texts.list_heading(shown_name(title_of(job.request.source)), escape(texts.options_in_words(job.request.options)))]
    lines += [texts.object_row(row, link="") for row in _escaped(rows)]
    while len("\n".join(lines)) > TEXT_LETTERS:
        lines.pop()
    return "\n".join(lines)


def offer(job_id: str, name: str) -> Message:
    """Return the question in a channel where nothing starts unasked."""
    said = texts.offer(shown_name(name))
    return Message(said, (section(said), _actions(element(OFFER, texts.TRACK, job_id, style="primary"))))


def plain(text: str) -> Message:
    """Return one paragraph."""
    return Message(text, (section(text),))


def help_message() -> Message:
    """Return how to use it."""
    return Message(texts.HELP_TITLE, (section(texts.help_text()), _context(texts.HELP_SMALL)))


def status(jobs: Sequence[Job], *, now: float, workspace_url: str) -> Message:
    """Return what runs, and then what ran, for the asker; `jobs` are the newest first."""
    if not jobs:
        return plain(texts.nothing_asked_yet())
    return Message(texts.STATUS_TITLE, tuple(job_rows([*running(jobs), *over(jobs)], now=now, workspace_url=workspace_url)))


def running(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs that are not over."""
    return [job for job in jobs if not job.is_over]


def over(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs that are over."""
    return [job for job in jobs if job.is_over]


def job_rows(jobs: Sequence[Job], *, now: float, workspace_url: str) -> list[Json]:
    """Return a list of jobs, `JOBS_SHOWN` at most; `workspace_url` ends with a slash."""
    lines = []
    for job in jobs[:JOBS_SHOWN]:
        objects = len(job.facts.summary.objects) if job.facts.summary else None
        lines.append(
            texts.job_line(
                job.number,
                shown_name(title_of(job.request.source)),
                escape(wording.quoted(texts.options_in_words(job.request.options), limit=OPTION_LETTERS)),
                job.state,
                channel=job.request.channel,
                objects=objects,
                ago_s=now - job.created_at,
                link=_thread_link(job, workspace_url),
            )
        )
    if len(jobs) > JOBS_SHOWN:
        lines.append(texts.more_jobs(len(jobs) - JOBS_SHOWN))
    return [section(text) for text in _chunks(lines)]


def _thread_link(job: Job, workspace_url: str) -> str:
    """Return a permalink as chat.getPermalink gives it; a call for each line of a list would take too long."""
    ts = job.thread_ts or job.request.thread_ts
    return f"{workspace_url}archives/{job.request.channel}/p{ts.replace('.', '')}" if ts and workspace_url else ""


def header(text: str) -> Json:
    """Return a heading."""
    return {"type": "header", "text": {"type": "plain_text", "text": text[:150]}}


def _engine(probed: Probe) -> str:
    if not probed.engine:
        return texts.annotations_taken()
    model = PurePath(probed.model).stem if probed.model else ""
    return escape(engine.engine_used(EngineName(probed.engine), why=probed.why, model=model, detector=probed.detector))


def _head(job: Job) -> str:
    name = shown_name(title_of(job.request.source))
    options = escape(texts.options_in_words(job.request.options))
    if job.request.kind is Kind.SHOW:
        return texts.appeared(job.request.source.ref)
    if job.request.thread_ts or not job.request.user:
        return texts.about(name, options)
    return texts.asked(job.request.user, name, options)


def _with_asker(job: Job, said: str) -> str:
    """Return a sentence that, as the root of a thread of its own, goes on naming who asked."""
    has_asker = bool(job.request.user) or job.request.kind is Kind.SHOW
    return said if job.request.thread_ts or not has_asker else f"{_head(job)}\n{said}"


def _escaped(rows: Sequence[ToldObject]) -> list[ToldObject]:
    return [row.model_copy(update={"label": _escaped_label(row.label)}) for row in rows]


def _escaped_summary(summary: Summary) -> Summary:
    kinds = [kind.model_copy(update={"label": _escaped_label(kind.label)}) for kind in summary.near_kinds]
    labels = [_escaped_label(label) for label in summary.labels]
    return summary.model_copy(update={"near_kinds": tuple(kinds), "labels": tuple(labels)})


def _escaped_label(label: str) -> str:
    return escape(label[:LABEL_LETTERS]) or "object"


def section(text: str) -> Json:
    """Return one paragraph."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION_LETTERS)}}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, SECTION_LETTERS)}]}


def _actions(*buttons: Json) -> Json:
    return {"type": "actions", "elements": list(buttons)}


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _chunks(lines: Sequence[str]) -> list[str]:
    """Return lines joined to texts that each fit into a section."""
    chunks = [""]
    for line in lines:
        if len(chunks[-1]) + len(line) + 1 > SECTION_LETTERS:
            chunks.append("")
        chunks[-1] += f"\n{line}" if chunks[-1] else line
    return chunks
