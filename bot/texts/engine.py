"""What is said of the engines: their names, which one runs and why, and what a service reported."""

from __future__ import annotations

from datetime import date

from bot.texts.wording import count, quoted, quoted_sentence
from tracking.engines.base import EngineName
from tracking.model import EngineWarning


def engine_name(engine: str) -> str:
    """An engine as people call it."""
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


def engine_title(engine: EngineName, *, model: str = "", detector: str = "") -> str:
    """Return an engine as a heading; `model` is the name of its file, `detector` what people call the model's family."""
    detector = detector or "YOLOX"
    name = {EngineName.YOLOX: detector, EngineName.MOTION: "Motion", EngineName.GOOGLE: "Google Video Intelligence"}[engine]
    model = model.rpartition(".")[0].removeprefix(f"{detector.lower()}_") if model else ""
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


def problem(found: EngineWarning) -> str:
    """Something that an engine reported about a part of the video."""
    said = quoted_sentence(found.message) or f"Code {found.code}."
    match found.code:
        case 15:
            return f"The file is damaged: {said} What decodes was used."
        case 9:
            return f"A part was left out: {said}"
    return f"A part of the video could not be tracked. The engine said: {said}"
