"""
Label Studio: a folder with `tasks.json`, a task with a video and its predicted rectangles, and `config.xml` for the project.

Label Studio has no frames of the file but counts, from 1, the steps of a constant rate (labelstud.io/tags/video: `frameRate`;
its frame n is what the player shows at (n - 1) / rate). So a box's frame is that of its time, at the rate that the task says
in `fps`: the video's own where its rate is constant, and for other videos the rate of its closest frames, at which each of
them has a step of its own. Boxes are percent of the upright picture, cut at its edge. Between two of a sequence Label Studio
draws a straight line; where an object is not there, `enabled` is false.

The video is at the address that is told as `video`, by default where Label Studio's local files would serve it.
"""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr  # only for writing

import numpy as np
import orjson

from tracking.errors import OptionError
from tracking.formats.base import FORMATS, Exported, ExportFormat, Files, Footage, plain_label
from tracking.model import Track

MAX_RATE_HZ = 120.0
ROUNDING = 0.01  # steps by which times and rates may be off
CLOSE_SHARE = 5  # percent of the gaps that may be shorter than a step
LOCAL_FILES = "/data/local-files/?d="

Json = Any


def write(exported: Exported) -> Files:
    """Yield the configuration, then the task. Raises `OptionError` for an address that is none."""
    footage = exported.footage
    rate = frame_rate(footage)
    # As Python objects the sequences of an hour would take gigabytes.
    results = [
        orjson.Fragment(orjson.dumps(result))
        for track in exported.annotations.tracks
        if (result := _result(track, exported, rate))
    ]
    task = {
        "data": {"video": _address(exported), "fps": rate, "name": footage.name},
        "predictions": [{"model_version": "tracklet", "result": results}],
    }
    yield "config.xml", _config(exported.labels())
    yield "tasks.json", orjson.dumps([task], option=orjson.OPT_APPEND_NEWLINE)


def frame_rate(footage: Footage) -> float:
    """Return the steps a second by which frames are numbered."""
    times, rate = footage.frame_times, footage.info.frame_rate
    if times.size < 2 or rate <= 0:
        return 1.0
    if np.abs(times - np.arange(times.size) / rate).max() < 0.5 / rate:
        return round(rate, 6)
    gaps = np.diff(times)
    return round(min(MAX_RATE_HZ, 1 / max(float(np.percentile(gaps, CLOSE_SHARE)), 1 / MAX_RATE_HZ)), 3)


def _address(exported: Exported) -> str:
    told = exported.told.get("video", LOCAL_FILES + quote(exported.footage.name))
    if not isinstance(told, str) or not told.startswith(("https://", "http://", "/", "s3://", "gs://", "azure-blob://")):
        raise OptionError("about", str(told), "video is an address, such as https://example.org/clip.mp4")
    return told


def _result(track: Track, exported: Exported, rate: float) -> Json:
    """Return a track's region, None where nothing of it is ever in the picture."""
    footage = exported.footage
    seen = exported.on_frames(track)
    inside = seen.inside()
    if not inside.frames.size:
        return None
    boxes = dict(zip(inside.frames.tolist(), (inside.boxes * 100).tolist(), strict=True))
    sequence: dict[int, Json] = {}
    latest: list[float] | None = None
    for frame in seen.frames.tolist():
        latest = boxes.get(frame, latest)
        if latest is None:
            continue
        left, top, right, bottom = latest
        time_s = float(footage.frame_times[frame])
        step = math.floor(time_s * rate + 0.5) + 1
        sequence.setdefault(
            step,
            {
                "frame": step,
                "time": round(time_s, 6),
                "enabled": frame in boxes,
                "rotation": 0,
                "x": round(left, 4),
                "y": round(top, 4),
                "width": round(right - left, 4),
                "height": round(bottom - top, 4),
            },
        )
    rows = list(sequence.values())
    rows[-1]["enabled"] = False  # what is behind is not there
    return {
        "id": f"track-{track.track_id}",
        "type": "videorectangle",
        "from_name": "box",
        "to_name": "video",
        "score": round(track.confidence, 4),
        "value": {
            "framesCount": max(math.ceil(footage.info.duration_s * rate - ROUNDING), rows[-1]["frame"]),
            "duration": round(footage.info.duration_s, 6),
            "labels": [plain_label(track)],
            "sequence": rows,
        },
    }


def _config(labels: list[str]) -> bytes:
    """Return the project's labelling interface."""
    named = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in labels)
    return (
        '<View>\n  <Video name="video" value="$video" frameRate="$fps"/>\n  <VideoRectangle name="box" toName="video"/>\n'
        f'  <Labels name="labels" toName="video">\n{named}  </Labels>\n</View>\n'
    ).encode()


FORMATS.register(
    ExportFormat(
        key="label-studio",
        title="Label Studio",
        description="a folder with a task of video rectangles, and the project's configuration",
        suffix=".label-studio",
        write=write,
    )
)
