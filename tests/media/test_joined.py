"""Recordings joined end to end: what FFmpeg reads counts, evenly; where it reads the first alone, that is told."""

from pathlib import Path

import numpy as np
import pytest

from tests.torture.passes import TOLERANCE_S
from tests.torture.recordings import Recipe, record
from tracking.model import Segment
from tracking.video.file import Video

READ_WHOLE = [
    ("avi", "mpeg4"),
    ("avi", "mjpeg"),
    ("mkv", "libx264"),
    ("webm", "libvpx"),
    ("obu", "libsvtav1"),
    ("m4v", "mpeg4"),
    ("hevc", "libx265"),
    ("mjpeg", "mjpeg"),
    ("dav", "libx264"),
]
FIRST_ALONE = [
    ("mp4", "libx264"),
    ("mov", "mjpeg"),
    ("3gp", "h263"),
    ("flv", "libx264"),
    ("flv", "flv"),
    ("asf", "libx264"),
    ("ivf", "libvpx"),
    ("ivf", "libvpx-vp9"),
    ("nut", "libx264"),
]


def joined(ending: str, codec: str, folder: Path) -> Path:
    """A recording, and another one behind it."""
    first = record(Recipe(ending, codec, gop=10), folder).path.read_bytes()
    other = record(Recipe(ending, codec, gop=10, count=30), folder).path
    other.write_bytes(first + other.read_bytes())
    return other


@pytest.mark.parametrize(("ending", "codec"), READ_WHOLE)
def test_a_recording_that_follows_another_is_shown_behind_it(ending: str, codec: str, tmp_path: Path) -> None:
    with Video(joined(ending, codec, tmp_path)) as video:
        times = [frame.time_s for frame in video.frames()]
        assert times == pytest.approx(np.arange(80) * 0.04, abs=TOLERANCE_S)
        assert video.loss is None


@pytest.mark.parametrize(("ending", "codec"), FIRST_ALONE)
def test_a_recording_that_cannot_be_reached_behind_another_is_told(ending: str, codec: str, tmp_path: Path) -> None:
    with Video(joined(ending, codec, tmp_path)) as video:
        times = [frame.time_s for frame in video.frames()]
        assert times == pytest.approx(np.arange(50) * 0.04, abs=TOLERANCE_S)
        assert video.loss
        assert (video.loss.has_rest, video.loss.is_cut_short, video.loss.frames_lost, video.loss.incomplete) == (
            True,
            False,
            0,
            0,
        )
    with Video(tmp_path / Recipe(ending, codec, gop=10).name) as video:
        assert len(list(video.frames(segment=Segment(0.0, 1.0)))) == 26
        assert video.loss is None  # the rest is not asked for


@pytest.mark.parametrize(("ending", "codec"), FIRST_ALONE)
def test_nothing_follows_a_single_recording(ending: str, codec: str, tmp_path: Path) -> None:
    with Video(record(Recipe(ending, codec, gop=10), tmp_path).path) as video:
        assert len(list(video.frames())) == 50
        assert video.loss is None
