"""Exports as other people's tools read them, each by its own library: which object, on which frame of the file, and where."""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import motmetrics
import numpy as np
import pytest
import supervision
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

from tests.clips import Clip, crossing_scene, draw_clip, phone_clip, variable_rate_clip
from tests.integration.command import Run
from tracking.formats import video_intelligence
from tracking.formats.base import FORMATS
from tracking.model import Annotations, BoundingBox


class Row(NamedTuple):
    """A box as a tool has it: `frame` is counted from 0, `box` in fractions."""

    label: str
    track: int | None
    frame: int
    box: tuple[float, ...]


Reader = Callable[[Path, Clip], list[Row]]


@contextlib.contextmanager
def with_its_warnings() -> Iterator[None]:
    """Libraries that use what others call deprecated may say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def by_motmetrics(out: Path, clip: Clip) -> list[Row]:
    folder = out / f"{clip.path.name}.mot"
    with with_its_warnings():
        found = motmetrics.io.loadtxt(folder / "gt" / "gt.txt", fmt="mot16", min_confidence=1)
    labels = (folder / "gt" / "labels.txt").read_text().splitlines()
    width, height = clip.size
    return [
        Row(
            labels[int(row.ClassId) - 1],
            track - 1,
            frame - 1,
            (row.X / width, row.Y / height, (row.X + row.Width) / width, (row.Y + row.Height) / height),
        )
        for (frame, track), row in found.iterrows()
    ]


def by_pycocotools(out: Path, clip: Clip) -> list[Row]:
    found = COCO(str(out / f"{clip.path.name}.coco.json"))
    rows = []
    for image in found.loadImgs(found.getImgIds()):
        assert (image["width"], image["height"]) == clip.size
        for each in found.loadAnns(found.getAnnIds(imgIds=[image["id"]])):
            (category,) = found.loadCats([each["category_id"]])
            left, top, width, height = each["bbox"]
            box = (left / clip.size[0], top / clip.size[1], (left + width) / clip.size[0], (top + height) / clip.size[1])
            rows.append(Row(category["name"], each["track_id"], image["frame_index"], box))
    return rows


def by_supervision(out: Path, clip: Clip) -> list[Row]:
    folder = out / f"{clip.path.name}.yolo"
    found = supervision.DetectionDataset.from_yolo(
        images_directory_path=str(folder / "images"),
        annotations_directory_path=str(folder / "labels"),
        data_yaml_path=str(folder / "data.yaml"),
    )
    rows = []
    for path, picture, detections in found:
        assert (picture.shape[1], picture.shape[0]) == clip.size
        frame = int(Path(path).stem.rpartition(".")[2])
        assert detections.class_id is not None
        for box, kind in zip(detections.xyxy / [*clip.size, *clip.size], detections.class_id, strict=True):
            rows.append(Row(found.classes[kind], None, frame, tuple(box)))
    return rows


def by_datumaro(out: Path, clip: Clip) -> list[Row]:
    with with_its_warnings():
        import datumaro

        found = datumaro.Dataset.import_from(str(out), "cvat")
    labels = found.categories()[datumaro.AnnotationType.label]
    width, height = clip.size
    return [
        Row(
            labels[box.label].name,
            box.attributes["track_id"],
            item.attributes["frame"],
            (box.points[0] / width, box.points[1] / height, box.points[2] / width, box.points[3] / height),
        )
        for item in found
        for box in item.annotations
        if not box.attributes["outside"]
    ]


def by_label_studio(out: Path, clip: Clip) -> list[Row]:
    with with_its_warnings():
        from label_studio_sdk._extensions.label_studio_tools.postprocessing.video import extract_key_frames
        from label_studio_sdk.label_interface import LabelInterface
    folder = out / f"{clip.path.name}.label-studio"
    (task,) = json.loads((folder / "tasks.json").read_text())
    interface = LabelInterface((folder / "config.xml").read_text())
    assert interface.is_video_object_tracking()
    (prediction,) = task["predictions"]
    assert interface.validate_prediction(prediction)
    times = np.array(clip.times_s)
    rows = []
    for region in extract_key_frames(prediction["result"]):
        steps = clip.duration_s * task["data"]["fps"]
        assert steps - 0.01 <= region["value"]["framesCount"] <= steps + 1
        if clip.path.stem != "variable-rate":
            assert region["value"]["framesCount"] == len(clip.times_s)
        key_frames = {key["frame"]: key["time"] for key in region["value"]["sequence"] if not key.get("auto")}
        for step in region["value"]["sequence"]:
            if step["frame"] in key_frames:
                # The player shows at this step what was last shown by its time.
                frame = int(np.searchsorted(times, (step["frame"] - 1) / task["data"]["fps"] + 0.004, side="right")) - 1
                left, top, width, height = (step[side] / 100 for side in ("x", "y", "width", "height"))
                track = int(region["id"].removeprefix("track-"))
                rows.append(Row(region["value"]["labels"][0], track, frame, (left, top, left + width, top + height)))
    return rows


READERS: dict[str, Reader] = {
    "mot": by_motmetrics,
    "coco": by_pycocotools,
    "yolo": by_supervision,
    "cvat": by_datumaro,
    "label-studio": by_label_studio,
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "constant": draw_clip(folder / "constant.mp4", b_frames=2),
        "rotated": phone_clip(folder, rotation=90),
        "variable": variable_rate_clip(folder),
        "late": draw_clip(folder / "late.mkv", crossing_scene(1.0), duration_s=1.0, fps=30000 / 1001, start_offset_s=1.5),
    }


CLIPS = ("constant", "rotated", "variable", "late")


def exported(run: Run, clip: Clip, key: str, out: Path, *options: object) -> None:
    annotations = out.parent / "annotations.json"
    annotations.write_bytes(video_intelligence.write(clip.annotations()))
    status, _, err = run("export", clip.path, annotations, "--format", key, "--out", out, *options)
    assert status == 0, err


def decoded(path: Path) -> list[NDArray[Any]]:
    """All frames of a file as OpenCV, hence most tools, gives them one after the other."""
    video = cv2.VideoCapture(str(path))
    frames: list[NDArray[Any]] = []
    while True:
        there, picture = video.read()
        if not there:
            return frames
        frames.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def centre(picture: NDArray[Any], colour: tuple[int, int, int]) -> tuple[float, float]:
    """Where the pixels of a colour are, as fractions."""
    near = np.abs(picture.astype(int) - colour).max(axis=2) < 60
    rows, columns = np.nonzero(near)
    return float((columns.mean() + 0.5) / picture.shape[1]), float((rows.mean() + 0.5) / picture.shape[0])


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("key", READERS)
def test_a_tool_has_every_box_on_the_frame_that_it_shows(
    run: Run, clips: dict[str, Clip], name: str, key: str, tmp_path: Path
) -> None:
    clip = clips[name]
    exported(run, clip, key, tmp_path / "out", *(["--images"] if key == "yolo" else []))
    rows = READERS[key](tmp_path / "out", clip)
    truth = {
        (track.label, number): (track.track_id, box)
        for track in clip.annotations().tracks
        for number, box in enumerate(track.boxes.tolist())
    }
    assert {(row.label, row.frame) for row in rows} == set(truth)
    assert len(rows) == len(truth)
    for row in rows:
        track, box = truth[row.label, row.frame]
        assert row.track in (track, None)
        assert row.box == pytest.approx(box, abs=1e-4)
    pictures = decoded(clip.path)
    assert len(pictures) == len(clip.times_s)
    for row in rows:
        if row.label == "red":
            box = BoundingBox(*row.box)
            there = centre(pictures[row.frame], clip.colour("red"))
            assert there == pytest.approx(((box.left + box.right) / 2, (box.top + box.bottom) / 2), abs=0.012)


def test_pictures_are_those_of_their_names(run: Run, clips: dict[str, Clip], tmp_path: Path) -> None:
    clip = clips["variable"]
    exported(run, clip, "yolo", tmp_path / "out", "--images")
    pictures = sorted((tmp_path / "out").rglob("*.jpg"))
    assert [int(re.findall(r"\d+", path.stem)[-1]) for path in pictures] == list(range(len(clip.times_s)))
    for path, time_s in zip(pictures, clip.times_s, strict=True):
        picture = np.asarray(Image.open(path))
        box = clip.box("red", time_s)
        assert box
        assert centre(picture, clip.colour("red"))[0] == pytest.approx((box.left + box.right) / 2, abs=0.012)


# The tables of Camtrap DP 1.0.2 (camtrap-dp.tdwg.org/data): fields in their order, "!" for those that must have a value.
TEXTS = {"type": "string"}
FRACTION = {"minimum": 0, "maximum": 1}
COLUMNS: dict[str, dict[str, Any]] = {
    "deployments": {
        "deploymentID!": {"type": "string", "unique": True},
        "locationID": TEXTS,
        "locationName": TEXTS,
        "latitude!": {"type": "number", "minimum": -90, "maximum": 90},
        "longitude!": {"type": "number", "minimum": -180, "maximum": 180},
        "coordinateUncertainty": {"type": "integer", "minimum": 1},
        "deploymentStart!": {"type": "datetime"},
        "deploymentEnd!": {"type": "datetime"},
        "setupBy": TEXTS,
        "cameraID": TEXTS,
        "cameraModel": TEXTS,
        "cameraDelay": {"type": "integer", "minimum": 0},
        "cameraHeight": {"type": "number", "minimum": 0},
        "cameraDepth": {"type": "number", "minimum": 0},
        "cameraTilt": {"type": "integer", "minimum": -90, "maximum": 90},
        "cameraHeading": {"type": "integer", "minimum": 0, "maximum": 360},
        "detectionDistance": {"type": "number", "minimum": 0},
        "timestampIssues": {"type": "boolean"},
        "baitUse": {"type": "boolean"},
        "featureType": TEXTS,
        "habitat": TEXTS,
        "deploymentGroups": TEXTS,
        "deploymentTags": TEXTS,
        "deploymentComments": TEXTS,
    },
    "media": {
        "mediaID!": {"type": "string", "unique": True},
        "deploymentID!": TEXTS,
        "captureMethod": {"type": "string", "enum": ["activityDetection", "timeLapse"]},
        "timestamp!": {"type": "datetime"},
        "filePath!": {"type": "string", "pattern": r"^(?=^[^./~])(^((?!\.{2}).)*$).*$"},
        "filePublic!": {"type": "boolean"},
        "fileName": TEXTS,
        "fileMediatype!": {"type": "string", "pattern": "^(image|video|audio)/.*$"},
        "exifData": {"type": "object"},
        "favorite": {"type": "boolean"},
        "mediaComments": TEXTS,
    },
    "observations": {
        "observationID!": {"type": "string", "unique": True},
        "deploymentID!": TEXTS,
        "mediaID": TEXTS,
        "eventID": TEXTS,
        "eventStart!": {"type": "datetime"},
        "eventEnd!": {"type": "datetime"},
        "observationLevel!": {"type": "string", "enum": ["media", "event"]},
        "observationType!": {
            "type": "string",
            "enum": ["animal", "human", "vehicle", "blank", "unknown", "unclassified"],
        },
        "cameraSetupType": {"type": "string", "enum": ["setup", "calibration"]},
        "scientificName": TEXTS,
        "count": {"type": "integer", "minimum": 1},
        "lifeStage": TEXTS,
        "sex": TEXTS,
        "behavior": TEXTS,
        "individualID": TEXTS,
        "individualPositionRadius": {"type": "number", "minimum": 0},
        "individualPositionAngle": {"type": "number", "minimum": -90, "maximum": 90},
        "individualSpeed": {"type": "number", "minimum": 0},
        "bboxX": {"type": "number", **FRACTION},
        "bboxY": {"type": "number", **FRACTION},
        "bboxWidth": {"type": "number", "minimum": 1e-15, "maximum": 1},
        "bboxHeight": {"type": "number", "minimum": 1e-15, "maximum": 1},
        "classificationMethod": {"type": "string", "enum": ["human", "machine"]},
        "classifiedBy": TEXTS,
        "classificationTimestamp": {"type": "datetime"},
        "classificationProbability": {"type": "number", **FRACTION},
        "observationTags": TEXTS,
        "observationComments": TEXTS,
    },
}
KEYS = {"deployments": "deploymentID", "media": "mediaID", "observations": "observationID"}
LINKS = {"media": ("deployments",), "observations": ("deployments", "media")}

ABOUT = """
[camtrap-dp]
latitude = 52.70442
longitude = 23.84995
timestamp = 2026-05-01T04:10:00+02:00
deploymentID = "camera 3"
deploymentStart = 2026-04-30T10:00:00+02:00
deploymentEnd = 2026-06-01T00:00:00+02:00
cameraModel = "Reconyx-PC800"
cameraHeight = 1.2
baitUse = false
taxa = { red = "Vulpes vulpes" }
"""


def table_schema(name: str) -> dict[str, Any]:
    fields = []
    for key, column in COLUMNS[name].items():
        rules = {rule: value for rule, value in column.items() if rule != "type"}
        field = {"name": key.rstrip("!"), "type": column["type"], "constraints": {"required": key.endswith("!"), **rules}}
        fields.append(field | ({"format": "%Y-%m-%dT%H:%M:%S%z"} if column["type"] == "datetime" else {}))
    links = [{"fields": KEYS[other], "reference": {"resource": other, "fields": KEYS[other]}} for other in LINKS.get(name, ())]
    return {"fields": fields, "primaryKey": KEYS[name], "foreignKeys": links}


def by_frictionless(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables of a package that is valid by the standard, in which the addresses of schemas are followed by hand."""
    import frictionless

    descriptor = json.loads((folder / "datapackage.json").read_text())
    for resource in descriptor["resources"]:
        assert resource["schema"].endswith(f"/{resource['name']}-table-schema.json")
        resource["schema"] = table_schema(resource["name"])
    del descriptor["profile"]  # an address, too
    package = frictionless.Package.from_descriptor(descriptor, basepath=str(folder))
    report = package.validate()
    assert report.valid, report.flatten(["type", "message"])
    return {resource.name: [row.to_dict() for row in resource.read_rows()] for resource in package.resources}


def test_a_camera_trap_package_is_valid_and_says_what_was_told(run: Run, clips: dict[str, Clip], tmp_path: Path) -> None:
    clip = clips["rotated"]
    (tmp_path / "about.toml").write_text(ABOUT)
    exported(run, clip, "camtrap-dp", tmp_path / "out", "--about", tmp_path / "about.toml")
    folder = tmp_path / "out" / f"{clip.path.name}.camtrap-dp"
    tables = by_frictionless(folder)
    ((deployment,), (media,)) = tables["deployments"], tables["media"]
    assert (deployment["deploymentID"], float(deployment["cameraHeight"])) == ("camera 3", 1.2)
    assert media["fileMediatype"] == "video/mp4"
    for row, track in zip(tables["observations"], clip.annotations().tracks, strict=True):
        assert f"label:{track.label}" in row["observationTags"]
        second = float(row["observationTags"].partition("second:")[2])
        box = clip.box(track.label, second)
        assert box
        whole = [float(row[f"bbox{side}"]) for side in ("X", "Y", "Width", "Height")]
        inside = box.clipped()
        assert whole == pytest.approx([inside.left, inside.top, inside.width, inside.height], abs=1e-3)
    assert [(row["observationType"], row["scientificName"]) for row in tables["observations"]] == [
        ("unknown", None),
        ("animal", "Vulpes vulpes"),
        ("unknown", None),
    ]
    package = json.loads((folder / "datapackage.json").read_text())
    assert package["taxonomic"] == [{"scientificName": "Vulpes vulpes"}]
    assert package["temporal"] == {"start": "2026-04-30", "end": "2026-06-01"}
    required = {"profile", "created", "contributors", "resources", "project", "spatial", "temporal", "taxonomic"}
    assert required <= package.keys()


def test_a_video_without_objects_is_a_blank_observation(run: Run, clips: dict[str, Clip], tmp_path: Path) -> None:
    clip = clips["constant"]
    (tmp_path / "a.json").write_bytes(video_intelligence.write(Annotations()))
    (tmp_path / "about.toml").write_text(ABOUT)
    status, _, _ = run(
        *("export", clip.path, tmp_path / "a.json", "--format", "camtrap-dp", "--out", tmp_path / "out"),
        *("--about", tmp_path / "about.toml"),
    )
    assert status == 0
    (row,) = by_frictionless(tmp_path / "out" / "constant.mp4.camtrap-dp")["observations"]
    assert (row["observationType"], row["count"]) == ("blank", None)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (None, "latitude, longitude and timestamp; latitude is missing"),
        ("[camtrap-dp]\nlatitude = 91\nlongitude = 0\ntimestamp = 2026-05-01T04:10:00Z", "a number from -90 to 90"),
        ("[camtrap-dp]\nlatitude = 1\nlongitude = 0\ntimestamp = 2026-05-01T04:10:00", "a time with its zone"),
        (ABOUT + "colour = 'red'", "can't be colour"),
        (ABOUT.replace("timestamp = 2026-05", "timestamp = 2027-05"), "begins within its deployment"),
        (ABOUT.replace("{ red", "{ red = 1, blue"), "scientific names"),
        ("[mot]\nname = 1", "tables of the formats that are written are needed: camtrap-dp"),
        ("no TOML", "a TOML file is needed"),
        ("a = " + "[" * 100_000, "a TOML file is needed"),
    ],
)
def test_what_is_told_of_a_deployment_is_checked_before_anything_is_written(
    run: Run, clips: dict[str, Clip], about: str | None, said: str, tmp_path: Path
) -> None:
    clip = clips["constant"]
    (tmp_path / "a.json").write_bytes(video_intelligence.write(clip.annotations()))
    options: list[object] = []
    if about is not None:
        (tmp_path / "about.toml").write_text(about)
        options = ["--about", tmp_path / "about.toml"]
    command = ("export", clip.path, tmp_path / "a.json", "--format", "csv,camtrap-dp", "--out", tmp_path / "out", *options)
    status, _, err = run(*command)
    assert status == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_two_lines_of_each_format_load_what_was_written(
    run: Run, clips: dict[str, Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    page = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text()
    about = "".join(re.findall(r"^```toml\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    (tmp_path / "about.toml").write_text(about)
    exported(run, clip, ",".join(FORMATS), tmp_path / "out", "--images", "--about", tmp_path / "about.toml")
    (tmp_path / "out" / "cvat-folder").mkdir()
    (tmp_path / "out" / "clip.mp4.cvat.xml").rename(tmp_path / "out" / "cvat-folder" / "clip.mp4.cvat.xml")
    monkeypatch.chdir(tmp_path / "out")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == len(FORMATS) - 1  # the two tables have one
    for block in blocks:
        assert 0 < len([line for line in block.splitlines() if line]) <= 3
        with with_its_warnings():
            exec(block, {})
