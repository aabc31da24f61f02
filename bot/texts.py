"""
The sentences that Slack and the command line share, above all one for each error, and those that only the command line, the
triggers and `doctor` say: functions of their facts. Those that only Slack shows are in `bot/slack/texts.py`; nowhere else is a
sentence for people.

What happened, why, and what to do next; plain words, no class names. Text that came from outside (labels, file names, what a
service said) is shortened and stripped of control characters here; making it harmless for Slack is left to `bot/slack/`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from tracking import errors
from tracking.engines.base import EngineName
from tracking.model import Problem, Track
from tracking.plain_text import plain

ErrorT = TypeVar("ErrorT", bound=errors.TrackletError)

MAX_QUOTED = 80


# -- facts in words ---------------------------------------------------------------------------------------------------------


def quoted(text: str, *, limit: int = MAX_QUOTED) -> str:
    """Foreign text as it may stand in a sentence: one line, no control characters, shortened in the middle."""
    clean = plain(text)
    if len(clean) <= limit:
        return clean
    return f"{clean[: limit * 2 // 3]}…{clean[-(limit - limit * 2 // 3 - 1) :]}"


def clock(seconds: float) -> str:
    """A place in a video: "0:03", "12:40", "1:02:03"."""
    whole = max(0, math.floor(seconds + 1e-6))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """A length of time: "0.8 s", "12 s", "4 min 5 s", "1 h 30 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes + (rest >= 30)} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(size_bytes: int) -> str:
    """Bytes: "812 kB", "1.5 GB"."""
    value, unit = float(size_bytes), "bytes"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, bigger
    return f"{value:.0f} {unit}" if unit in {"bytes", "kB"} or value >= 100 else f"{value:.1f} {unit}"


def percent(share: float) -> str:
    """A confidence or a share: "93%", rounded as in the pictures and their names."""
    return f"{share:.0%}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 object", "3 objects"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(start_s: float, end_s: float) -> str:
    """When something is seen: "0:03–0:09", one time where both are the same second."""
    start, end = clock(start_s), clock(end_s)
    return start if start == end else f"{start}–{end}"


def listing(words: Sequence[str], *, limit: int = 4) -> str:
    """A list in a sentence: "a, b and c", "a, b, c, d and 3 more"."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


# -- errors -----------------------------------------------------------------------------------------------------------------


def sentence(error: BaseException) -> str:
    """What happened, why, and what to do, for any error; one that is not ours gets a calm sentence without its own text."""
    for kind in type(error).__mro__:
        say = _SENTENCES.get(kind)
        if say:
            return say(error)
    return "Something went wrong on our side. The log has the details; trying again may help."


def not_a_video(error: errors.NotAVideo) -> str:
    name = quoted(error.name)
    match error.media:
        case "missing":
            return f"There is no file {name} that I can read. Check the name and the permissions."
        case "empty":
            return f"{name} is empty, so there is no video in it. Copy or record it again."
        case "audio":
            return f"{name} has sound but no picture. I need a video: MP4, MOV, WebM, MKV or AVI work."
    return f"{name} is not a video that I can open: it is damaged or something else. MP4, MOV, WebM, MKV and AVI work."


def video_too_long(error: errors.VideoTooLong) -> str:
    return (
        f"This video lasts {duration(error.duration_s)}; I can track up to {duration(error.limit_s)}. "
        "Trim it, or give me a start and an end."
    )


def video_too_large(error: errors.VideoTooLarge) -> str:
    if error.unit == "pixels":
        return f"This video's picture has {error.size:,} pixels; I can take up to {error.limit:,}. Scale it down first."
    if error.unit == "samples":
        return f"This file says that it has {error.size:,} pictures and sounds; I can take up to {error.limit:,}. Trim it."
    return f"This video has {size(error.size)}; I can take up to {size(error.limit)}. Trim it or compress it."


def video_damaged(error: errors.VideoDamaged) -> str:
    return f"{quoted(error.name)} is a video, but none of its pictures can be decoded. Export or record it again."


def segment_outside(error: errors.SegmentOutside) -> str:
    lasts = f" The video lasts {duration(error.duration_s)}." if error.duration_s else ""
    return f"There is no picture between {clock(error.start_s)} and {clock(error.end_s)}.{lasts} Choose a stretch inside of it."


def annotation_fault(error: errors.AnnotationError) -> str:
    too_much = {
        "too large": f"is larger than {size(error.limit)}",
        "too many objects": f"holds more than {count(error.limit, 'object')}",
        "too many boxes": f"holds more than {count(error.limit, 'box', 'boxes')}",
        "too many values": f"has more than {count(error.limit, 'value')} in one object, or beside its objects",
    }.get(error.problem)
    if too_much:
        return (
            f"The annotation file {too_much}, which is more than I read at once. "
            "Have a shorter stretch of the video annotated, or fewer pictures a second, or split the file."
        )
    problem = {
        "missing": "it is missing",
        "no JSON": "this is not JSON",
        "no object": "an object was expected",
        "no list": "a list was expected",
        "no number": "a number was expected",
        "no time": 'a time such as {"seconds": 1, "nanos": 500000000} or "1.5s" was expected',
        "out of range": "the number is out of range",
        "unreadable": "it can't be read",
        "unfinished": "the operation was not finished when it was saved",
    }.get(error.problem, quoted(error.problem))
    return (
        f"The annotation file can't be used: at {quoted(error.place)}, {problem}. "
        "I read what the Video Intelligence API writes, and what I write myself."
    )


def source_refused(error: errors.SourceRefused) -> str:
    shown = quoted(error.source)
    match error.reason:
        case "scheme":
            return f"I can fetch http://, https:// and gs:// links, not {shown}. Or share the video itself."
        case "address":
            return f"{shown} leads into a private network, where I don't go. Share the video itself, or ask who runs me."
        case "bucket":
            return f"{shown} is in a bucket that is neither mine nor public. Make it readable, or ask who runs me to allow it."
        case "wildcard":
            return f"{shown} has a * or ? in its name, which would stand for many files. Rename the file, or share it here."
        case "name":
            return f"{shown} is a name that I can't use for a file. Rename it and try again."
        case "redirect":
            return f"{shown} leads from one address to the next without end. Give me the address of the video itself."
        case "downgrade":
            return f"{shown} leads from https to http, where others could exchange the file. Give me an https address."
    return f"I can't follow {shown}. Share the video itself."


def source_not_found(error: errors.SourceNotFound) -> str:
    return f"There is nothing at {quoted(error.source)}. Check the link, and that it still exists."


def source_not_a_video(error: errors.SourceNotAVideo) -> str:
    shown = quoted(error.source)
    match error.found:
        case "page":
            return f"{shown} is a web page, not a video file. Open it, and give me the address of the video itself."
        case "login":
            return f"{shown} asks for a login, so I see a form and no video. Share the video itself, or a public link."
        case "playlist":
            return f"{shown} is a playlist that points to many pieces. Download it as one file and share that."
        case "image":
            return f"{shown} is a picture that does not move. I need a video."
        case "archive":
            return f"{shown} is an archive. Unpack it and share the video itself."
    return f"{shown} is no video but {quoted(error.found, limit=40)}. MP4, MOV, WebM, MKV and AVI work."


def source_unreachable(error: errors.SourceUnreachable) -> str:
    shown = quoted(error.source)
    match error.reason:
        case "slow":
            return f"{shown} sends so slowly that I gave up. Try again later, or share the video itself."
        case "incomplete":
            return f"{shown} gave me only a part of the file. Try again later, or share the video itself."
        case "encoded":
            return f"{shown} comes in a compressed form, which is not the file itself. Share the video, or another link."
        case "name":
            return f"There is no server of the name in {shown}. Check how the link is spelt."
        case "certificate":
            return f"{shown} cannot prove whose server it is: its certificate is not valid. Share the video itself."
    if 200 <= error.status < 300:
        return f"{shown} answers without a file (status {error.status}). Check the link, or share the video itself."
    if error.reason == "timeout":
        return f"{shown} does not answer in time. Try again later, or share the video itself."
    why = f" (status {error.status})" if error.status else ""
    return f"{shown} does not answer{why}. Try again later, or share the video itself."


def model_fault(error: errors.ModelError) -> str:
    model = quoted(error.model)
    match error.problem:
        case "missing":
            return f"There is no model file {model}. Check the path, or say nano, tiny or s."
        case "name":
            return f"I know no model called {model}: say nano, tiny or s, or give the path of a YOLOX file."
        case "checksum" | "size":
            return (
                f"The download of the model {model} is not what was published, so I threw it away. Try again, or give a file."
            )
        case "shape":
            return f"{model} is a network, but not a YOLOX export: its input or output has another shape. Give me a YOLOX file."
    return f"{model} is not a model that I can load. Give me a YOLOX export in ONNX form."


def option_fault(error: errors.OptionError) -> str:
    return f"{quoted(error.option)} can't be {quoted(error.value)}: {error.allowed}."


def too_costly(error: errors.TooCostly) -> str:
    match error.resource:
        case "memory":
            what = f"more memory than the {size(error.limit)} that I may use for one video"
        case "file":
            what = f"a larger file than the {size(error.limit)} that I may write"
        case _:
            what = f"more computing than the {duration(error.limit)} that I may spend on it"
    return f"This takes {what}. Trim the video, scale it down, or give me a start and an end."


def engine_unavailable(error: errors.EngineUnavailable) -> str:
    engine = engine_name(error.engine)
    detail = f" ({quoted(error.detail)})" if error.detail else ""
    match error.reason:
        case "offline":
            return f"{engine} is not here and can't be reached{detail}. Try again later, or use another engine."
        case "credentials":
            return f"{engine} has no valid credentials{detail}. Set the application default credentials, or use another engine."
        case "configuration":
            return f"{engine} is not set up{detail}. Run `tracklet doctor`, or use another engine."
        case "retired":
            return f"{engine} was shut down by Google on 2027-09-14. The engines yolox and motion need no service."
        case "quota":
            return f"{engine} is busy: its quota is used up for now{detail}. It goes on as soon as there is room."
        case "timeout" | "unanswered":
            return f"{engine} did not answer in time{detail}. Try again, or use another engine."
    return f"{engine} can't run here{detail}. Run `tracklet doctor`, or use another engine."


def engine_refused(error: errors.EngineRefused) -> str:
    engine = engine_name(error.engine)
    detail = f" It said: {quoted(error.detail, limit=200)}" if error.detail else ""
    match error.reason:
        case "moving-camera":
            return (
                "The camera moves in this video, and following whatever moves only works with a fixed one. "
                "Use the yolox engine, which recognises objects."
            )
        case "permission":
            where = quoted(error.place, limit=200) if error.place else "what it needs"
            account = quoted(error.account) if error.account else "its account"
            role = f"the role {quoted(error.role)}" if error.role else "access"
            return f"{engine} may not use {where}.{detail} Give {account} {role} on that bucket."
        case "quota":
            return f"{engine}'s quota is used up.{detail} Try again later, or use another engine."
        case "unsupported":
            return f"{engine} can't take this video.{detail} Convert it to MP4, or use another engine."
        case "lost":
            return f"{engine} no longer knows this run.{detail} Start it again."
        case "region":
            return f"{engine} does not run in that region.{detail} Set TRACKLET_LOCATION to one that it knows."
    return f"{engine} failed.{detail} Try again, or use another engine."


def storage_fault(error: errors.StorageError) -> str:
    if error.reason == "full":
        return "The disk is full, so I could not go on. Make room, or ask who runs me to, then try again."
    verb = {"read": "read", "write": "write to", "list": "list"}.get(error.action, "use")
    why = f": {quoted(error.reason)}" if error.reason else ""
    return f"I can't {verb} {quoted(error.place)}{why}. Check that it exists, has room, and that I may use it."


def process_died(error: errors.ProcessDied) -> str:
    return (
        f"Working on this video ended my program {error.deaths} times, so I stopped trying. It may be damaged, or too much for "
        "the memory here. Convert it to MP4 (H.264), make it shorter or smaller, and give me that."
    )


def cancelled(_: errors.Cancelled) -> str:
    return "Cancelled. Nothing more will be done, and nothing half-made is left."


def unforeseen(_: errors.TrackletError) -> str:
    return "Something went wrong on our side. The log has the details; trying again may help."


def unforeseen_here() -> str:
    """An unforeseen error on the command line, where there is no log unless it was asked for."""
    return "Something went wrong on our side. Run it again as `tracklet --verbose ...` to see what."


def _says(kind: type[ErrorT], say: Callable[[ErrorT], str]) -> tuple[type[BaseException], Callable[..., str]]:
    return kind, say


_SENTENCES: dict[type[BaseException], Callable[..., str]] = dict(
    [
        _says(errors.NotAVideo, not_a_video),
        _says(errors.VideoTooLong, video_too_long),
        _says(errors.VideoTooLarge, video_too_large),
        _says(errors.VideoDamaged, video_damaged),
        _says(errors.SegmentOutside, segment_outside),
        _says(errors.AnnotationError, annotation_fault),
        _says(errors.SourceRefused, source_refused),
        _says(errors.SourceNotFound, source_not_found),
        _says(errors.SourceNotAVideo, source_not_a_video),
        _says(errors.SourceUnreachable, source_unreachable),
        _says(errors.ModelError, model_fault),
        _says(errors.OptionError, option_fault),
        _says(errors.TooCostly, too_costly),
        _says(errors.EngineUnavailable, engine_unavailable),
        _says(errors.EngineRefused, engine_refused),
        _says(errors.StorageError, storage_fault),
        _says(errors.ProcessDied, process_died),
        _says(errors.Cancelled, cancelled),
        _says(errors.TrackletError, unforeseen),
    ]
)


# -- engines ----------------------------------------------------------------------------------------------------------------


def engine_name(engine: str) -> str:
    """An engine as people call it."""
    return {
        EngineName.YOLOX: "The local detector (YOLOX)",
        EngineName.MOTION: "The motion engine",
        EngineName.GOOGLE: "Google Video Intelligence",
    }.get(EngineName(engine) if engine in set(EngineName) else EngineName.AUTO, quoted(engine))


def engine_chosen(engine: EngineName, *, why: str, model: str = "") -> str:
    """Which engine runs, and why; `why` is a `bot.engine_choice.Why`."""
    match engine:
        case EngineName.YOLOX:
            runs = f"Tracking with YOLOX{f' ({quoted(model)})' if model else ''}"
        case EngineName.MOTION:
            runs = "Tracking by motion: whatever moves before a fixed camera, without names"
        case _:
            runs = "Tracking with Google Video Intelligence"
    reason = {
        "asked": "as asked",
        "google-configured": "since both buckets are configured",
        "model": "on this machine",
        "no-model": "since no detector is here and none could be fetched",
        "drawn": "since this clip is drawn and a detector knows photographs",
        "compared": "for the comparison",
    }.get(why, "")
    return f"{runs}{f', {reason}' if reason else ''}."


def engine_title(engine: EngineName, *, model: str = "") -> str:
    """An engine as a heading; `model` is the name of its file."""
    name = {EngineName.YOLOX: "YOLOX", EngineName.MOTION: "Motion", EngineName.GOOGLE: "Google Video Intelligence"}[engine]
    model = model.rpartition(".")[0].removeprefix("yolox_") if model else ""
    return f"{name} ({quoted(model, limit=24)})" if model else name


def bucket_wanted() -> str:
    """Why Google's engine can't take a file; stands in brackets."""
    return "a video of this size needs a bucket in TRACKLET_VIDEO_BUCKET"


def google_ends(day: date, *, today: date) -> str:
    """Said where Google's engine is configured."""
    if today >= day:
        return f"Google shut the Video Intelligence API down on {day.isoformat()}; yolox and motion need no service."
    left = (day - today).days
    return f"Google shuts the Video Intelligence API down on {day.isoformat()}, in {count(left, 'day')}; yolox and motion stay."


def problem(found: Problem) -> str:
    """Something that an engine reported about a part of the video."""
    match found.code:
        case 15:
            return f"The file is damaged: {quoted(found.message)}. What decodes was used."
        case 9:
            return f"A part was left out: {quoted(found.message)}."
    return f"The engine reported a problem: {quoted(found.message, limit=200) or f'code {found.code}'}."


# -- what was found ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What the sentences about a result are made of; `known_labels` are those that the video has at all, times in seconds."""

    shown: int
    total: int
    near_misses: Sequence[Track]
    problems: Sequence[Problem]
    min_confidence: float
    min_frames: int
    labels: Sequence[str] = ()
    known_labels: Sequence[str] = ()
    annotated_s: float = 0.0
    video_s: float = 0.0
    older_pictures: int = 0
    left_out: int = 0


def result_lines(facts: ResultFacts) -> list[str]:
    """What was found, what was nearly found, and what went wrong on the way."""
    lines = [found(facts.shown + facts.left_out, facts.total)]
    if facts.left_out:
        lines.append(left_out(facts.left_out))
    if not facts.shown and facts.total:
        if facts.labels and not facts.near_misses:
            lines.append(no_such_label(facts.labels, facts.known_labels))
        else:
            lines.append(near_misses(facts.near_misses, min_confidence=facts.min_confidence, min_frames=facts.min_frames))
            lines += lower_thresholds(facts)
    if facts.annotated_s > facts.video_s + 1.0 > 1.0:
        reach, end = clock(facts.annotated_s), clock(facts.video_s)
        lines.append(f"The annotations reach {reach}, but the video ends at {end}: do they belong together?")
    if facts.older_pictures:
        lines.append(f"In the folder {count(facts.older_pictures, 'older picture')} of this video stayed, from other options.")
    return [*lines, *(problem(each) for each in facts.problems)]


def left_out(number: int) -> str:
    """Objects that pass the thresholds beyond the most that are shown."""
    return (
        f"{count(number, 'more object')} {'passes' if number == 1 else 'pass'}, but {'tells' if number == 1 else 'tell'} less "
        "and can't be shown, too. Name classes, a higher confidence or a shorter stretch to see others."
    )


def lower_thresholds(facts: ResultFacts) -> list[str]:
    """The options that would just show the closest of the near misses."""
    if not facts.near_misses:
        return []
    closest = facts.near_misses[0]
    options = []
    if closest.confidence < facts.min_confidence:
        options.append(f"--min-confidence {math.floor(closest.confidence * 100) / 100:g}")
    if len(closest) < facts.min_frames:
        options.append(f"--min-frames {len(closest)}")
    return [f"To see the first of them: {' '.join(options)}"] if options else []


def found(shown: int, total: int) -> str:
    """The first line of a result."""
    if not total:
        return "No objects were found in this video."
    if not shown:
        return f"None of {count(total, 'object')} passes the thresholds."
    return (
        f"{count(shown, 'object')} found." if shown == total else f"{shown:,} of {count(total, 'object')} pass the thresholds."
    )


def near_misses(tracks: Iterable[Track], *, min_confidence: float, min_frames: int) -> str:
    """What would have been shown with lower thresholds."""
    told = [f"{quoted(t.label, limit=30)} {percent(t.confidence)} in {count(len(t), 'frame')}" for t in tracks]
    if not told:
        return ""
    wanted = f"{percent(min_confidence)} and {count(min_frames, 'frame')}"
    return f"Closest to the thresholds ({wanted}): {listing(told, limit=6)}."


def no_such_label(asked: Sequence[str], known: Sequence[str]) -> str:
    """A label filter that lets nothing through."""
    there = f" There is: {listing([quoted(label, limit=30) for label in known], limit=12)}." if known else ""
    return f"Nothing is labelled {listing([quoted(label, limit=30) for label in asked])}.{there}"


OBJECT_HEADINGS = ("no.", "object", "confidence", "when", "frames")
WORD_HEADINGS = {"object"}


def object_row(number: int, track: Track) -> tuple[str, ...]:
    """One object, below `OBJECT_HEADINGS`."""
    when = span(track.segment.start_s, track.segment.end_s)
    return f"{number}", quoted(track.label, limit=40), percent(track.confidence), when, f"{len(track):,}"


def where_lines(pictures: Sequence[str], *, gifs: Sequence[str], annotations: str, folder: str) -> list[str]:
    """Where the files of a result are; of many GIFs the first is named, since the others are named alike."""
    named = [*pictures, *gifs[:1]]
    if len(gifs) > 1:
        named[-1] += f"  and {count(len(gifs) - 1, 'more GIF')}"
    if annotations:
        named.append(annotations)
    return [f"In {folder}:", *(f"  {name}" for name in named)] if named else []


# -- two engines ------------------------------------------------------------------------------------------------------------

ABSENT = "not found"


@dataclass(frozen=True, slots=True)
class ComparisonFacts:
    """What the sentences about a comparison are made of; `same_label` is None where one engine gives no names."""

    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    same_label: int | None
    problems: Sequence[Problem]
    min_confidence: float
    min_frames: int


def comparison_lines(facts: ComparisonFacts) -> list[str]:
    """What two engines found of one video."""
    a, b = quoted(facts.a), quoted(facts.b)
    if not facts.both + facts.only_a + facts.only_b:
        lines = [
            f"Neither {a} nor {b} found an object with {percent(facts.min_confidence)} in {count(facts.min_frames, 'frame')}.",
            "Lower the thresholds to see more: --min-confidence 0.5 --min-frames 5, for example.",
        ]
    else:
        lines = [f"{count(facts.both, 'object')} found by both, {facts.only_a:,} only by {a}, {facts.only_b:,} only by {b}."]
        if facts.both and facts.same_label is not None:
            lines.append(f"Of those that both found, {facts.same_label:,} have the same label.")
    return [*lines, *(problem(each) for each in facts.problems)]


def found_by_both(number: int) -> str:
    """A heading in the picture."""
    return f"Found by both: {number:,}"


def found_by_one(title: str, number: int) -> str:
    """A heading in the picture; `title` is an engine's, or a file's name."""
    return f"Only {quoted(title)}: {number:,}"


def comparison_headings(a: str, b: str) -> tuple[str, ...]:
    return "no.", quoted(a), quoted(b), "overlap"


def comparison_row(number: int, a: Track | None, b: Track | None, overlap: float) -> tuple[str, ...]:
    """One object, below `comparison_headings`."""
    return f"{number}", _found_track(a), _found_track(b), percent(overlap) if a and b else ""


def _found_track(track: Track | None) -> str:
    if track is None:
        return ABSENT
    when = span(track.segment.start_s, track.segment.end_s)
    return f"{quoted(track.label, limit=30)} {percent(track.confidence)}, {when}"


def engines_wanted(number: int) -> str:
    """What `--engines` takes, beside the annotation files that are given."""
    if not number:
        return "two annotation files are compared already"
    names = listing([name.value for name in EngineName if name is not EngineName.AUTO])
    return f"name {'one' if number == 1 else 'two different ones'} of {names}"


def two_files_at_most() -> str:
    return "two annotation files at most can be compared"


# -- the command line -------------------------------------------------------------------------------------------------------

STAGE_TRACKING = "tracking"
STAGE_RENDERING = "rendering"
STAGE_MODEL = "fetching the model"


def stage_line(stage: str, fraction: float) -> str:
    """Progress where there is no terminal to draw a bar on."""
    return f"{stage}: {percent(fraction)}"


def tracked(*, took_s: float, duration_s: float) -> str:
    """How long tracking took, as measured."""
    return f"Tracked {duration(duration_s)} of video in {duration(took_s)}."


def bad_segment(text: str) -> str:
    return f"{quoted(text)} is no stretch of a video: write it like 0:10-0:30"


def share_wanted() -> str:
    return "a number from 0 to 1, or a percentage such as 70%"


# -- triggers ---------------------------------------------------------------------------------------------------------------


def triggers_closed() -> str:
    """For a caller from elsewhere while no kind of token is configured."""
    return (
        "Without a token, triggers are answered to programs on this machine alone, and only where the bot listens on loopback, "
        "has no public address and gets nothing from Slack over HTTP: a proxy or a tunnel would speak for anybody. Set "
        "TRACKLET_TRIGGER_TOKEN, or TRACKLET_OIDC_AUDIENCE with TRACKLET_OIDC_SERVICE_ACCOUNT, and send the token as a bearer."
    )


def no_storage_event(problem: str) -> str:
    """For a body that is neither a CloudEvent nor a Pub/Sub push about an object."""
    return f"This is no storage event: {problem}."


def video_uri_wanted() -> str:
    """For `GET /track` without a video."""
    return 'Please specify a "video_uri" parameter, such as /track?video_uri=gs://bucket/clip.mp4.'


def demo_starts() -> str:
    return "Starting a small Slack workspace on this computer; nothing leaves it."


def demo_ready(url: str) -> str:
    """Where the demo is, and what to do there."""
    return f"Open {url} and share a video in a channel, or try the sample clip. Ctrl-C ends it."


# -- doctor -----------------------------------------------------------------------------------------------------------------


def codecs_checked(wanted: Sequence[str], missing: Sequence[str]) -> str:
    if missing:
        return f"No decoder for {listing(missing)}. Reinstall the package av, whose wheels bring them."
    return f"{listing(wanted)} can be decoded."


def font_checked(name: str) -> str:
    return f"Captions are written in {quoted(name)}."


def folder_unwritable(folder: str, why: str) -> str:
    reason = f" ({quoted(why)})" if why else ""
    return f"{quoted(folder)} can't be written{reason}. Set TRACKLET_DATA_DIR to a folder that can."


def folder_checked(folder: str, free_bytes: int) -> str:
    return f"{quoted(folder)} can be written; {size(free_bytes)} are free."


def database_unreachable(why: str) -> str:
    return f"The database does not answer ({quoted(why)}). Check TRACKLET_DATABASE_URL, or leave it unset for SQLite."


def database_checked(*, is_sqlite: bool) -> str:
    return "SQLite in the data folder: one process." if is_sqlite else "Postgres answers."


def place_checked(name: str, *, is_same: bool) -> str:
    """Something was written, read and deleted in a bucket."""
    if not is_same:
        return f"{quoted(name)} does not give back what is written to it. Something stands between; check the network."
    return f"{quoted(name)} can be read and written."


def model_fetched_later(model: str) -> str:
    return f"The model {quoted(model)} is not here yet; the first video fetches it. Offline, set TRACKLET_MODEL."


def model_checked(name: str, labels: int) -> str:
    return f"{quoted(name)} recognises {count(labels, 'kind')} of objects."
