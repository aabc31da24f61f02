"""
The whole video with a box around each shown object, its number and its label; or with objects made unrecognisable.

Every picture that decodes is shown at its own time, at its own size or with a longest side of 1920 pixels, and the sound stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av.error

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, opencv_in_this_thread
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import VIDEO_ENDINGS, annotated_video_name
from rendering.video.blur import Blurring
from rendering.video.boxes import Boxes
from rendering.video.planes import Canvas
from rendering.video.writer import VideoWriter
from tracking.atomic import unfinished
from tracking.errors import Cancelled, StorageError, StorageFault, is_disk_full
from tracking.model import Segment, Track
from tracking.video.file import Video

LONGEST_SIDE_PX = 1920
NEARLY_S = 0.5  # an engine's first and last pictures may lie so far from the ends of the video


def draw_video(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """
    Write the video, also where no object is shown; raises as `render`.

    Where only a part of it was looked at, that part is written: what else it shows, nobody knows. Where something is to be
    blurred and nothing is, there is no video: somebody might give it away.
    """
    blur = drawing.options.blur
    blurred = blur.among(drawing.annotations.tracks, drawing.selected.shown) if blur else []
    if blur and not blurred:
        return []
    target = drawing.out / annotated_video_name(drawing.name, is_blurred=blur is not None)
    try:
        with unfinished(target) as aside, drawing.open_video() as video, opencv_in_this_thread():
            _write(video, drawing, blurred, aside, progress, cancelled)
            aside.replace(target)
    except (av.error.FFmpegError, OSError) as error:
        reason = StorageFault.FULL if isinstance(error, OSError) and is_disk_full(error) else str(error.strerror or "")
        raise StorageError(target.name, "write", reason) from error
    progress(1.0)
    return [PictureFile(target)]


def _write(
    video: Video, drawing: Drawing, blurred: Sequence[Track], path: Path, progress: Progress, cancelled: CancelCheck
) -> None:
    info, matrix = video.info, video.framing.matrix
    size = shown_size(info.width, info.height)
    part = _part(drawing.annotations.segment, info.duration_s)
    hidden = {id(track) for track in blurred}
    blurring = Blurring(blurred)
    clear = [one for one in drawing.selected.shown if id(one.track) not in hidden]
    boxes = Boxes(clear, size, matrix, Typeface(drawing.options.font))
    times = video.frame_times()
    with (
        video.sound(part.start_s) as sound,
        VideoWriter(path, size, rate=info.frame_rate, matrix=matrix, sound=sound) as writer,
    ):
        for frame in video.frames(segment=part):
            if cancelled():
                raise Cancelled
            canvas = Canvas(frame.planar(size))
            blurring.apply(canvas, frame.time_s)
            boxes.draw(canvas, frame.time_s)
            after = int(times.searchsorted(frame.time_s, side="right"))
            ends_s = times.item(after) if after < times.size else info.duration_s
            writer.add(canvas.frame, frame.time_s - part.start_s, ends_s - frame.time_s)
            progress(min((ends_s - part.start_s) / max(part.duration_s, ends_s - part.start_s), 1.0))
        writer.finish(part.duration_s)


def _part(looked_at: Segment | None, duration_s: float) -> Segment:
    """Return the stretch that is written: that which was looked at, or everything where nearly all of it was."""
    whole = Segment(0.0, duration_s)
    if looked_at is None or (looked_at.start_s <= NEARLY_S and looked_at.end_s >= duration_s - NEARLY_S):
        return whole
    return Segment(max(looked_at.start_s, 0.0), min(looked_at.end_s, duration_s))


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the written video in pixels: even, as H.264 wants it, and no larger than a screen."""
    scale = min(1.0, LONGEST_SIDE_PX / max(width, height))
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


KINDS.register(
    PictureKind(
        key="video",
        title="video with boxes",
        description="the whole video with a box around each object",
        draw=draw_video,
        owns=lambda rest: rest in VIDEO_ENDINGS,
        cost=8.0,
    )
)
