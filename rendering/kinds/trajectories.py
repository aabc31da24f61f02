"""
Where objects went: one picture for each shot in which any is shown, its background without them.

Paths over one background are only true where the camera stands still; where it moves, the picture says so instead.
"""

from __future__ import annotations

import numpy as np

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import chart_name, is_chart
from rendering.pages.cells import Picture, write_chart
from rendering.pages.trajectories import draw_trajectories
from rendering.selection import ShownObject
from tracking.local.motion import STILL_CAMERA_SHARE, moving_share
from tracking.model import Segment
from tracking.video.file import Video

NAME = "trajectories"
MOST_SHOTS = 12  # those in which the most objects are
LONGEST_SIDE_PX = 1280
SAMPLES = 15  # of a shot: what stands at a place in fewer than half of them is not in the background
PAIRS = 7  # of pictures that follow each other, for the camera
INSIDE_S = 0.05  # of a shot's ends: there the next one may begin already


def draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write a PNG for each shot, in order of time, none where no object is shown; raises as `render`."""
    written: list[PictureFile] = []
    typeface = Typeface(drawing.options.font)
    with drawing.open_video() as video, opencv_in_this_thread():
        whole = (Segment(0.0, video.info.duration_s),)
        chosen = _chosen(drawing.annotations.shots or whole, drawing.selected.shown)
        for number, (shot, objects) in enumerate(chosen, start=1):

            def tell(fraction: float, done: int = number - 1) -> None:
                progress((done + fraction) / len(chosen))

            background, camera_moves = _background(video, shot, tell, cancelled)
            without = drawing.options.camera_moves if camera_moves else None
            page = draw_trajectories(background, objects, shot, typeface, without=without)
            path = drawing.out / chart_name(drawing.name, NAME, page=number)
            write_chart(page, path)
            written.append(PictureFile(path))
    progress(1.0)
    return written


def _chosen(shots: tuple[Segment, ...], shown: tuple[ShownObject, ...]) -> list[tuple[Segment, list[ShownObject]]]:
    """Return the shots with the most objects, in order of time, each with those that are there in it."""
    found = []
    for shot in shots:
        objects = [one for one in shown if ((one.track.times >= shot.start_s) & (one.track.times < shot.end_s)).any()]
        if objects:
            found.append((shot, objects))
    most = sorted(found, key=lambda pair: -len(pair[1]))[:MOST_SHOTS]
    return sorted(most, key=lambda pair: pair[0].start_s)


def _background(video: Video, shot: Segment, progress: Progress, cancelled: CancelCheck) -> tuple[Picture, bool]:
    """
    Return the shot without what moves, the median of its pictures, and whether the camera moves in it.

    Where it moves, it is the picture from the middle.
    """
    scale = min(1.0, LONGEST_SIDE_PX / max(video.info.width, video.info.height))
    size = max(1, round(video.info.width * scale)), max(1, round(video.info.height * scale))
    start_s, end_s = shot.start_s + INSIDE_S, max(min(shot.end_s, video.info.duration_s) - INSIDE_S, shot.start_s + INSIDE_S)
    sampled = np.linspace(start_s, end_s, SAMPLES)
    step_s = 1 / video.info.frame_rate if video.info.frame_rate else 0.0
    firsts = np.linspace(start_s, max(end_s - step_s, start_s), PAIRS)
    needs = [(time_s, ("sample", n)) for n, time_s in enumerate(sampled.tolist())]
    needs += [(time_s, ("first", n)) for n, time_s in enumerate(firsts.tolist())]
    needs += [(time_s + step_s, ("second", n)) for n, time_s in enumerate(firsts.tolist())]
    taken: dict[tuple[str, int], Picture] = {}
    for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
        pixels = frame.pixels(size)
        taken.update((what, pixels) for what in due)
    samples = [taken[key] for key in taken if key[0] == "sample"]
    pairs = [
        (taken["first", n][:, :, ::-1], taken["second", n][:, :, ::-1])
        for n in range(PAIRS)
        if ("first", n) in taken and taken.get(("second", n)) is not taken["first", n] and ("second", n) in taken
    ]
    if moving_share(pairs) >= STILL_CAMERA_SHARE:
        return samples[len(samples) // 2], True
    return np.median(np.stack(samples), axis=0).astype(np.uint8), False


KINDS.register(
    PictureKind(
        key=NAME,
        title="paths",
        description="where the objects went, over the background",
        draw=draw,
        owns=lambda rest: is_chart(rest, NAME),
        cost=1.3,
    )
)
