"""
What one child process may take: memory, computing time, time on the clock, the size of a file, open files.

The kernel holds a child to them, whatever a hostile file makes of a decoder. Where one is reached, `TooCostly` tells it, for
the same input would reach it again. Linux has all of them; macOS accepts the bound of memory and does not enforce it; Windows
has none but the time on the clock, which the parent holds. Sizes are bytes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracking.errors import TooCostly

# Measured on two cores: tracking 1080p takes 0.5 GB of data, 8192 x 8192 VP9 1.2 GB, of which 0.9 are used. More cores decode
# more pictures at a time, up to 16, and have more threads with stacks of their own.
MEMORY_BYTES = 2 << 30
MEMORY_A_CORE_BYTES = 128 << 20
CORES_COUNTED = 16

# Tracking 1080p by YOLOX takes 0.6 s of computing for each second of video, 8K by motion 5 s.
CPU_S_A_SECOND = 10.0
CPU_BASE_S = 600.0
PROBE_CPU_S = 300.0

# At low priority, and beside as many others as there are cores, a second of computing may take longer on the clock.
WALL_S_A_CPU_S = 2.0

FILE_BYTES = 1 << 30  # the largest that is written is an annotation file of half a gigabyte
OPEN_FILES = 256


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """The bounds of one task."""

    cpu_s: float
    memory_bytes: int = MEMORY_BYTES
    file_bytes: int = FILE_BYTES
    open_files: int = OPEN_FILES

    @property
    def wall_s(self) -> float:
        """On the clock."""
        return self.cpu_s * WALL_S_A_CPU_S


def limits_of(task: str, arguments: Mapping[str, Any]) -> ChildLimits:
    """Return the bounds of `task` from `tasks.py` with these arguments: the longer the video, the longer it may take."""
    cores = min(os.cpu_count() or 1, CORES_COUNTED)
    memory_bytes = MEMORY_BYTES + cores * MEMORY_A_CORE_BYTES
    if task in {"probe", "choose"}:
        return ChildLimits(PROBE_CPU_S, memory_bytes)
    duration_s = float(arguments.get("duration_s") or arguments.get("max_video_seconds") or 0.0)
    return ChildLimits(CPU_BASE_S + CPU_S_A_SECOND * duration_s, memory_bytes)


def impose(limits: ChildLimits) -> None:
    """Hold this process to `limits` from now on, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    whole_s = int(limits.cpu_s) + 1
    # RLIMIT_AS would count what is only reserved: a gigabyte for the inference threads alone.
    _lower(resource.RLIMIT_DATA, limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, whole_s, whole_s + 5)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_CORE, 0)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Hold this process to the memory of a child for a while; whatever else the command line takes is its owner's business."""
    if sys.platform == "win32":
        yield
        return
    import resource

    earlier, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = limits_of("", {}).memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (earlier, hard))


def too_costly(status: int, limits: ChildLimits) -> TooCostly | None:
    """Return what it means that a child ended with `status`: the bound that it reached, None where it was none."""
    if sys.platform != "win32" and status == -signal.SIGXCPU:
        return TooCostly("time", int(limits.cpu_s))
    return None


def out_of_memory(limits: ChildLimits) -> TooCostly:
    """Return what a `MemoryError` means in a process under `limits`."""
    return TooCostly("memory", limits.memory_bytes)


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    """Set a bound, unless a lower one holds already."""
    import resource

    earlier = resource.getrlimit(which)[1]
    hard = soft if hard is None else hard
    if earlier != resource.RLIM_INFINITY:
        soft, hard = min(soft, earlier), min(hard, earlier)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (soft, hard))
