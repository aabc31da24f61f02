"""
What is missing on this machine, and what to do about it: the checks of `tracklet doctor`.

Each check looks at one thing for real (a file is written, a decoder asked for, the database opened), leaves nothing behind,
and ends in a sentence. `slack.py` has those that ask Slack, `storage.py` those of the buckets.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import av

from bot.jobs.database import Database
from bot.settings import Settings
from bot.texts import doctor, engine, errors
from rendering.fonts import Typeface
from tracking.engines.base import GOOGLE_RETIRES, EngineName
from tracking.errors import EngineUnavailable, TrackletError
from tracking.local import weights
from tracking.local.detectors.base import published_models
from tracking.local.network import open_detector

CODECS = ("h264", "hevc", "vp9", "av1")
# Letters that words of each script are made of.
SCRIPTS = {
    "Latin": "aéłß",
    "Greek": "αω",
    "Cyrillic": "яж",
    "Arabic": "قطة",
    "Hebrew": "שלום",
    "Devanagari": "बिल",
    "Thai": "แมว",
    "Chinese": "猫车",
    "Japanese": "ねこカ",
    "Korean": "고양이",
    "Bengali": "বিড়াল",
    "Tamil": "பூனை",
    "Ethiopic": "ድመት",
    "emoji": "🚲",
}
LEAST_FREE_BYTES = 2 << 30  # two of the largest videos, and their pictures


@dataclass(frozen=True, slots=True)
class Check:
    """
    One row: what was looked at, whether it is well, and what to know or do.

    `is_there` is False for what is not there and need not be, or cannot be looked at: neither well nor a fault.
    """

    name: str
    is_well: bool
    sentence: str
    is_there: bool = True


def local_checks(settings: Settings, *, today: date | None = None) -> Iterator[Check]:
    """Yield what this machine has: one check after the other, as each is done. Asks the network for the model alone."""
    yield _codecs()
    yield _font(settings.font)
    yield _data_folder(settings.data_dir)
    yield _database(settings)
    yield _model(settings)
    if settings.engine is EngineName.GOOGLE or settings.google_is_configured:
        day = today or date.today()
        # Each call of the service costs money, so whether it would answer is not tried.
        yield Check("google", day < GOOGLE_RETIRES, engine.google_ends(GOOGLE_RETIRES, today=day), is_there=False)


def _codecs() -> Check:
    missing = [name for name in CODECS if name not in av.codecs_available]
    return Check("codecs", not missing, doctor.codecs_checked(CODECS, missing))


def _font(path: Path | None) -> Check:
    try:
        typeface = Typeface(path)
    except TrackletError as error:
        return Check("font", False, errors.sentence(error))
    missing = [name for name, letters in SCRIPTS.items() if typeface.unwritable(letters)]
    covered = [name for name in SCRIPTS if name not in missing]
    return Check("font", True, doctor.font_checked(path.name if path else "Noto Sans", covered, missing))


def _data_folder(folder: Path) -> Check:
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
    try:
        if there == folder:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
                pass
        elif not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            return Check("data folder", False, doctor.folder_unwritable(str(folder), ""))
        free_bytes = shutil.disk_usage(there).free
    except OSError as error:
        return Check("data folder", False, doctor.folder_unwritable(str(folder), error.strerror or ""))
    if free_bytes < LEAST_FREE_BYTES:
        return Check("data folder", False, doctor.folder_almost_full(str(folder), free_bytes, LEAST_FREE_BYTES))
    if there != folder:
        return Check("data folder", True, doctor.folder_made_later(str(folder), free_bytes), is_there=False)
    return Check("data folder", True, doctor.folder_checked(str(folder), free_bytes))


def _database(settings: Settings) -> Check:
    try:
        database = Database(settings.database)
        if database.path is not None and not database.path.exists():
            return Check("database", True, doctor.database_made_later(), is_there=False)
        database.look()
    except TrackletError as error:
        return Check("database", False, errors.sentence(error))
    except sqlite3.Error as error:
        return Check("database", False, doctor.database_unreachable(str(error)))
    return Check("database", True, doctor.database_checked(is_sqlite=settings.uses_sqlite))


def _model(settings: Settings) -> Check:
    model = settings.model
    if settings.engine in {EngineName.MOTION, EngineName.GOOGLE}:
        return Check("model", True, doctor.model_not_used(settings.engine.value), is_there=False)
    if model in published_models() and not weights.is_here(model):
        try:
            weights.reach(model)
        except EngineUnavailable as error:
            return Check("model", False, doctor.model_unreachable(model, error.detail))
        return Check("model", True, doctor.model_fetched_later(model), is_there=False)
    try:
        detector = open_detector(weights.locate(model))
    except TrackletError as error:
        return Check("model", False, errors.sentence(error))
    return Check("model", True, doctor.model_checked(Path(model).name, len(detector.labels)))
