"""
What child processes do: probe, choose, track, draw.

Plain functions from a dictionary of JSON to a result of JSON; `report(done, total)` tells how far they are. Each file
appears whole (`tracking/atomic.py`). They run at low priority in a process that may be killed
at any moment (`processes.py`), so nobody asks them to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.jobs.numbering import NumberedList, numbering_of
from bot.jobs.told import labels_of, near_misses_by_label
from bot.texts.wording import CAMERA_MOVES, STANDING_STILL
from rendering.frames import never_cancelled
from rendering.selection import Selected, Selection, renumbered, select
from tracking.atomic import write_whole
from tracking.engines.base import EngineName, Progress
from tracking.model import Annotations, EngineWarning, Segment, Track

if TYPE_CHECKING:
    from rendering.kinds.base import Drawing
    from tracking.video.file import Limits

Json = dict[str, Any]
Report = Callable[[float, float], None]

NEAR_MISSES_TOLD = 8
UNWRITTEN_TOLD = 6
KINDS_TOLD = 12
LABELS_TOLD = 24
PROBLEMS_TOLD = 20


def probe_task(arguments: Json, report: Report) -> Json:
    """Return what kind of video `video` is."""
    from sample import is_sample
    from tracking.video.file import probe

    info = probe(Path(arguments["video"]), limits=_limits(arguments))
    is_drawn = is_sample(Path(arguments["video"]))
    return {"width": info.width, "height": info.height, "duration_s": info.duration_s, "is_drawn": is_drawn}


def choose_task(arguments: Json, report: Report) -> Json:
    """
    Return which engine will look at a video, its model at hand: with the video's bytes, what decides whether that was done
    before.

    May download the model, so it has the network, and opens no foreign file.
    """
    from bot.engines import choose, direct_engine

    choice = choose(
        EngineName(arguments["engine"]),
        model=arguments["model"],
        google_configured=arguments["google_configured"],
        is_drawn=arguments["is_drawn"],
        progress=report,
    )
    is_remote = choice.engine is EngineName.GOOGLE
    return {
        "engine": choice.engine.value,
        "why": choice.why.value,
        "model": str(choice.model) if choice.model else "",
        "detector": choice.detector,
        "run_key": "" if is_remote else direct_engine(choice, limits=_limits(arguments)).run_key,
    }


def track_task(arguments: Json, report: Report) -> Json:
    """Follow every object in `video` with a direct engine; the annotation file goes to `annotations`."""
    from bot.engines import Choice, Why, direct_engine
    from tracking.formats import video_intelligence

    def progress(state: Progress) -> None:
        report(state.done_s, state.total_s)

    model = Path(arguments["model"]) if arguments["model"] else None
    engine = direct_engine(Choice(EngineName(arguments["engine"]), Why.ASKED, model), limits=_limits(arguments))
    segment = Segment(*arguments["segment"]) if arguments["segment"] else None
    annotations = engine.track(Path(arguments["video"]), segment=segment, progress=progress)
    write_whole(Path(arguments["annotations"]), video_intelligence.write(annotations))
    return {"tracks": len(annotations.tracks)}


def summary_task(arguments: Json, report: Report) -> Json:
    """Draw page `page` (from 1) of the object summary; also everything that is said about the objects in words."""
    from rendering.kinds.summary import draw_summary

    annotations, selected = _selected(arguments)
    selection = selected.selection
    pages: list[Json] = []
    drawing = _drawing(arguments, annotations, selected)
    if selected.shown:
        asked = range(arguments["page"] - 1, arguments["page"])
        drawn = draw_summary(drawing, _progress(report), pages=asked)
        pages = [
            {
                "path": str(page.path),
                "objects": [shown.number for shown in page.objects],
                "width": page.width,
                "height": page.height,
            }
            for page in drawn
        ]
    return {
        "pages": pages,
        "objects": [_told(shown.track, shown.number) for shown in selected.shown],
        "left_out": selected.left_out,
        "near_misses": [_told(track, 0) for track in selected.near_misses[:NEAR_MISSES_TOLD]],
        "near_miss_count": len(selected.near_misses),
        "lowest": _thresholds(selected.near_misses),
        "problems": len(drawing.problems),
        "unwritten": _unwritten(arguments, selected)[:UNWRITTEN_TOLD],
        "near_kinds": [kind.to_json() for kind in near_misses_by_label(selected.near_misses, selection)[:KINDS_TOLD]],
        "reported": [_told_problem(problem) for problem in drawing.problems[:PROBLEMS_TOLD]],
        "labels": labels_of(annotations)[:LABELS_TOLD],
        "step_s": annotations.step_s,
        "annotated_s": annotations.reach_s,
        "least_frames": selection.min_frames,
    }


def animations_task(arguments: Json, report: Report) -> Json:
    """Draw one GIF for each of the objects `numbers`."""
    from rendering.kinds.gifs import draw_gifs

    annotations, selected = _selected(arguments)
    wanted = set(arguments["numbers"])
    shown = [each for each in selected.shown if each.number in wanted]
    drawn = draw_gifs(_drawing(arguments, annotations, selected), _progress(report), shown=shown)
    return {
        "animations": [
            {"path": str(animation.path), "object": animation.object.number, "size_bytes": animation.size_bytes}
            for animation in drawn
        ]
    }


def pictures_task(arguments: Json, report: Report) -> Json:
    """Draw the pictures of one kind, by its key."""
    from rendering.kinds.base import KINDS

    annotations, selected = _selected(arguments)
    drawn = KINDS[arguments["kind"]].draw(_drawing(arguments, annotations, selected), _progress(report), never_cancelled)
    return {"paths": [str(picture.path) for picture in drawn]}


TASKS: dict[str, Callable[[Json, Report], Json]] = {
    "probe": probe_task,
    "choose": choose_task,
    "track": track_task,
    "summary": summary_task,
    "animations": animations_task,
    "pictures": pictures_task,
}


def selection_of(options: Json) -> Selection:
    """Return the thresholds among a request's options."""
    return Selection(
        min_confidence=options["min_confidence"], min_frames=options["min_frames"], labels=tuple(options["labels"])
    )


def _limits(arguments: Json) -> Limits:
    from tracking.video.file import Limits

    limits = Limits(max_bytes=arguments["max_video_bytes"], max_seconds=arguments["max_video_seconds"])
    return limits.for_segment(Segment(*arguments["segment"]) if arguments["segment"] else None)


def _selected(arguments: Json) -> tuple[Annotations, Selected]:
    from tracking.formats import video_intelligence

    annotations = video_intelligence.read(Path(arguments["annotations"]))
    selected = select(annotations, selection_of(arguments["selection"]), duration_s=arguments["duration_s"])
    lists = [NumberedList.from_json(each) for each in arguments["numbered"]]
    shown = [one.track for one in selected.shown]
    numbering = numbering_of(arguments["annotations"], annotations, shown, lists, read=video_intelligence.read)
    return annotations, renumbered(selected, numbering)


def _unwritten(arguments: Json, selected: Selected) -> list[str]:
    """Return the labels that no font at hand can write whole."""
    from rendering.fonts import Typeface

    typeface = Typeface(Path(arguments["font"]) if arguments["font"] else None)
    return list(typeface.unwritable_among(shown.track.label for shown in selected.shown))


def _drawing(arguments: Json, annotations: Annotations, selected: Selected) -> Drawing:
    from rendering.kinds.base import Drawing, RenderOptions

    font = Path(arguments["font"]) if arguments["font"] else None
    options = RenderOptions(selection_of(arguments["selection"]), font, STANDING_STILL, CAMERA_MOVES)
    return Drawing(Path(arguments["video"]), arguments["name"], annotations, selected, Path(arguments["out"]), options)


def _progress(report: Report) -> Callable[[float], None]:
    return lambda done: report(done, 1.0)


def _told(track: Track, number: int) -> Json:
    """Return what a list says about one object; times in seconds."""
    return {
        "number": number,
        "label": track.label,
        "confidence": track.confidence,
        "start_s": track.segment.start_s,
        "end_s": track.segment.end_s,
        "frames": len(track),
        "entity_id": track.entity_id,
        "track_id": track.track_id,
    }


def _told_problem(problem: EngineWarning) -> Json:
    """Return what is said of a problem; times in seconds."""
    return {
        "fault": problem.kind.value,
        "code": problem.code,
        "message": problem.message[:200],
        "start_s": problem.start_s,
        "end_s": problem.end_s,
        "pictures": problem.pictures,
    }


def _thresholds(tracks: Iterable[Track]) -> Json:
    """Return the thresholds that just let all of `tracks` pass."""
    found = list(tracks)
    return {
        "min_confidence": min((track.confidence for track in found), default=0.0),
        "min_frames": min((len(track) for track in found), default=0),
    }
