"""
Which engine runs, and why: what `auto` means, in one place for the command line and the bot.

Google where both of its buckets are configured and its day has not passed (credentials alone never make anyone pay); else the
detector (`yolox`) where its model is here or can be had; else motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from tracking.engines.base import GOOGLE_RETIRES, DirectEngine, EngineName
from tracking.engines.local import DetectorEngine, MotionEngine
from tracking.errors import EngineAbsence, EngineUnavailable, ModelError
from tracking.local import weights
from tracking.local.detectors.base import published_models
from tracking.local.network import family_of
from tracking.video.file import Limits


class Why(StrEnum):
    """Why an engine was chosen."""

    ASKED = "asked"
    GOOGLE_CONFIGURED = "google-configured"
    MODEL = "model"
    NO_MODEL = "no-model"
    DRAWN = "drawn"
    COMPARED = "compared"


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine's name, why it, and for the detector its file and what people call its family."""

    engine: EngineName
    why: Why
    model: Path | None = None
    detector: str = ""


def choose(
    asked: EngineName,
    *,
    model: str,
    google_configured: bool = False,
    is_drawn: bool = False,
    today: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Choice:
    """
    Return which engine runs. May download the model, which takes a while: not for an event loop.

    `model` is a path, or the name of a published model. `is_drawn` says that the video is the sample clip, in which a detector
    trained on photographs may see nothing. Raises `EngineUnavailable` for an engine that was asked for by name and can't be
    had, `ModelError` for a file or name that is none.
    """
    day_has_passed = (today or date.today()) >= GOOGLE_RETIRES
    if asked is EngineName.GOOGLE:
        if day_has_passed:
            raise EngineUnavailable(engine=EngineName.GOOGLE, reason=EngineAbsence.RETIRED)
        return Choice(EngineName.GOOGLE, Why.ASKED)
    if asked is EngineName.MOTION:
        return Choice(EngineName.MOTION, Why.ASKED)
    if asked is EngineName.AUTO and is_drawn:
        return Choice(EngineName.MOTION, Why.DRAWN)
    if asked is EngineName.AUTO and google_configured and not day_has_passed:
        return Choice(EngineName.GOOGLE, Why.GOOGLE_CONFIGURED)
    try:
        path = weights.locate(model, progress=progress) if progress else weights.locate(model)
    except (EngineUnavailable, ModelError) as error:
        if asked is EngineName.AUTO and model in published_models():
            return Choice(EngineName.MOTION, Why.NO_MODEL)
        raise error from error.__cause__
    why = Why.ASKED if asked is EngineName.YOLOX else Why.MODEL
    return Choice(EngineName.YOLOX, why, path, family_of(path).title)


def direct_engine(choice: Choice, *, limits: Limits) -> DirectEngine:
    """Return the engine itself, for those that work in this process."""
    if choice.engine is EngineName.YOLOX and choice.model:
        return DetectorEngine(choice.model, limits=limits)
    if choice.engine is EngineName.MOTION:
        return MotionEngine(limits=limits)
    raise EngineUnavailable(engine=choice.engine, reason=EngineAbsence.CONFIGURATION)
