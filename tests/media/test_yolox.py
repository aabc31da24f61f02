"""The detector: any export of the family, boxes where the objects are, and nothing else taken for a network."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.shared_data import shared_data
from tests.tiny_yolox import tiny_yolox
from tracking.errors import ModelError
from tracking.local import coco
from tracking.local.detectors.yolox import YoloxDetector
from tracking.local.network import Network, open_detector
from tracking.video.file import Video


def picture(*patches: tuple[int, int, tuple[int, int, int]], size: tuple[int, int] = (64, 64)) -> NDArray[np.uint8]:
    """A grey picture (BGR) with 16 x 16 patches at x, y."""
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    for x, y, colour in patches:
        pixels[y : y + 16, x : x + 16] = colour
    return pixels


RED, GREEN = (20, 20, 220), (20, 220, 20)


@pytest.mark.parametrize("export", [{}, {"decoded": True}])
def test_boxes_lie_on_the_objects_whether_coordinates_come_raw_or_decoded(export: dict[str, Any], tmp_path: Path) -> None:
    detector = YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx", **export)), labels=("red", "green"))
    found = detector.detect(picture((12, 12, RED), (36, 28, GREEN)))
    order = np.argsort(found.classes)
    assert [detector.labels[c] for c in found.classes[order]] == ["red", "green"]
    for box, (x, y) in zip(found.boxes[order] * 64, ((12, 12), (36, 28)), strict=True):
        assert box == pytest.approx([x, y, x + 16, y + 16], abs=0.1)


def test_one_object_comes_once_although_several_cells_see_it(tmp_path: Path) -> None:
    detector = YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx", box=(40, 40))), labels=("red", "green"))
    pixels = picture((12, 12, RED), (20, 12, RED))
    assert len(detector.detect(pixels)) == 1


def test_of_two_classes_on_one_object_the_surer_one_stays(tmp_path: Path) -> None:
    detector = YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx", box=(40, 40))), labels=("red", "green"))
    pixels = picture((12, 12, RED), (12, 20, GREEN))
    pixels[20:24, 12:28] = RED
    found = detector.detect(pixels)
    assert [detector.labels[c] for c in found.classes] == ["red"]


@pytest.mark.parametrize("size", [(128, 64), (64, 128), (640, 360), (1, 1), (32, 32)])
def test_a_picture_of_any_shape_keeps_its_proportions(size: tuple[int, int], tmp_path: Path) -> None:
    detector = YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx")), labels=("red", "green"))
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    pixels[: max(1, size[1] // 2), : max(1, size[0] // 2)] = RED
    found = detector.detect(pixels)
    assert len(found) >= 1
    assert found.boxes[0][0] < 0.6
    assert found.boxes[0][1] < 0.6


def test_an_export_that_leaves_its_size_open_gets_the_usual_one(tmp_path: Path) -> None:
    detector = YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx", side=416, open_size=True)), labels=("red", "green"))
    assert detector.picture_size(1280, 720) == (416, 234)


@pytest.mark.parametrize(
    ("classes", "names", "given_labels", "first"),
    [
        (2, "", None, "class 0"),
        (2, "['rot', 'gruen']", None, "rot"),
        (2, "{0: 'rot', 1: 'gruen'}", None, "rot"),
        (2, "__import__('os')", None, "class 0"),
        (2, "['one']", None, "class 0"),
        (2, "{0: 'rot', 'one': 'gruen'}", None, "class 0"),
        (2, "{[]: 'rot'}", None, "class 0"),
        (2, "['rot', 'gruen']", ("a", "b"), "a"),
        (80, "", None, "person"),
    ],
)
def test_class_names_are_given_or_in_the_file_or_coco_s(
    classes: int, names: str, given_labels: tuple[str, ...] | None, first: str, tmp_path: Path
) -> None:
    model = tiny_yolox(tmp_path / "m.onnx", classes=classes, names=names)
    assert YoloxDetector(Network(model), labels=given_labels).labels[0] == first


def test_a_file_that_is_no_such_network_is_refused_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    cases = {"missing": tmp_path / "nowhere.onnx", "unreadable": tmp_path / "text.onnx"}
    for problem, path in cases.items():
        with pytest.raises(ModelError) as caught:
            open_detector(path)
        assert caught.value.problem == problem
    with pytest.raises(ModelError) as caught:
        YoloxDetector(Network(tiny_yolox(tmp_path / "m.onnx")), labels=("only one",))
    assert caught.value.problem == "shape"


def test_loading_a_network_leaves_no_report_for_its_runtime_s_maker(tmp_path: Path) -> None:
    model = tiny_yolox(tmp_path / "m.onnx")
    (tmp_path / "home").mkdir()
    load = "import sys, pathlib; from tracking.local.network import open_detector; open_detector(pathlib.Path(sys.argv[1]))"
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home/.cache")}
    subprocess.run([sys.executable, "-c", load, str(model)], env=clean | home, check=True)
    assert not list((tmp_path / "home").rglob("*"))


def test_coco_has_its_80_names_once_each() -> None:
    assert len(set(coco.LABELS)) == 80
    assert set(coco.ENTITY_IDS) <= set(coco.LABELS)


def test_the_real_network_sees_the_horses() -> None:
    detector = open_detector(shared_data("models/yolox_nano.onnx"))
    with Video(shared_data("videos/horses.mp4")) as video:
        frame = next(iter(video.frames()))
        found = detector.detect(frame.pixels(detector.picture_size(video.info.width, video.info.height), order="bgr"))
    sure = [detector.labels[c] for c, score in zip(found.classes, found.scores, strict=True) if score > 0.5]
    assert sure.count("horse") >= 3
