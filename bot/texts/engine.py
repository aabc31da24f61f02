"""What is said of the engines: their names, which one runs and why, and what a service reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.texts.wording import clock, count, listing, quoted, quoted_sentence, span
from tracking.engines.base import EngineName
from tracking.model import EngineWarning, ProblemKind


def engine_name(engine: str) -> str:
    """Return an engine as people call it."""
    return {
        EngineName.YOLOX: "The local detector",
        EngineName.MOTION: "The motion engine",
        EngineName.GOOGLE: "Google Video Intelligence",
    }.get(EngineName(engine) if engine in set(EngineName) else EngineName.AUTO, quoted(engine))


def engine_chosen(engine: EngineName, *, why: str, model: str = "", detector: str = "") -> str:
    """Say which engine runs, and why; `why` is a `bot.engines.Why`, `detector` what people call the model's family."""
    match engine:
        case EngineName.YOLOX:
            runs = f"Tracking with {detector or 'YOLOX'}{f' ({quoted(model)})' if model else ''}"
        case EngineName.MOTION:
            runs = "Tracking by motion: anything that moves in front of a fixed camera, without names"
        case _:
            runs = "Tracking with Google Video Intelligence"
    reason = {
        "asked": "as asked",
        "google-configured": "since both buckets are configured",
        "model": "on this machine",
        "no-model": "since no detector is installed",
        "drawn": "since this clip is drawn and the detector knows only photographs",
        "compared": "for the comparison",
    }.get(why, "")
    return f"{runs}{f', {reason}' if reason else ''}."


def engine_used(engine: EngineName, *, why: str, model: str = "", detector: str = "") -> str:
    """Return which engine looked at a video, for the people in the thread; `model` is its file's name without the ending."""
    match engine:
        case EngineName.YOLOX:
            detector = detector or "YOLOX"
            size = model.removeprefix(f"{detector.lower()}_")
            return f"{detector}{f' {quoted(size, limit=24)}' if size else ''}, on our server"
        case EngineName.MOTION:
            reason = {
                "no-model": "No detector installed, so I",
                "drawn": "This clip is drawn and the detector knows only photographs, so I",
            }.get(why, "I")
            return f"{reason} followed anything that moved; I can't name it."
    return "Google Video Intelligence"


def engine_title(engine: EngineName, *, model: str = "", detector: str = "") -> str:
    """Return an engine as a heading; `model` is the name of its file, `detector` what people call the model's family."""
    detector = detector or "YOLOX"
    name = {EngineName.YOLOX: detector, EngineName.MOTION: "Motion", EngineName.GOOGLE: "Google Video Intelligence"}[engine]
    model = model.rpartition(".")[0].removeprefix(f"{detector.lower()}_") if model else ""
    return f"{name} ({quoted(model, limit=24)})" if model else name


def bucket_wanted() -> str:
    """Return why Google's engine can't take a file; stands in brackets."""
    return "a video of this size needs a bucket in TRACKLET_VIDEO_BUCKET"


def google_ends(day: date, *, today: date) -> str:
    """Return when Google's engine ends, for those who configured it."""
    if today >= day:
        return f"Google shut the Video Intelligence API down on {day.isoformat()}; yolox and motion need no service."
    left = (day - today).days
    return f"Google shuts the Video Intelligence API down on {day.isoformat()}, in {count(left, 'day')}; yolox and motion stay."


def problems(found: Sequence[EngineWarning]) -> list[str]:
    """Say what went wrong with parts of the video, each kind in one sentence."""
    lines = [_problem(each) for each in found if each.kind is not ProblemKind.CAMERA_MOVES]
    moving = [span(each.start_s, each.end_s) for each in found if each.kind is ProblemKind.CAMERA_MOVES]
    if moving:
        these = "this was" if len(moving) == 1 else "these were"
        lines.append(f"The camera moves at {listing(moving)}; {these} left out, since the motion engine needs a fixed camera.")
    return lines


def other_video(annotated_s: float, video_s: float) -> str:
    """Return a doubt about annotations that reach beyond the end of their video; "" where there is none. Seconds."""
    if not annotated_s > video_s + 1.0 > 1.0:
        return ""
    return f"The annotations reach {clock(annotated_s)}, but the video ends at {clock(video_s)}: do they belong together?"


def _problem(found: EngineWarning) -> str:
    match found.kind:
        case ProblemKind.CUT_SHORT:
            ends, says = clock(found.start_s), clock(found.end_s)
            return f"The file is damaged: it ends at {ends}, and should go on to {says}. What is there was used."
        case ProblemKind.PICTURES_LOST:
            lost = count(found.pictures, "picture")
            where = f"between {clock(found.start_s)} and {clock(found.end_s + 0.999)}"
            were = "was" if found.pictures == 1 else "were"
            return f"The file is damaged: {lost} {where} could not be read and {were} left out."
        case ProblemKind.INCOMPLETE:
            lost = count(found.pictures, "picture")
            return f"The file is damaged: parts of {lost} are missing, so things may look torn there."
        case ProblemKind.REST_UNREAD:
            return (
                f"The file holds several recordings, one behind the other, and only the first can be read, up to "
                f"{clock(found.start_s)}. Split it to see the others."
            )
    said = quoted_sentence(found.message) or f"Code {found.code}."
    return f"A part of the video could not be tracked. The engine said: {said}"
