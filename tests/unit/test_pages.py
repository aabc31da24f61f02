"""Pages of cells: where they lie, what each of them shows, and whether it can be read where a page is shown small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.colours import LABEL_COLOURS, PAPER
from rendering.fonts import Typeface
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.overlay import Caption
from rendering.pages.captions import CellCaption
from rendering.pages.cells import LARGE_ENOUGH_PX, View, free_corner
from rendering.pages.layout import PAGE_HEIGHT, PAGE_PIXELS, PAGE_WIDTH, THUMBNAIL_PX, layout_of
from rendering.pages.summary import page_layout
from rendering.selection import Selection, select
from tracking.model import Annotations, BoundingBox, Track

TYPEFACE = Typeface()
LEAST_LETTER_PX = 9

FRAMES = [(1, 1), (160, 120), (640, 360), (1920, 1080), (1080, 1920), (4000, 100), (100, 4000)]
PERSON, CAR, SPECK = BoundingBox(0.4, 0.3, 0.45, 0.5), BoundingBox(0.1, 0.7, 0.3, 0.85), BoundingBox(0.98, 0.01, 0.983, 0.015)


@st.composite
def boxes_inside(draw: st.DrawFn) -> BoundingBox:
    """A box in the picture, also at its edge, of any size."""
    left, top = draw(st.floats(0, 0.99)), draw(st.floats(0, 0.99))
    return BoundingBox(left, top, draw(st.floats(left + 0.005, 1.0)), draw(st.floats(top + 0.005, 1.0)))


@given(
    sections=st.lists(st.tuples(st.integers(1, 24), st.booleans()), min_size=1, max_size=8).filter(
        lambda sections: sum(count for count, _ in sections) <= 24
    ),
    frame=st.sampled_from(FRAMES),
    kinds=st.lists(boxes_inside(), min_size=1, max_size=4),
    captions=st.integers(1, 2),
)
def test_every_page_is_bounded_and_nothing_lies_over_anything_else(
    sections: list[tuple[int, bool]], frame: tuple[int, int], kinds: list[BoundingBox], captions: int
) -> None:
    counts, headed = [count for count, _ in sections], [heading for _, heading in sections]
    boxes = [kinds[place % len(kinds)] for place in range(sum(counts))]
    layout = layout_of(boxes, counts, frame, headed=headed, has_header=captions == 2, captions=captions)
    assert layout.size[0] <= PAGE_WIDTH
    assert layout.size[1] <= PAGE_HEIGHT
    assert layout.size[0] * layout.size[1] <= PAGE_PIXELS
    assert len(layout.corners) == sum(counts)
    covered = np.zeros((layout.size[1], layout.size[0]), np.int8)
    width, height = layout.picture[0], layout.picture[1] + layout.strip_px
    for x, y in layout.corners:
        assert x + width <= layout.size[0]
        assert y + height <= layout.size[1]
        covered[y : y + height, x : x + width] += 1
    for (x, y, wide), has_heading in zip(layout.headings, headed, strict=True):
        if has_heading:
            assert x + wide <= layout.size[0]
            covered[y : y + layout.heading_px, x : x + wide] += 1
    assert covered.max() == 1


def test_what_stands_still_is_below_a_heading_where_the_caller_has_a_word_for_it() -> None:
    times, tracks = np.arange(30) / 10, []
    for number in range(9):
        left = 0.1 * number + (np.linspace(0, 0.5, 30) if number < 4 else np.zeros(30))
        boxes = np.stack([left, np.full(30, 0.2), left + 0.08, np.full(30, 0.3)], axis=1).astype(np.float32)
        tracks.append(Track(number, "car", 0.9, times, boxes))
    shown = select(Annotations(tuple(tracks)), Selection(), duration_s=2.9).shown
    with_word, without = (page_layout(shown, (640, 360), standing_still=word) for word in ("parked", ""))
    assert len(with_word.headings) == len(without.headings) == 2
    assert with_word.corners[4][1] - with_word.headings[1][1] == with_word.heading_px
    assert without.corners[4][1] == without.headings[1][1]


@pytest.mark.parametrize("box", [PERSON, CAR, SPECK])
def test_fewer_objects_are_seen_larger(box: BoundingBox) -> None:
    def seen_px(count: int) -> float:
        layout = layout_of([box] * count, [count], (1920, 1080))
        view = View.of(box, (1920, 1080), layout.picture, large_px=LARGE_ENOUGH_PX * layout.scale)
        return view.gain / layout.scale

    sizes = [seen_px(count) for count in (4, 9, 24)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_shape_of_the_cells_suits_the_objects_of_the_page() -> None:
    tall, wide = (layout_of([box] * 24, [24], (1920, 1080)).picture for box in (PERSON, CAR))
    assert tall[0] / tall[1] < wide[0] / wide[1]


@pytest.mark.parametrize("frame", [(1920, 1080), (640, 480), (1080, 1920)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9, 10, 16, 24])
@pytest.mark.parametrize("box", [PERSON, CAR, SPECK])
def test_number_and_label_can_be_read_where_the_page_is_shown_small(
    box: BoundingBox, count: int, frame: tuple[int, int]
) -> None:
    layout = layout_of([box] * count, [count], frame)
    shown = THUMBNAIL_PX / layout.size[0]
    size = layout.picture[0], layout.strip_px
    captions = [
        CellCaption(Caption(number, label, "", LABEL_COLOURS[0]), size, layout.scale, TYPEFACE, lines=layout.lines)
        for number, label in (("24", ""), ("", "H"), ("24", "person"))
    ]
    number, letter, whole = (caption.drawn() for caption in captions)
    digits = number[:, number.shape[1] // 40 :, :]
    is_digit = (digits.max(axis=2) < 60) & (np.cumsum(digits.max(axis=2) > 200, axis=1) > 0)
    within = is_digit[:, : int(np.flatnonzero((digits.max(axis=2) > 200).any(axis=0)).max())]
    rows = np.flatnonzero(within[:, within.shape[1] // 4 : within.shape[1] * 3 // 4].any(axis=1))
    inner = rows[(rows > layout.scale * 2.5) & (rows < layout.scale * 14)]
    assert (inner[-1] - inner[0] + 1) * shown >= LEAST_LETTER_PX - 1 / layout.scale
    assert (letter == PAPER).all(axis=2).any(axis=1).sum() * shown >= LEAST_LETTER_PX - 1 / layout.scale
    assert captions[2].whole_label_px <= layout.picture[0], "the usual label is whole"
    assert (whole == PAPER).all(axis=2).any()


def test_what_does_not_fit_at_that_size_is_left_out() -> None:
    caption = Caption("7", "cat", "93% · 0:01–0:02", LABEL_COLOURS[0])
    narrow, wide = (CellCaption(caption, (width, 64), 4.0, TYPEFACE, lines=1).drawn() for width in (200, 900))
    assert not (narrow[:, 150:] > 100).any()
    assert (wide[:, 500:] > 100).any()


def test_a_brief_caption_tells_the_time_alone() -> None:
    facts = Caption("7", "cat", "93% · 0:01", LABEL_COLOURS[0]), Caption("7", "cat", "0:01", LABEL_COLOURS[0])
    both, time = (CellCaption(caption, (900, 64), 4.0, TYPEFACE, lines=1) for caption in facts)
    assert np.array_equal(both.drawn(is_brief=True), time.drawn())
    assert not np.array_equal(both.drawn(), time.drawn())
    for width in range(150, 900, 50):
        caption = CellCaption(facts[0], (width, 64), 4.0, TYPEFACE, lines=1)
        is_told = not np.array_equal(caption.drawn(), caption.drawn(is_brief=True))
        assert caption.has_room_for_facts() == is_told, width


@given(
    box=boxes_inside(),
    frame=st.sampled_from([(640, 360), (1920, 1080), (1080, 1920), (480, 480)]),
    cell=st.tuples(st.integers(60, 1400), st.integers(60, 1000)),
    large_px=st.floats(40, 160),
)
def test_an_object_is_in_the_middle_of_its_cell_and_fills_it(
    box: BoundingBox, frame: tuple[int, int], cell: tuple[int, int], large_px: float
) -> None:
    view = View.of(box, frame, cell, large_px=large_px)
    centre = (
        ((box.left + box.right) / 2 * frame[0] - view.left) * view.gain / cell[0],
        ((box.top + box.bottom) / 2 * frame[1] - view.top) * view.gain / cell[1],
    )
    assert all(0.25 <= share <= 0.75 for share in centre)
    assert view.gain <= MAX_ENLARGEMENT
    filled = max(box.width * frame[0] * view.gain / cell[0], box.height * frame[1] * view.gain / cell[1])
    assert filled <= 0.91 or view.gain <= min(cell[0] / frame[0], cell[1] / frame[1]) * 1.001
    side = (box.area * frame[0] * frame[1]) ** 0.5 * view.gain
    assert filled >= 0.5 or view.gain == MAX_ENLARGEMENT or side >= large_px * 0.999
    shown = view.cell_of(np.full((frame[1], frame[0], 3), 200, np.uint8))
    assert shown.shape == (cell[1], cell[0], 3)


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0])
def test_a_view_shows_each_pixel_where_its_box_says(scale: float) -> None:
    frame, cell = (800, 600), (300, 400)
    box = BoundingBox(0.01, 0.55, 0.09, 0.75)
    picture = np.zeros((round(600 * scale), round(800 * scale), 3), np.uint8)
    picture[round(330 * scale) : round(450 * scale), round(8 * scale) : round(72 * scale)] = 255
    view = View.of(box, frame, cell, large_px=40.0)
    inside = view.pixels_of(box)
    assert inside is not None
    rows, columns = (np.flatnonzero((view.cell_of(picture)[:, :, 0] > 127).any(axis=axis)) for axis in (1, 0))
    slack = 1 + view.gain / scale / 2
    assert [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] == pytest.approx(inside, abs=slack)


cells = st.tuples(st.integers(50, 400), st.integers(50, 400))


@given(cell=cells, size=st.tuples(st.integers(5, 150), st.integers(5, 150)), box=boxes_inside(), other=boxes_inside())
def test_a_corner_is_free_only_where_nothing_of_the_object_is_hidden(
    cell: tuple[int, int], size: tuple[int, int], box: BoundingBox, other: BoundingBox
) -> None:
    def pixels(one: BoundingBox) -> tuple[int, int, int, int]:
        return int(one.left * cell[0]), int(one.top * cell[1]), int(one.right * cell[0]), int(one.bottom * cell[1])

    place = free_corner(cell, size, pixels(box), [pixels(other)], 4)
    if place is not None:
        left, top, right, bottom = pixels(box)
        x, y = place
        assert 0 <= x <= cell[0] - size[0]
        assert 0 <= y <= cell[1] - size[1]
        assert x >= right + 4 or x + size[0] <= left - 4 or y >= bottom + 4 or y + size[1] <= top - 4


def test_of_two_free_corners_the_one_that_hides_nobody_is_taken() -> None:
    for other, corner in (((0, 0, 30, 30), (70, 70)), ((70, 70, 100, 100), (0, 0))):
        places = [(0, 70, 30, 100), (70, 0, 100, 30), other]
        assert free_corner((100, 100), (30, 30), (45, 45, 55, 55), places, 2) == corner
