"""Cut-outs: each object alone, at the video's own size, in a file that is named as its GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from rendering.kinds import crops
from rendering.kinds.base import RenderOptions
from rendering.render import Rendered, render
from rendering.selection import Selection
from tests.clips import RED, Clip, Mover, Scene, draw_clip
from tracking.model import Annotations, Track

GREEN = (20, 230, 30)
SCENE = Scene(
    (
        Mover("red", RED, (0.2, 0.25), ((0.0, 0.3, 0.35), (2.0, 0.6, 0.35))),
        Mover("green", GREEN, (0.1, 0.3), ((0.0, 0.75, 0.7), (2.0, 0.4, 0.7))),
    )
)
ALL = RenderOptions(Selection(min_confidence=0.0, min_frames=1))


def rendered(clip: Clip, out: Path, annotations: Annotations | None = None) -> Rendered:
    return render(clip.path, annotations or clip.annotations(), out, name="clip.mp4", options=ALL, make=["crops"])


@pytest.mark.parametrize("rotation", [0, 90, 180])
def test_each_object_fills_its_picture_but_for_a_margin(rotation: Literal[0, 90, 180], tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", SCENE, rotation=rotation)
    result = rendered(clip, tmp_path / "out")
    for shown, picture in zip(result.selected.shown, result.pictures["crops"], strict=True):
        pixels = np.asarray(Image.open(picture.path)).astype(int)
        colour = np.array(RED if shown.track.label == "red" else GREEN)
        is_object = np.abs(pixels - colour).max(axis=2) < 60
        rows, columns = np.flatnonzero(is_object.any(axis=1)), np.flatnonzero(is_object.any(axis=0))
        for found, side in ((rows, pixels.shape[0]), (columns, pixels.shape[1])):
            covered = (found[-1] - found[0] + 1) / side
            assert 0.5 < covered < 0.95
            assert abs((found[0] + found[-1] + 1) / 2 - side / 2) < 0.1 * side


def test_names_are_those_of_the_gifs(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", SCENE)
    result = render(
        clip.path, clip.annotations(), tmp_path / "out", name="clip.mp4", options=ALL, make=["gifs", "crops", "crops"]
    )
    stems = [[picture.path.stem for picture in result.pictures[kind]] for kind in ("crops", "gifs")]
    assert stems[0] == stems[1]
    assert list(result.pictures) == ["crops", "gifs"]
    assert result.pages == ()


def test_more_objects_than_fit_into_memory_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", SCENE)
    track = clip.track("red")
    many = Annotations(tuple(Track(n, f"thing {n}", 0.9, track.times, track.boxes) for n in range(12)))
    together = [picture.path.read_bytes() for picture in rendered(clip, tmp_path / "a", many).pictures["crops"]]
    monkeypatch.setattr(crops, "BATCH_BYTES", 1)
    alone = [picture.path.read_bytes() for picture in rendered(clip, tmp_path / "b", many).pictures["crops"]]
    assert together == alone
    assert len(alone) == 12


def test_an_object_of_a_single_pixel_or_at_the_edge_is_cut_out_too(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", SCENE)
    times = np.array([0.5])
    boxes = [[0.5, 0.5, 0.5005, 0.5005], [-0.2, -0.2, 0.1, 0.1], [0.95, 0.95, 1.4, 1.4], [0.0, 0.0, 1.0, 1.0]]
    odd = Annotations(tuple(Track(n, "thing", 0.9, times, np.array([box], np.float32)) for n, box in enumerate(boxes)))
    result = rendered(clip, tmp_path / "out", odd)
    assert len(result.pictures["crops"]) == 4
    for picture in result.pictures["crops"]:
        with Image.open(picture.path) as opened:
            opened.load()
            assert min(opened.size) >= 1
