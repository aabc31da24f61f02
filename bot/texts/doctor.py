"""What `tracklet doctor` says of this machine."""

from __future__ import annotations

from collections.abc import Sequence

from bot.texts.wording import count, listing, quoted, size


def codecs_checked(wanted: Sequence[str], missing: Sequence[str]) -> str:
    if missing:
        return f"No decoder for {listing(missing)}. Reinstall the package av, whose wheels bring them."
    return f"{listing(wanted)} can be decoded."


def font_checked(name: str, covered: Sequence[str], missing: Sequence[str]) -> str:
    """Return which font writes captions, and in which scripts a label can be written with it and the system's fonts."""
    told = f"Captions are written in {quoted(name)}, in these scripts: {listing(covered, limit=len(covered))}."
    if not missing:
        return told
    lacking = listing(missing, limit=len(missing))
    what = "install tracklet[fonts], or set TRACKLET_FONT to a font that has them"
    return f"{told} Labels in other scripts ({lacking}) become …; {what}."


def folder_unwritable(folder: str, why: str) -> str:
    reason = f" ({quoted(why)})" if why else ""
    return f"{quoted(folder)} can't be written{reason}. Set TRACKLET_DATA_DIR to a folder that can."


def folder_made_later(folder: str, free_bytes: int) -> str:
    return f"{quoted(folder)} is not there yet; the first start makes it. {size(free_bytes)} are free."


def folder_almost_full(folder: str, free_bytes: int, least_bytes: int) -> str:
    return (
        f"{quoted(folder)} can be written, but only {size(free_bytes)} are free; videos and pictures need {size(least_bytes)}. "
        "Make room, or set TRACKLET_DATA_DIR to another disk."
    )


def folder_checked(folder: str, free_bytes: int) -> str:
    return f"{quoted(folder)} can be written; {size(free_bytes)} are free."


def database_unreachable(why: str) -> str:
    return f"The database does not answer ({quoted(why)}). Check TRACKLET_DATABASE_URL, or leave it unset for SQLite."


def database_made_later() -> str:
    return "SQLite in the data folder; the first start makes it."


def database_checked(*, is_sqlite: bool) -> str:
    return "SQLite in the data folder: one process." if is_sqlite else "Postgres answers."


def storage_differs(settings: Sequence[str]) -> str:
    """Say that processes on one database do not see the same storage; `settings` name the places in which they differ."""
    return (
        f"The processes on this database see different places for {listing(settings, limit=3)}, so they can't go on with each "
        "other's jobs. Give all of them the same buckets, or one shared folder in TRACKLET_DATA_DIR."
    )


def storage_is_shared(processes: int) -> str:
    """Say that all processes on the database see the same storage."""
    if not processes:
        return "No process is at work on this database."
    told = count(processes, "process works", "processes work")
    return f"{told} on this database, and all see the same storage."


def place_checked(name: str, *, is_same: bool) -> str:
    """Something was written, read and deleted in a bucket."""
    if not is_same:
        return f"{quoted(name)} does not give back what is written to it. Something stands between; check the network."
    return f"{quoted(name)} can be read and written."


def rights_missing(bucket: str, actions: Sequence[str]) -> str:
    """Return which of "read", "write" and "delete" a bucket does not allow."""
    return (
        f"I may not {listing(list(actions))} objects in gs://{quoted(bucket)}. "
        "Give my account the role roles/storage.objectUser on that bucket: replacing an object takes the right to delete it."
    )


def probe_left(uri: str) -> str:
    """Return that what was written for a try could not be deleted."""
    return f"What I wrote to try it is still at {quoted(uri, limit=200)}: delete it."


def model_fetched_later(model: str) -> str:
    return f"The model {quoted(model)} is not here yet and can be fetched; the first video does."


def model_unreachable(model: str, why: str) -> str:
    reason = f" ({quoted(why)})" if why else ""
    return (
        f"The model {quoted(model)} is not here and can't be fetched{reason}. Set TRACKLET_MODEL to a file, "
        "or TRACKLET_ENGINE=motion to do without names."
    )


def model_not_used(engine: str) -> str:
    return f"No model is needed, since TRACKLET_ENGINE is {engine}."


def model_checked(name: str, labels: int) -> str:
    return f"{quoted(name)} recognises {count(labels, 'kind')} of objects."
