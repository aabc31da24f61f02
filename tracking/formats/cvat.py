"""
CVAT for video 1.1: one XML file with a track for each object, which CVAT uploads into a task of the same video.

Frames count from 0 in the order of decoding, as CVAT shows them (PyAV's, docs.cvat.ai, "XML annotation format"); pictures are
upright, as there. Each observation is a key frame, and CVAT draws what is between two of them on a straight line, as Tracklet
does. Behind its last one a track is `outside`. Boxes are cut at the picture's edge, beyond which CVAT has no shapes; while an
object is wholly beyond it, it is outside. An attribute holds the confidence: a task whose labels have none leaves it out.

A file is read by a parser that lets in no document type, hence no entities of its own.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat  # what makes it dangerous, a document type, is refused below
from xml.sax.saxutils import escape, quoteattr  # only for writing

from tracking.errors import AnnotationError
from tracking.formats.base import FORMATS, Exported, ExportFormat, Footage, plain_label
from tracking.formats.foreign import Gathered, Sighting, blocks_of
from tracking.model import Annotations, Track

MAX_DEPTH = 20
MAX_PART_BYTES = 1 << 20  # of one tag with its attributes, or a comment
MAX_TEXT_CHARACTERS = 10_000  # of one element that is read
SIZE_TAGS = ("width", "height")


def write(exported: Exported) -> bytes:
    """Return the XML document."""
    footage = exported.footage
    width, height = footage.size
    labels = "".join(_label(label) for label in exported.labels())
    tracks = [_track(track, exported).encode() for track in exported.annotations.tracks]
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>'
        f"<name>{escape(footage.name)}</name><size>{footage.frame_times.size}</size><mode>interpolation</mode>"
        f"<start_frame>0</start_frame><stop_frame>{footage.frame_times.size - 1}</stop_frame>"
        f"<labels>{labels}</labels>"
        f"<original_size><width>{width}</width><height>{height}</height></original_size>"
        "</task></meta>\n"
    )
    return b"".join([head.encode(), *tracks, b"</annotations>\n"])


def _label(label: str) -> str:
    return (
        f"<label><name>{escape(label)}</name><type>rectangle</type><attributes><attribute><name>confidence</name>"
        "<mutable>False</mutable><input_type>text</input_type><default_value></default_value><values></values>"
        "</attribute></attributes></label>"
    )


def _track(track: Track, exported: Exported) -> str:
    """Return a track's element, "" where nothing of it is ever in the picture."""
    seen = exported.on_frames(track)
    inside = seen.inside()
    if not inside.frames.size:
        return ""
    corners = inside.rectangles(exported.footage.size)
    corners[:, 2:] += corners[:, :2]
    shown = dict(zip(inside.frames.tolist(), corners.tolist(), strict=True))
    confidence = f'<attribute name="confidence">{track.confidence:.4f}</attribute>'
    rows: list[str] = []
    box: list[float] | None = None
    for frame in seen.frames.tolist():
        is_outside = frame not in shown
        if is_outside and box is None:
            continue
        box = shown.get(frame, box)
        assert box is not None
        rows.append(_box(frame, box, confidence, is_outside=is_outside))
    after = int(seen.frames[-1]) + 1
    if after < exported.footage.frame_times.size and box is not None:
        rows.append(_box(after, box, confidence, is_outside=True))
    return f'<track id="{track.track_id}" label={quoteattr(plain_label(track))} source="auto">\n{"".join(rows)}</track>\n'


def _box(frame: int, box: list[float], confidence: str, *, is_outside: bool) -> str:
    left, top, right, bottom = box
    return (
        f'<box frame="{frame}" keyframe="1" outside="{is_outside:d}" occluded="0" xtl="{left:.2f}" ytl="{top:.2f}" '
        f'xbr="{right:.2f}" ybr="{bottom:.2f}" z_order="0">{confidence}</box>\n'
    )


@dataclass(slots=True)
class _Box:
    """A box while its element is read."""

    who: str
    label: str
    frame: float
    edges: tuple[float, float, float, float]
    place: str


@dataclass(slots=True)
class _Reader:
    """What is known of a file while the parser goes through it; `size` are the picture's pixels."""

    gathered: Gathered
    size: list[float]
    parser: expat.XMLParserType
    path: list[str] = field(default_factory=list)
    track: tuple[str, str] | None = None
    is_confidence: bool = False
    box: _Box | None = None
    text: str = ""
    tracks: int = 0
    confidence: float = 1.0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element. Raises `AnnotationError`."""
        if not self.path and tag != "annotations":
            raise AnnotationError(place=self.place, problem="no annotations")
        self.path.append(tag)
        if len(self.path) > MAX_DEPTH:
            raise AnnotationError(place=self.place, problem="too deep")
        self.text = ""
        if tag == "track":
            self.track = (attributes.get("id", f"#{self.tracks}"), attributes.get("label", ""))
            self.tracks, self.confidence = self.tracks + 1, 1.0
        elif tag == "box" and self.track and attributes.get("outside") != "1":
            self.box = self._box(attributes)
        elif tag == "attribute":
            self.is_confidence = self.box is not None and attributes.get("name") == "confidence"

    def end(self, tag: str) -> None:
        """Take the end of an element. Raises `AnnotationError`."""
        self.path.pop()
        if tag == "attribute" and self.is_confidence:
            self.confidence = _share(self.text)
            self.is_confidence = False
        elif tag == "box" and self.box:
            box, self.box = self.box, None
            found = Sighting(box.who, box.label, self.confidence, box.frame, box.edges)
            self.gathered.take(found, box.place, size=(self.size[0], self.size[1]))
        elif tag == "track":
            self.track = None
        elif tag in SIZE_TAGS and self.path[-1:] == ["original_size"]:
            side = _number(self.text, self.place)
            if not 1 <= side <= 1e6:
                raise AnnotationError(place=self.place, problem="out of range")
            self.size[SIZE_TAGS.index(tag)] = side

    def characters(self, text: str) -> None:
        """Take text of the element that is open."""
        self.text = (self.text + text)[:MAX_TEXT_CHARACTERS]

    @property
    def place(self) -> str:
        """Return the line at which the parser is."""
        return f"line {self.parser.CurrentLineNumber}"

    def _box(self, attributes: dict[str, str]) -> _Box:
        assert self.track
        place = self.place
        if not {"frame", "xtl", "ytl", "xbr", "ybr"} <= attributes.keys():
            raise AnnotationError(place=place, problem="no box")
        left, top, right, bottom = (_number(attributes[name], place) for name in ("xtl", "ytl", "xbr", "ybr"))
        return _Box(*self.track, _number(attributes["frame"], place), (left, top, right, bottom), place)


def read(path: Path, footage: Footage) -> Annotations:
    """
    Return the tracks of a file "CVAT for video 1.1": all boxes that are not outside, whether key frames or not.

    Boxes are of pictures of the size that the file says, else of the video's. Raises `AnnotationError`.
    """
    parser = expat.ParserCreate()
    reader = _Reader(Gathered(footage), [float(side) for side in footage.size], parser)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse_document_type
    with _xml_faults():
        read_bytes = 0
        for block in blocks_of(path):
            read_bytes += len(block)
            parser.Parse(block, False)
            if read_bytes - parser.CurrentByteIndex > MAX_PART_BYTES:
                raise AnnotationError(place=reader.place, problem="long line")
        parser.Parse(b"", True)
    return reader.gathered.annotations()


def _refuse_document_type(*_: object) -> None:
    raise AnnotationError(place="file", problem="document type")


@contextlib.contextmanager
def _xml_faults() -> Iterator[None]:
    """Turn the parser's faults into ours."""
    try:
        yield
    except expat.ExpatError as error:
        raise AnnotationError(place=f"line {error.lineno}, column {error.offset + 1}", problem="no XML") from error
    except (LookupError, ValueError) as error:  # an encoding that Python or the parser does not know
        raise AnnotationError(place="file", problem="encoding") from error


def _number(text: str, place: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise AnnotationError(place=place, problem="no number") from error
    if not math.isfinite(number):
        raise AnnotationError(place=place, problem="out of range")
    return number


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        return 1.0
    return share if 0 <= share <= 1 else 1.0


FORMATS.register(
    ExportFormat(
        key="cvat",
        title="CVAT",
        description="tracks for CVAT's video tasks, XML 1.1",
        suffix=".cvat.xml",
        write=write,
        read=read,
    )
)
