"""
What is to hold of every recording: each way to pictures gives exactly those of a full decode, at the true times.

The full decode is PyAV's, with one thread, from the first packet to the last, with nothing left out. Where each frame bears a
time and they rise, these are compared as well.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.torture.recordings import Recording
from tracking.model import Segment
from tracking.video.file import TIME_TOLERANCE_S, Video
from tracking.video.shape import UPRIGHT, Orientation

TOLERANCE_S = 0.0021  # clocks of milliseconds round


def faults(recording: Recording, *, stretches: int = 6, seed: int = 1) -> list[str]:
    """Return what does not hold, in words; nothing where all does."""
    found: list[str] = []
    with Video(recording.path) as video:
        truth, stamps = full_decode(recording.path, video)
        frames = [(frame.time_s, frame.pixels()) for frame in video.frames()]
        times = [time_s for time_s, _ in frames]
        if len(frames) != len(truth):
            return [f"{len(frames)} of {len(truth)} pictures"]
        found += [f"picture {n} is another" for n, (_, one) in enumerate(frames) if not np.array_equal(one, truth[n])][:3]
        for name, wanted in (("true time", recording.times_s), ("time of the full decode", stamps)):
            if wanted and (len(wanted) != len(times) or np.abs(np.array(times) - wanted).max() > TOLERANCE_S):
                found.append(f"{name}: {[round(time, 3) for time in times][:8]}, not {[round(t, 3) for t in wanted][:8]}")
        if video.loss:
            found.append(f"told damage: {video.loss}")
        if video.info.frame_count != len(times):
            found.append(f"frame_count {video.info.frame_count} of {len(times)}")
        found += stretch_faults(video, times, truth, stretches=stretches, seed=seed)
    return found


def stretch_faults(video: Video, times: list[float], truth: list[NDArray[np.uint8]], *, stretches: int, seed: int) -> list[str]:
    """Return in which stretches, and at which single times, other pictures come than there are."""
    found: list[str] = []
    chance = random.Random(seed)
    whole_s = video.info.duration_s
    for _ in range(stretches):
        start_s = chance.uniform(0, times[-1])
        end_s = start_s + chance.choice([0.0, 0.2, 0.5]) * whole_s
        wanted = [n for n, time in enumerate(times) if start_s - TIME_TOLERANCE_S <= time <= end_s + TIME_TOLERANCE_S]
        if not wanted:
            continue
        given = [(frame.time_s, frame.pixels()) for frame in video.frames(segment=Segment(start_s, end_s))]
        if [time for time, _ in given] != [times[n] for n in wanted]:
            found.append(f"{start_s:.2f} to {end_s:.2f} s: {len(given)} pictures of {len(wanted)}")
        elif not all(np.array_equal(one, truth[n]) for (_, one), n in zip(given, wanted, strict=True)):
            found.append(f"{start_s:.2f} to {end_s:.2f} s: other pictures")
    asked = sorted(chance.uniform(-0.1, whole_s) for _ in range(7))
    served = 0
    for places, frame in video.frames_at(asked):
        served += len(places)
        number = max(0, int(np.searchsorted(times, asked[int(places[0])] + TIME_TOLERANCE_S, side="right")) - 1)
        if frame.time_s != times[number] or not np.array_equal(frame.pixels(), truth[number]):
            found.append(f"at {asked[int(places[0])]:.3f} s: the picture of {frame.time_s:.3f}, not {times[number]:.3f}")
    if served != len(asked):
        found.append(f"{served} of {len(asked)} times served")
    return found


def full_decode(path: Path, video: Video) -> tuple[list[NDArray[np.uint8]], list[float] | None]:
    """Every picture as `video` frames it, and its times where all pictures bear one and they rise."""
    pictures: list[NDArray[np.uint8]] = []
    stamps: list[float | None] = []
    orientation = UPRIGHT
    with av.open(str(path)) as container:
        stream = max(container.streams.video, key=lambda each: each.width)
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        with contextlib.suppress(av.error.InvalidDataError):  # multipart JPEG ends so
            for frame in container.decode(stream):
                orientation = Orientation.after(frame, orientation)
                pictures.append(video.framing.pixels(frame, orientation, None, "rgb"))
                stamps.append(frame.time)
    known = [stamp for stamp in stamps if stamp is not None]
    rises = len(known) == len(stamps) and all(0 < after - before < 10 for before, after in itertools.pairwise(known))
    return pictures, [stamp - known[0] for stamp in known] if rises else None
