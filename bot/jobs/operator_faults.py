"""
What only the operator can mend: whoever asked is told so in one line, and the log has it with the job's number.

Not among it: a bucket that somebody named and that its owner can open, and whatever passes by itself.
"""

from __future__ import annotations

import errno

from tracking.errors import (
    EngineAbsence,
    EngineUnavailable,
    GoogleFault,
    ModelError,
    StorageError,
    StorageFault,
    TrackletError,
    is_disk_full,
)

_ABSENCES = frozenset(
    {*GoogleFault, EngineAbsence.CONFIGURATION, EngineAbsence.ENDPOINT, EngineAbsence.LIBRARY, EngineAbsence.RETIRED}
)


def needs_operator(error: TrackletError) -> bool:
    """Return whether only whoever runs the bot can mend it."""
    match error:
        case StorageError(reason=StorageFault.FULL | GoogleFault()):
            return True
        case StorageError(reason=StorageFault.PERMISSION):
            return not error.place.startswith("gs://")
        case StorageError(reason=StorageFault()):
            return False
        case EngineUnavailable():
            return error.reason in _ABSENCES
    return isinstance(error, StorageError | ModelError)


def translated(error: OSError) -> StorageError | None:
    """Return what the system says of the data folder as an error of ours, None where it is about something else."""
    if is_disk_full(error):
        return StorageError("disk", "write", StorageFault.FULL)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageError("data folder", "write", StorageFault.PERMISSION)
    return None
