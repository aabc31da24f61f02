"""
The object summary: pages of cells, one per object, each a picture of the object where it is seen best.

A cell shows its object, as closely as needed; where in the picture that is, a small locator says, in the caption below or in a
corner of the cell. Which moments are looked at was chosen from the boxes (`selection.py`); of those that are
decoded the best by boxes and sharpness wins. Sizes are pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.naming import summary_name
from rendering.overlay import Caption, name_of
from rendering.pages.captions import CellCaption, draw_heading
from rendering.pages.cells import (
    LARGE_ENOUGH_PX,
    LOCATOR_SHARE,
    NEARLY_WHOLE,
    BestMoment,
    Picture,
    Rectangle,
    ScaledFrame,
    Size,
    View,
    blank,
    box_shown,
    corner_locator,
    draw_line,
    locator,
    locator_line,
    locator_size,
    put,
    resized,
    write_page,
)
from rendering.pages.layout import PageLayout, layout_of
from rendering.selection import Group, Moment, Selection, ShownObject
from rendering.threads import Task, Workers
from tracking.model import BoundingBox
from tracking.video.file import Video


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """One page that was written."""

    path: Path
    objects: tuple[ShownObject, ...]
    width: int
    height: int


def page_layout(objects: Sequence[ShownObject], frame: Size, *, standing_still: str = "") -> PageLayout:
    """
    Return how a page of `objects` (1 to 24) of a video of size `frame` is divided.

    `standing_still` is the heading of what stands still for its whole shot, "" for none.
    """
    sections = [(group, len(list(members))) for group, members in groupby(objects, key=lambda one: one.group)]
    boxes = [one.moments[0].box.clipped() for one in objects]
    headed = [bool(_heading(group, standing_still)) for group, _ in sections]
    return layout_of(boxes, [count for _, count in sections], frame, headed=headed)


def draw_pages(
    video: Video,
    pages: Sequence[tuple[int, Sequence[ShownObject]]],
    out: Path,
    *,
    name: str,
    selection: Selection,
    typeface: Typeface,
    twins: Mapping[int, int],
    standing_still: str,
    progress: Progress,
    cancelled: CancelCheck,
) -> list[SummaryPage]:
    """
    Write `pages` (page number from 1, its objects) in one pass over the video.

    `twins` names by number the objects that have the very boxes of another one, and that other one; `standing_still` is the
    heading of what stands still.
    """
    frame = video.info.width, video.info.height
    drawn = [_Page(number, objects, frame, typeface, twins, standing_still) for number, objects in pages]
    needs = [(moment.time_s, (cell, moment)) for page in drawn for cell in page.cells for moment in cell.shown.moments]
    with opencv_in_this_thread(), Workers() as workers:
        for decoded, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            workers.wait_for_room()
            # All by one thread, while this one decodes: pictures must not be converted by two at once.
            workers.submit([(0, _considering(ScaledFrame(decoded, frame), due))])
    return [page.written(out, name, selection) for page in drawn]


class _Cell:
    """The best picture of one object so far."""

    def __init__(self, shown: ShownObject, layout: PageLayout, frame: Size, caption: CellCaption) -> None:
        self.shown = shown
        self.caption = caption
        self._layout, self._frame = layout, frame
        self._best = BestMoment(shown.moments, frame)
        self._picture: Picture | None = None
        self._view: View | None = None
        self._small: Picture | None = None
        self._box: BoundingBox | None = None
        self._time_s = 0.0

    def gain(self, moment: Moment) -> float:
        """Return how large the picture has to be for this moment."""
        return max(self._best.measured_at, self._view_of(moment.box.clipped()).gain)

    def consider(self, frame: ScaledFrame, moment: Moment) -> None:
        """Take this moment when it is better than the one taken before."""
        box = box_shown(self.shown, frame.time_s, moment)
        if self._best.improves(frame, moment, box):
            self._view, self._box, self._time_s = self._view_of(box), box, frame.time_s
            self._picture = self._view.cell_of(frame.at(self._view.gain))
            self._small = frame.small(self._locator_room()) if self._view.shown_share < NEARLY_WHOLE else None

    def strip_locator(self) -> Size | None:
        """Return how large a locator beside the caption is; None where there is none, or no room for it."""
        if self._small is None:
            return None
        line = locator_line(self._layout.scale)
        height = self._layout.strip_px - 4 * line
        size = locator_size(self._frame, (self._layout.picture[0] * LOCATOR_SHARE * 1.3, height))
        room = self._layout.picture[0] - self.caption.whole_label_px
        return size if size[0] + 4 * line <= room else None

    def has_room_for_facts(self, *, in_strip: bool) -> bool:
        """Return whether all that a caption tells fits into this one."""
        beside = self.strip_locator() if in_strip else None
        return self.caption.has_room_for_facts(beside[0] + 2 * locator_line(self._layout.scale) if beside else 0)

    def draw(self, others: Sequence[ShownObject], *, in_strip: bool, is_brief: bool) -> tuple[Picture, Picture]:
        """Return the picture and its caption, with the locator in the latter or in a corner of the former."""
        assert self._view is not None
        assert self._box is not None
        assert self._picture is not None
        picture = self._picture
        inside = self._view.pixels_of(self._box)
        beside = self.strip_locator()
        corner = self._corner_locator(inside, others) if inside and not (in_strip and beside) else None
        if inside:
            draw_line(picture, inside, self.shown.colour)
        if corner:
            found, place = corner
            put(picture, found, place)
        elif beside:
            return picture, self.caption.drawn(self._locator(beside), is_brief=is_brief)
        return picture, self.caption.drawn(is_brief=is_brief)

    @property
    def has_locator(self) -> bool:
        """Whether it shows so little of the picture that a locator has to say where that is."""
        return self._small is not None

    @property
    def is_drawable(self) -> bool:
        """Whether any of its moments could be decoded."""
        return self._picture is not None

    def _view_of(self, box: BoundingBox) -> View:
        return View.of(box, self._frame, self._layout.picture, large_px=LARGE_ENOUGH_PX * self._layout.scale)

    def _locator_room(self) -> Size:
        across, down = self._layout.picture
        return locator_size(self._frame, (across * LOCATOR_SHARE * 1.3, max(down * LOCATOR_SHARE, self._layout.strip_px)))

    def _locator(self, size: Size) -> Picture:
        assert self._small is not None
        assert self._box is not None
        return locator(resized(self._small, size), self._box, self.shown.colour, locator_line(self._layout.scale))

    def _corner_locator(self, inside: Rectangle, others: Sequence[ShownObject]) -> tuple[Picture, tuple[int, int]] | None:
        """Return a locator and the corner for it: the largest that hides nothing of the object."""
        assert self._view is not None
        assert self._box is not None
        if self._small is None:
            return None
        boxes = [
            one.track.box_at(self._time_s)
            for one in others
            if one is not self.shown and one.track.segment.start_s <= self._time_s <= one.track.segment.end_s
        ]
        line = locator_line(self._layout.scale)
        return corner_locator(self._view, self._small, self._box, [inside], boxes, self.shown.colour, line)


class _Page:
    """One page while the pictures come by."""

    def __init__(
        self,
        number: int,
        objects: Sequence[ShownObject],
        frame: Size,
        typeface: Typeface,
        twins: Mapping[int, int],
        standing_still: str,
    ) -> None:
        self._number = number
        self._typeface = typeface
        self._standing_still = standing_still
        self._layout = layout = page_layout(objects, frame, standing_still=standing_still)
        size = layout.picture[0], layout.strip_px
        self.cells = [
            _Cell(
                shown,
                layout,
                frame,
                CellCaption(Caption.of(shown, twin=twins.get(shown.number)), size, layout.scale, typeface, lines=layout.lines),
            )
            for shown in objects
        ]

    def written(self, out: Path, name: str, selection: Selection) -> SummaryPage:
        """Return the page, which is written now."""
        layout = self._layout
        page = blank(layout.size)
        groups = [(group, len(list(members))) for group, members in groupby(self.cells, key=lambda cell: cell.shown.group)]
        for (group, count), place in zip(groups, layout.headings, strict=True):
            if heading := _heading(group, self._standing_still):
                draw_heading(page, f"{heading} · {count}", place, layout, self._typeface)
        objects = tuple(cell.shown for cell in self.cells)
        in_strip = all(cell.strip_locator() for cell in self.cells if cell.has_locator)
        # A confidence that one cell alone has room for would look as if it meant something.
        is_brief = not all(cell.has_room_for_facts(in_strip=in_strip) for cell in self.cells)
        for cell, (x, y) in zip(self.cells, layout.corners, strict=True):
            if cell.is_drawable:
                picture, caption = cell.draw(objects, in_strip=in_strip, is_brief=is_brief)
                put(page, picture, (x, y))
            else:
                caption = cell.caption.drawn(is_brief=is_brief)
            put(page, caption, (x, y + layout.picture[1]))
        path = out / summary_name(name, selection, page=self._number)
        write_page(page, path)
        return SummaryPage(path, objects, *layout.size)


def _heading(group: Group | None, standing_still: str) -> str:
    """Return what stands above a group, "" for no heading."""
    if group is None:
        return ""
    return ", ".join(map(name_of, group.labels)) or standing_still


def twins_of(objects: Sequence[ShownObject]) -> dict[int, int]:
    """Return the numbers of objects whose boxes are those of an earlier one, and the number of that one."""
    first: dict[tuple[bytes, bytes], int] = {}
    twins: dict[int, int] = {}
    for one in objects:
        key = np.round(one.track.times, 3).tobytes(), np.round(one.track.boxes, 3).tobytes()
        if first.setdefault(key, one.number) != one.number:
            twins[one.number] = first[key]
    return twins


def _considering(frame: ScaledFrame, due: Sequence[tuple[_Cell, Moment]]) -> Task:
    """Return the task of showing a picture to all cells that it is for."""

    def consider() -> None:
        frame.at(max(cell.gain(moment) for cell, moment in due))  # the largest first: the others are made of it
        for cell, moment in due:
            cell.consider(frame, moment)

    return consider
