"""The picture that compares two engines, of drawn clips of which the truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import PAPER
from rendering.pages.comparison import COLOUR_A, COLOUR_B, ComparisonPage, Words, page_layout, render_comparison
from rendering.pages.pairing import Finder, Pair, pair
from rendering.selection import Selection
from tests.clips import Clip, Mover, Scene, draw_clip
from tracking.errors import Cancelled
from tracking.model import Annotations

WORDS = Words("One", "Other", {finder: finder.value for finder in Finder}, "not found")
STILL = Mover("box", (90, 90, 90), (0.2, 0.3), ((0.0, 0.5, 0.5),))


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return draw_clip(tmp_path / "clip.mp4", Scene((STILL,)), size=(640, 360))


def drawn(clip: Clip, a: Annotations, b: Annotations) -> tuple[tuple[Pair, ...], list[ComparisonPage]]:
    pairs = pair(a, b, Selection(0.0, 1), duration_s=clip.duration_s)
    return pairs, render_comparison(clip.path, pairs, clip.path.parent / "out", name=clip.path.name, words=WORDS)


def cell_of(page: ComparisonPage, place: int = 0) -> NDArray[np.uint8]:
    with Image.open(page.path) as image:
        pixels = np.asarray(image.convert("RGB"))
    layout = page_layout(page.pairs, (640, 360))
    x, y = layout.corners[place]
    return pixels[y : y + layout.picture[1], x : x + layout.picture[0]]


def near(cell: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a picture has about this colour, as far as JPEG keeps it: (height, width)."""
    close: NDArray[np.bool_] = np.abs(cell.astype(int) - np.array(colour)).max(axis=2) < 40
    return close


def moved(clip: Clip, by: float) -> Annotations:
    truth = clip.track("box")
    boxes = truth.boxes + np.array([by, 0, by, 0], np.float32)
    return Annotations((type(truth)(0, "box", 0.8, truth.times, boxes),))


def test_each_engine_has_its_box_where_it_saw_the_object(clip: Clip) -> None:
    _, (page,) = drawn(clip, clip.annotations(), moved(clip, 0.05))
    cell = cell_of(page)
    width = cell.shape[1]
    lefts = [np.flatnonzero(near(cell, colour).sum(axis=0) > 40).min() for colour in (COLOUR_A, COLOUR_B)]
    rights = [np.flatnonzero(near(cell, colour).sum(axis=0) > 40).max() for colour in (COLOUR_A, COLOUR_B)]
    # The view holds 0.5 of the picture's width or more, and both boxes are 0.2 wide.
    scale = (rights[0] - lefts[0]) / 0.2
    assert scale <= width / 0.3
    assert (lefts[1] - lefts[0]) / scale == pytest.approx(0.05, abs=0.006)
    assert (rights[1] - rights[0]) / scale == pytest.approx(0.05, abs=0.006)


def test_where_both_agree_both_lines_are_seen(clip: Clip) -> None:
    _, (page,) = drawn(clip, clip.annotations(), clip.annotations())
    cell = cell_of(page)
    a, b = near(cell, COLOUR_A).sum(), near(cell, COLOUR_B).sum()
    assert 0.5 < a / b < 2


def test_a_cell_that_shows_a_part_of_the_picture_says_where_that_is_and_hides_no_box(tmp_path: Path) -> None:
    small = Mover("box", (90, 90, 90), (0.05, 0.08), ((0.0, 0.8, 0.3),))
    clip = draw_clip(tmp_path / "clip.mp4", Scene((small,)), size=(640, 360))
    pairs, (page,) = drawn(clip, Annotations((replace(clip.track("box"), confidence=0.9),) * 6), Annotations())
    assert len(pairs) == 6
    cell = cell_of(page)
    white = near(cell, PAPER)
    columns, rows = (
        np.flatnonzero(white.sum(axis=0) > cell.shape[0] / 12),
        np.flatnonzero(white.sum(axis=1) > cell.shape[1] / 12),
    )
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    assert width / height == pytest.approx(16 / 9, rel=0.15), "all of the picture in small"
    inside = cell[rows[0] : rows[-1], columns[0] : columns[-1]]
    mark_rows, mark_columns = np.nonzero(near(inside, COLOUR_A))
    assert mark_columns.mean() / width == pytest.approx(0.8, abs=0.06)
    assert mark_rows.mean() / height == pytest.approx(0.3, abs=0.08)
    outside = near(cell, COLOUR_A)
    outside[rows[0] : rows[-1], columns[0] : columns[-1]] = False
    ys, xs = np.nonzero(outside)
    assert columns[0] > xs.max() or columns[-1] < xs.min() or rows[0] > ys.max() or rows[-1] < ys.min()


def test_what_one_alone_found_has_one_box(clip: Clip) -> None:
    for a, b, present, absent in (
        (clip.annotations(), Annotations(), COLOUR_A, COLOUR_B),
        (Annotations(), clip.annotations(), COLOUR_B, COLOUR_A),
    ):
        pairs, (page,) = drawn(clip, a, b)
        assert len(pairs) == 1
        assert near(cell_of(page), present).sum() > 500
        assert near(cell_of(page), absent).sum() == 0


def test_many_objects_become_pages_of_24(clip: Clip) -> None:
    truth = clip.track("box")
    many = []
    for number in range(30):
        x, y = number % 6 / 6, number // 6 / 5
        boxes = np.tile(np.array([x, y, x + 0.1, y + 0.1], np.float32), (len(truth), 1))
        many.append(type(truth)(number, f"label {number}", 0.9, truth.times, boxes))
    pairs, pages = drawn(clip, Annotations(tuple(many)), Annotations(tuple(many[:10])))
    assert [len(page.pairs) for page in pages] == [24, 6]
    assert [page.path.name for page in pages] == ["clip.mp4.compare.jpeg", "clip.mp4.compare_p2.jpeg"]
    assert [one.finder for one in pairs].count(Finder.BOTH) == 10
    for page in pages:
        with Image.open(page.path) as image:
            assert image.size == (page.width, page.height)


def test_nothing_found_is_no_picture(clip: Clip) -> None:
    assert drawn(clip, Annotations(), Annotations()) == ((), [])
    assert not (clip.path.parent / "out").exists()


@pytest.mark.parametrize("size", [(64, 48), (90, 160), (640, 40), (16, 16)])
def test_small_and_oblong_videos_are_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((STILL,)), size=size)
    _, pages = drawn(clip, clip.annotations(), moved(clip, 0.02))
    assert len(pages) == 1


def test_labels_from_anywhere_stay_in_their_line(clip: Clip) -> None:
    truth = clip.track("box")
    label = "\x1b[31m\n‮" + "very long label " * 300
    pairs, pages = drawn(clip, Annotations((type(truth)(0, label, 0.9, truth.times, truth.boxes),)), Annotations())
    assert (len(pairs), len(pages)) == (1, 1)


def test_a_stop_leaves_no_picture(clip: Clip) -> None:
    pairs = pair(clip.annotations(), clip.annotations(), Selection(0.0, 1))
    with pytest.raises(Cancelled):
        render_comparison(clip.path, pairs, clip.path.parent / "out", name="clip.mp4", words=WORDS, cancelled=lambda: True)
    assert not (clip.path.parent / "out").exists()
