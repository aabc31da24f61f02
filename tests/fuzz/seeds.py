"""
What the fuzz begins with: small good files in every container and codec that we can draw, good annotation files, good words.

Videos are drawn once and kept in a folder outside of the repository.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.clips import Clip, crossing_scene, draw_clip
from tests.torture.recordings import Recipe, Recording, record
from tracking.formats import video_intelligence
from tracking.formats.base import FORMATS, Exported, Footage
from tracking.model import Annotations, EngineWarning, Segment, Track
from tracking.video.file import VideoInfo

Json = Any
SIZE = (64, 48)


def video_seeds(folder: Path) -> list[bytes]:
    """The bytes of each video; those that are not in `folder` yet are drawn into it."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, dict[str, Any]] = {
        "plain.mp4": {},
        "b-frames.mp4": {"b_frames": 3, "gop": 5, "fps": Fraction(30000, 1001)},
        "late.mp4": {"start_offset_s": 2.0, "b_frames": 2},
        "sound.mp4": {"audio": True},
        "turned.mov": {"rotation": 90},
        "hevc.mp4": {"codec": "libx265", "b_frames": 2},
        "ten-bit.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le", "colour": "bt2020-pq"},
        "plain.mkv": {"b_frames": 2},
        "vp9.mkv": {"codec": "libvpx-vp9"},
        "av1.mkv": {"codec": "libsvtav1"},
        "ffv1.mkv": {"codec": "ffv1"},
        "vp8.webm": {"codec": "libvpx", "audio": True},
        "live.webm": {"codec": "libvpx-vp9", "live": True},
        "av1.mp4": {"codec": "libsvtav1"},
        "b-frames.avi": {"b_frames": 2},
        "mpeg4.avi": {"codec": "mpeg4"},
        "plain.ts": {"b_frames": 2, "gop": 7},
        "hevc.ts": {"codec": "libx265"},
    }
    for name, how in drawn.items():
        if not (folder / name).exists():
            _whole(folder / name, lambda path, how=how: draw_clip(path, crossing_scene(1.0), size=SIZE, duration_s=1.0, **how))
    for name, source, format_name, options in (
        ("mpeg4.mp4", "mpeg4.avi", "mp4", {}),
        ("fragments.mp4", "plain.mp4", "mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ("fragments-each.mp4", "mpeg4.mp4", "mp4", {"movflags": "frag_every_frame+empty_moov"}),
        ("plain.flv", "plain.mp4", "flv", {}),
        ("plain.3gp", "mpeg4.mp4", "3gp", {}),
        ("plain.nut", "mpeg4.avi", "nut", {}),
        ("plain.asf", "mpeg4.avi", "asf", {}),
        ("plain.h264", "plain.mp4", "h264", {}),
    ):
        if not (folder / name).exists():
            _whole(folder / name, lambda path, a=(folder / source, format_name, options): _rewrapped(path, *a))
    with tempfile.TemporaryDirectory() as made:
        for recipe in (
            Recipe("mpg", "mpeg2video", b_frames=2, gop=6, count=20),
            Recipe("vob", "libx264", b_frames=2, gop=20, count=20),
            Recipe("mxf", "mpeg2video", b_frames=2, gop=6, count=20),
            Recipe("dav", "libx264", b_frames=2, count=20),
            Recipe("mpjpeg", "mjpeg", count=10),
            Recipe("ts", "libx264", b_frames=2, gop=6, count=20, change="joined"),
        ):
            if not (folder / recipe.name).exists():
                _whole(folder / recipe.name, lambda _, recipe=recipe: record(recipe, Path(made)))
    return [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]


def _whole(path: Path, make: Any) -> None:
    """A file under its name is whole, also when several processes draw."""
    aside = path.with_name(f".{path.name}")
    aside.mkdir(exist_ok=True)
    made = make(aside / path.name)
    shutil.move(made.path if isinstance(made, Clip | Recording) else made, path)
    aside.rmdir()


def _rewrapped(path: Path, source: Path, format_name: str, options: dict[str, str]) -> Path:
    """The packets of `source` in another container."""
    with av.open(str(source)) as given, av.open(str(path), "w", format=format_name, container_options=options) as made:
        stream = given.streams.video[0]
        copied = made.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                made.mux(packet)
    return path


FOOTAGE = Footage(
    "clip.mp4", VideoInfo(*SIZE, 2.0, 10.0, "h264", 0, mirrored=False, frame_count=20, size_bytes=1), np.arange(20) / 10
)


def track_seeds() -> dict[str, bytes]:
    """A good file of each format that can be read, by its key, of `FOOTAGE`."""
    exported = Exported(video_intelligence.read(annotation_seeds()[0]), FOOTAGE)
    contents = {key: each.write(exported) for key, each in FORMATS.items() if each.read}
    return {key: content if isinstance(content, bytes) else next(content)[1] for key, content in contents.items()}


def annotation_seeds() -> list[bytes]:
    """Annotation files in each of their forms."""
    generator = np.random.default_rng(0)

    def track(number: int, count: int) -> Track:
        boxes = np.sort(generator.uniform(-0.2, 1.2, (count, 2, 2)), axis=1).reshape(count, 4).astype(np.float32)
        return Track(number, ("person", "car", 'é"\\🙂')[number % 3], 0.9, np.arange(count) / 10, boxes, "/m/01g317", "en-US")

    tracks = tuple(track(number, 4 * number + 1) for number in range(5))
    ours = video_intelligence.write(
        Annotations(tracks, (Segment(0, 1), Segment(1, 2)), "/b/c.mp4", Segment(0, 2), (EngineWarning(3, "a part"),))
    )
    rest_result = {
        "inputUri": "/bucket/clip.mp4",
        "segment": {"startTimeOffset": "0s", "endTimeOffset": "10.366666s"},
        "shotAnnotations": [{"startTimeOffset": "0s", "endTimeOffset": "4.1s"}],
        "objectAnnotations": [
            {
                "entity": {"entityId": "/m/0k4j", "description": "car", "languageCode": "en-US"},
                "confidence": 0.9,
                "frames": [
                    {"normalizedBoundingBox": {"left": 0.1, "top": 0.2, "right": 0.3, "bottom": 1}, "timeOffset": f"{n}.1s"}
                    for n in range(12)
                ],
                "segment": {"startTimeOffset": "0.100495s", "endTimeOffset": "11.1s"},
            }
        ],
    }
    streamed = [
        {"trackId": str(n % 2), "confidence": 0.5, "frames": [{"normalizedBoundingBox": {"right": 1}, "timeOffset": f"{n}s"}]}
        for n in range(8)
    ]
    documents: list[Json] = [
        {"annotationResults": [rest_result]},
        {"name": "operations/1", "metadata": {}, "done": True, "response": {"@type": "x", "annotationResults": [rest_result]}},
        {"annotation_results": [{"objectAnnotations": streamed}, {"error": {"code": 3, "message": "no"}}]},
    ]
    return [ours, *(json.dumps(document, indent=indent).encode() for document in documents for indent in (None, 1))]


COMMANDS = (
    "https://example.org/clip.mp4 only people and cars from 0:10 to 1:30 above 80%",
    "<https://example.org/a%20b.mp4|a b.mp4> at least 20 frames with yolox",
    "gs://bucket/path/clip.mp4 only dogs and cats from 0:03 to 0:09",
    "<@UBOT> track this above 0.5 &lt;now&gt; with motion",
    "watch gs://bucket/prefix",
    "cancel #12",
    "auto on",
    "http://[::1]:80/x.mov \u202egpj.4pm \u0000",
    "https://acme.slack.com/files/U1/F012345/clip.mp4",
)

MESSAGES: tuple[Json, ...] = (
    {
        "team_id": "T1",
        "event": {
            "type": "message",
            "subtype": "file_share",
            "user": "U1",
            "channel": "C1",
            "ts": "1.2",
            "text": "<@UBOT> look, only dogs <https://example.org/clip.mp4>",
            "files": [
                {"id": "F0123", "name": "clip.mp4", "mimetype": "video/mp4"},
                {"id": "F0124", "file_access": "check_file_info"},
            ],
        },
    },
    {
        "team_id": "T1",
        "event": {"type": "app_mention", "user": "U1", "channel": "D1", "ts": "1.3", "thread_ts": "1.2", "text": "cars"},
    },
)

_OBJECT = {"bucket": "a-bucket", "name": "a/clip.mp4", "generation": "17", "size": "12", "contentType": "video/mp4"}
_FINALIZED = "google.cloud.storage.object.v1.finalized"
_PUSH = {
    "message": {
        "attributes": {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": "a-bucket",
            "objectId": "a.mp4",
            "objectGeneration": "7",
            "payloadFormat": "JSON_API_V1",
        },
        "data": "eyJzaXplIjogIjEyIn0=",
        "messageId": "1",
    }
}
EVENTS: tuple[tuple[dict[str, str], Json], ...] = (
    ({"Content-Type": "application/json"}, _PUSH),
    (
        {"Content-Type": "application/cloudevents+json"},
        {"id": "1", "source": "//s", "specversion": "1.0", "type": _FINALIZED, "subject": "objects/a.mp4", "data": _OBJECT},
    ),
    (
        {"ce-id": "1", "ce-source": "//s", "ce-specversion": "1.0", "ce-type": _FINALIZED, "ce-subject": "objects/a%20b.mp4"},
        _OBJECT,
    ),
)
