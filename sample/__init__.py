"""
The sample clip: a street and a park, drawn by our own code on first use: something to track without a download.

A detector trained on photographs may see nothing in a drawing; the camera is fixed, so the motion engine follows everything.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from sample import story
from sample.scenery import HEIGHT, WIDTH
from tracking.atomic import UNFINISHED
from tracking.model import Annotations
from tracking.mp4_tables import TooManyBoxesError, read_claims

SAMPLE_NAME = "sample-street.mp4"
CONSTANT_RATE_FACTOR = 18  # the clip takes under 1 MB and shows no blocks
NOTE = "Drawn by Tracklet, to try it with"
BT709 = 1  # the matrix's number in ITU-T H.273


def sample_clip(folder: Path) -> Path:
    """
    Return the sample clip in `folder`, drawn if it is not there yet: 640 × 360, 13.5 s, 20 frames a second, H.264, two shots.

    Takes some seconds the first time. The file appears whole or not at all, also when several processes ask at once.
    """
    path = folder / SAMPLE_NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=UNFINISHED) as workplace:
            drawn = Path(workplace) / SAMPLE_NAME
            _encode(drawn)
            drawn.replace(path)
    return path


def is_sample(video: Path) -> bool:
    """Tell whether a video is the sample clip, by its comment tag; False for what cannot be opened."""
    options = {"protocol_whitelist": "file"}
    try:
        if read_claims(video).unbacked:
            return False
        with av.open(f"file:{video}", format="mp4", metadata_errors="replace", container_options=options) as container:
            return container.metadata.get("comment") == NOTE
    except (av.error.FFmpegError, TooManyBoxesError, OSError, ValueError):
        return False


def sample_truth() -> Annotations:
    """Return the ground truth of the sample clip as annotations; boxes are clipped to the picture."""
    return story.truth()


def _encode(path: Path) -> None:
    with av.open(str(path), "w", format="mp4", container_options={"movflags": "faststart"}) as container:
        container.metadata["comment"] = NOTE
        options = {"preset": "veryfast", "crf": str(CONSTANT_RATE_FACTOR)}
        stream = container.add_stream("libx264", rate=Fraction(story.FRAME_RATE_HZ), options=options)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context.gop_size = 2 * story.FRAME_RATE_HZ
        context.thread_count = 2  # a fixed number, for the same bytes on every machine
        context.color_primaries, context.color_trc, context.colorspace = ColorPrimaries.BT709, ColorTrc.BT709, BT709
        context.color_range = ColorRange.MPEG
        for number in range(round(story.DURATION_S * story.FRAME_RATE_HZ)):
            picture = av.VideoFrame.from_ndarray(story.draw_frame(number), "bgr24")
            frame = picture.reformat(
                format="yuv420p", dst_colorspace=BT709, src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG
            )
            frame.pts, frame.time_base = number, Fraction(1, story.FRAME_RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
