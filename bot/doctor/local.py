"""
What is missing on this machine, and what to do about it: the checks of `tracklet doctor`.

Each check looks at one thing for real (a file is written, a decoder asked for, the database opened), leaves nothing behind,
and ends in a sentence. `slack/checkup.py` has those that ask Slack.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import av
import sqlalchemy

from bot.settings import Settings
from bot.texts import doctor, engine, errors
from rendering.fonts import Typeface
from tracking.engines.base import GOOGLE_RETIRES, EngineName
from tracking.errors import TrackletError
from tracking.local import weights
from tracking.local.yolox import YoloxDetector

CODECS = ("h264", "hevc", "vp9", "av1")
LEAST_FREE_BYTES = 2 << 30  # two of the largest videos, and their pictures


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was looked at, whether it is well, and what to know or do."""

    name: str
    is_well: bool
    sentence: str


def local_checks(settings: Settings, *, today: date | None = None) -> Iterator[Check]:
    """What this machine has: one check after the other, as each is done. Asks no network."""
    yield _codecs()
    yield _font(settings.font)
    yield _data_folder(settings.data_dir)
    yield _database(settings)
    yield _model(settings.model or "tiny")
    if settings.engine is EngineName.GOOGLE or settings.google_is_configured:
        day = today or date.today()
        yield Check("google", day < GOOGLE_RETIRES, engine.google_ends(GOOGLE_RETIRES, today=day))


def _codecs() -> Check:
    missing = [name for name in CODECS if name not in av.codecs_available]
    return Check("codecs", not missing, doctor.codecs_checked(CODECS, missing))


def _font(path: Path | None) -> Check:
    try:
        Typeface(path)
    except TrackletError as error:
        return Check("font", False, errors.sentence(error))
    return Check("font", True, doctor.font_checked(path.name if path else "Noto Sans"))


def _data_folder(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("data folder", False, doctor.folder_unwritable(str(folder), error.strerror or ""))
    return Check("data folder", free_bytes >= LEAST_FREE_BYTES, doctor.folder_checked(str(folder), free_bytes))


def _database(settings: Settings) -> Check:
    try:
        engine = sqlalchemy.create_engine(settings.database)
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
        engine.dispose()
    except sqlalchemy.exc.SQLAlchemyError as error:
        # The error's own text may hold the password.
        return Check("database", False, doctor.database_unreachable(type(error.__cause__ or error).__name__))
    return Check("database", True, doctor.database_checked(is_sqlite=settings.uses_sqlite))


def _model(model: str) -> Check:
    if model in weights.NAMES and not weights.is_here(model):
        return Check("model", True, doctor.model_fetched_later(model))
    try:
        detector = YoloxDetector(weights.locate(model))
    except TrackletError as error:
        return Check("model", False, errors.sentence(error))
    return Check("model", True, doctor.model_checked(Path(model).name, len(detector.labels)))
