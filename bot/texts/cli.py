"""What the command line says: results, progress, and what was typed wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.jobs.told import near_misses_by_label
from bot.texts import limits
from bot.texts.engine import other_video, problems
from bot.texts.errors import left_out
from bot.texts.plurals import counted_labels
from bot.texts.wording import count, duration, exact_span, listing, percent, quoted
from rendering.selection import Selection
from tracking.model import MOVING_OBJECT, EngineWarning, Track
from tracking.sources.links import without_query


def unforeseen_here() -> str:
    """Return what is said below the log of an unforeseen error."""
    return "Something went wrong on our side; the lines above say what. Please report them."


class LabelCount(Protocol):
    """How many objects of a label a video has."""

    @property
    def label(self) -> str: ...

    @property
    def objects(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What the sentences about a result are made of; `known_labels` are those that the video has at all, times in seconds."""

    shown: int
    total: int
    near_misses: Sequence[Track]
    problems: Sequence[EngineWarning]
    min_confidence: float
    min_frames: int
    labels: Sequence[str] = ()
    known_labels: Sequence[str] = ()
    annotated_s: float = 0.0
    video_s: float = 0.0
    older_pictures: int = 0
    left_out: int = 0
    unwritten: Sequence[str] = ()
    shown_labels: Sequence[str] = ()
    step_s: float = 0.0
    blurred: int | None = None
    has_other_pictures: bool = False

    @property
    def limits(self) -> str:
        """Return the thresholds in words."""
        named = not self.shown_labels or any(label != MOVING_OBJECT for label in self.shown_labels)
        return limits.limits(self.min_confidence, self.min_frames, self.step_s, named=named)


def result_lines(facts: ResultFacts) -> list[str]:
    """Return what was found, what was nearly found, and what went wrong on the way."""
    lines = [found(facts)] if facts.shown or not facts.total else []
    if facts.left_out:
        lines.append(left_out(facts.left_out))
    if not facts.shown and facts.total:
        if facts.labels and not facts.near_misses:
            lines.append(no_such_label(facts.labels, facts.known_labels))
        else:
            lines.append(nothing_passed(facts))
            lines += lower_thresholds(facts)
    if doubt := other_video(facts.annotated_s, facts.video_s):
        lines.append(doubt)
    if facts.older_pictures:
        lines.append(f"In the folder {count(facts.older_pictures, 'older picture')} of this video stayed, from other options.")
    if facts.unwritten:
        lines.append(labels_not_written(facts.unwritten))
    if facts.blurred is not None:
        lines.append(blurred(facts.blurred, has_others=facts.has_other_pictures))
    return [*lines, *problems(facts.problems)]


def blurred(number: int, *, has_others: bool) -> str:
    """Return how many objects are blurred, and that more may be in the picture; `has_others`: further pictures were made."""
    if not number:
        return "Nothing is blurred, and no video was written: no object is what was asked for."
    said = f"In the video {count(number, 'object')} {'is' if number == 1 else 'are'} blurred. What was not found is not"
    return f"{said}, and other pictures are not." if has_others else f"{said}."


def blur_wanted() -> str:
    """Return what `--blur` takes."""
    return 'say what to blur: labels or numbers between commas, "everything", or "everything-but 3"'


def lower_thresholds(facts: ResultFacts) -> list[str]:
    """Return the options that would just show the closest of the near misses."""
    if not facts.near_misses:
        return []
    closest = facts.near_misses[0]
    options = []
    if closest.confidence < facts.min_confidence:
        options.append(f"--min-confidence {math.floor(closest.confidence * 100) / 100:g}")
    if len(closest) < facts.min_frames:
        options.append(f"--min-frames {len(closest)}")
    return [f"To see the first of them: {' '.join(options)}"] if options else []


def found(facts: ResultFacts) -> str:
    """Return the first line of a result that has objects, or of a video without any."""
    if not facts.total:
        return "No objects found in this video."
    passed = facts.shown + facts.left_out
    which = f": {counted_labels([quoted(label, limit=30) or 'object' for label in facts.shown_labels])}"
    which = which if facts.shown_labels and not facts.left_out else ""
    if passed == facts.total:
        return f"{count(passed, 'object')} found{which}."
    wanted = limits.in_brackets(facts.limits)
    passes = "passes" if passed == 1 else "pass"
    return f"{passed:,} of {count(facts.total, 'object')} {passes} the limits{wanted}{which}."


def nothing_passed(facts: ResultFacts) -> str:
    """Return that nothing passed the thresholds, and what nearly did."""
    chosen = Selection(min_confidence=facts.min_confidence, min_frames=facts.min_frames)
    kinds = near_misses_by_label(facts.near_misses, chosen)
    kinds = [kind.model_copy(update={"label": quoted(kind.label, limit=30) or "object"}) for kind in kinds]
    named = not kinds or any(kind.is_named for kind in kinds)
    wanted = limits.limits(facts.min_confidence, facts.min_frames, facts.step_s, named=named)
    close = f" Close: {limits.close(kinds, len(facts.near_misses), facts.step_s)}." if kinds else ""
    return f"No object passes the limits{limits.in_brackets(wanted)}.{close}"


def labels_not_written(labels: Sequence[str]) -> str:
    """Return which labels stand in the pictures only in part, because no font at hand has all of their letters."""
    told = listing([quoted(label, limit=30) for label in labels], limit=6)
    said = f"No font here can write all of {told}; the pictures show … instead, and leave emoji out."
    return f"{said} Install tracklet[fonts], or set TRACKLET_FONT to a font that can."


def no_such_label(asked: Sequence[str], known: Sequence[str]) -> str:
    """Return that a label filter lets nothing through, and which labels there are."""
    there = f" There is: {listing([quoted(label, limit=30) for label in known], limit=12)}." if known else ""
    return f"Nothing is labelled {listing([quoted(label, limit=30) for label in asked])}.{there}"


OBJECT_HEADINGS = ("no.", "object", "confidence", "when", "frames")


WORD_HEADINGS = {"object"}


def object_row(number: int, track: Track) -> tuple[str, ...]:
    """Return one object, below `OBJECT_HEADINGS`."""
    when = exact_span(track.segment.start_s, track.segment.end_s)
    sure = percent(track.confidence) if track.is_named else ""
    return f"{number}", quoted(track.label, limit=40), sure, when, f"{len(track):,}"


def where_lines(groups: Sequence[Sequence[str]], *, annotations: str, folder: str) -> list[str]:
    """Say where the files of a result are; of each group that is named alike the first, and how many more there are."""
    named = [group[0] + (f"  and {len(group) - 1:,} more" if len(group) > 1 else "") for group in groups if group]
    if annotations:
        named.append(annotations)
    return [f"In {folder}:", *(f"  {name}" for name in named)] if named else []


def imported(tracks: int) -> str:
    """Say how many objects a file of another tool has."""
    return f"{count(tracks, 'object')} read."


def annotations_stayed(there: str, ours: str) -> str:
    """Say that a file which was there already was not overwritten."""
    return f"{quoted(there)} was there and says something else, so it stayed; this run's annotations are in {quoted(ours)}."


STAGE_TRACKING = "tracking"


STAGE_RENDERING = "rendering"


STAGE_MODEL = "fetching the model"


def stage_line(stage: str, fraction: float) -> str:
    """Return progress where there is no terminal to draw a bar on."""
    return f"{stage}: {percent(fraction)}"


def tracked(*, took_s: float, duration_s: float) -> str:
    """Return how long tracking took, as measured."""
    return f"Tracked {duration(duration_s)} of video in {duration(took_s)}."


def file_wanted(given: str, *, is_folder: bool = False) -> str:
    """Say what is taken in place of an address, standard input, a folder, a pipe or nothing."""
    if not given:
        return "an empty name is no file. Give me the path of a file on this machine."
    if given == "-":
        return "I read a video more than once, so not from standard input. Save it, and give me the file's path."
    if "://" in given:
        return f"{quoted(without_query(given))} is an address. Download it and give me the file's path; the bot takes links."
    if is_folder:
        return f"{quoted(given)} is a folder. Give me the path of one file."
    return f"{quoted(given)} is no ordinary file, and I read it more than once. Save it, and give me the file's path."


def bad_segment(text: str) -> str:
    return f"{quoted(text)} isn't a part of a video: write it like 0:10-0:30"


def keys_wanted(offered: Mapping[str, str]) -> str:
    """Say what there is to choose from: keys, and what each stands for."""
    return "say one or more of " + "; ".join(f"{key} ({what})" for key, what in offered.items())


def share_wanted() -> str:
    return "a number from 0 to 1, or a percentage such as 70%"


def no_such_setting(variable: str, nearest: str) -> str:
    """Return that nothing reads a variable with our prefix; its value may be a secret, so it is not shown."""
    meant = f" Did you mean {nearest}?" if nearest else ""
    return f"{quoted(variable)} is not a setting, so it has no effect.{meant}"


def videos_progress(number: int, total: int) -> str:
    """Return how many of many videos are done."""
    return f"{number:,} of {total:,}"


def video_line(name: str, labels: Sequence[LabelCount], *, problem: str, note: str) -> str:
    """Return what became of one of many videos: what was wrong with it, or its objects by label and what there is to note."""
    if problem:
        return problem if not name or problem.startswith(name) else f"{name}: {problem}"
    named = [quoted(each.label, limit=30) or "object" for each in labels for _ in range(each.objects)]
    found = counted_labels(named) if named else "no objects"
    return f"{name}: {found}".removeprefix(": ") + (f". {note}" if note else "")


def videos_lines(total: int, *, failed: int, skipped: int, table: str, index: str) -> list[str]:
    """Return the last lines of a run over many videos."""
    done = total - failed - skipped
    parts = [f"{count(done, 'video')} tracked"]
    if skipped:
        parts.append(f"{skipped:,} done before (--again does them anew)")
    if failed:
        parts.append(f"{failed:,} could not be")
    return [f"{', '.join(parts)}.", f"All objects: {table}", f"All summaries: {index}"]


def no_videos(folders: Sequence[str]) -> str:
    """Return that there is no video in what was given."""
    return f"No video in {', '.join(folders)}."


def index_title() -> str:
    """Return the title of the page of all summaries."""
    return "Objects in these videos"


def open_viewer() -> str:
    """Return the words of the link from a summary to the video's viewer."""
    return "Play it"


def view_ready(url: str) -> str:
    """Return where the viewer is, and how it ends."""
    return f"The video is at {url} (Ctrl-C ends it)."


def view_port_taken() -> str:
    """Another program listens where the viewer would be; stands behind the option and the port."""
    return "another program uses that port. Choose another one, or leave --port out: I take a free one"


def demo_port_taken() -> str:
    """Another program listens where the demo's page would be; stands behind the option and the port."""
    return "another program uses that port, perhaps another demo. Choose another one, or leave --port out: I take a free one"


def no_temporary_folder() -> str:
    """There is no folder for what the demo needs while it runs; stands behind the variable and its value."""
    return "I need a folder for temporary files that I may write to, with some room. Set TMPDIR to one"


def demo_starts() -> str:
    return "Starting a small Slack workspace on this computer; nothing leaves it."


def demo_without_model(model: str) -> str:
    """Return that the detector is not here yet, and what that means."""
    return (
        f'The detector "{model}" is not here yet: it is fetched for the first video of yours. Where that fails, '
        "whatever moves is followed, without names; TRACKLET_MODEL takes a file."
    )


def demo_ready(url: str) -> str:
    """Return where the demo is, and what to do there."""
    return f"Open {url} and share a video in a channel, or try the sample clip. Ctrl-C ends it."
