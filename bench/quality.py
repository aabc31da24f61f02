"""How near a GIF comes to what it shows: SSIM and PSNR of its pictures, and flicker where the video stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import INK
from rendering.gif.animation import cut_out, plan_of
from rendering.gif.canvas import CASING_PX, LINE_PX, NARROWEST_CANVAS_PX
from rendering.overlay import draw_box, pixel_box
from rendering.selection import ShownObject
from tracking.video.file import Video

# What differs by less from one frame to the next stands still.
STILL_LEVELS = 2


@dataclass(frozen=True, slots=True)
class Quality:
    """SSIM of a GIF's frames (mean and least), their PSNR in dB (mean), and flicker in levels of 0..255 (mean)."""

    ssim: float
    least_ssim: float
    psnr_db: float
    flicker: float


def quality_of(shown: Sequence[NDArray[np.uint8]], truth: Sequence[NDArray[np.uint8]], *, is_still: bool = True) -> Quality:
    """
    Of pictures (H, W, 3) RGB as a viewer shows them, against what they should be.

    Flicker is the mean change from one frame to the next where the truth does not change; 0 where the camera moves.
    """
    likeness = [ssim(a, b) for a, b in zip(shown, truth, strict=True)]
    noise_db = [cv2.PSNR(a, b) for a, b in zip(shown, truth, strict=True)]
    flicker = []
    for number in range(1, len(shown) if is_still else 0):
        still = cv2.absdiff(truth[number], truth[number - 1]).max(axis=2) <= STILL_LEVELS
        change = cv2.absdiff(shown[number], shown[number - 1])[still]
        flicker.append(float(change.mean()) if change.size else 0.0)
    return Quality(float(np.mean(likeness)), min(likeness), float(np.mean(noise_db)), float(np.mean(flicker or [0.0])))


def quality_of_ours(video: Video, one: ShownObject, path: Path) -> Quality | None:
    """Of the picture area of an object's GIF, before the palette and after; None for a GIF that was made smaller."""
    size = video.info.width, video.info.height
    plan = plan_of(one, size, video.info.frame_rate)
    in_file = gif_pictures(path, plan.view.size)
    if not in_file:
        return None
    numbers = plan.frames_at(np.array([start for start, _ in in_file]))
    in_time = np.argsort(numbers)
    places, shown = numbers[in_time], [in_file[number][1] for number in in_time]
    truth = []
    for served, frame in video.frames_at(plan.times_s[places]):
        whole = frame.pixels(plan.view.size if plan.view.is_whole else None)
        for position in served.tolist():
            window = plan.view.windows[places[position]]
            picture = whole.copy() if plan.view.is_whole else cut_out(whole, window, plan.view.size).copy()
            mark(picture, one, frame.time_s, window, size)
            truth.append(picture)
    return quality_of(shown, truth, is_still=not plan.view.glides)


def gif_pictures(path: Path, size: tuple[int, int]) -> list[tuple[int, NDArray[np.uint8]]]:
    """Start in the file in cs and picture of each frame, without the strip; nothing for a GIF that was made smaller."""
    found, start = [], 0
    with Image.open(path) as image:
        if image.width != max(size[0], NARROWEST_CANVAS_PX):
            return []
        left = (image.width - size[0]) // 2
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append((start, np.asarray(image.convert("RGB"))[: size[1], left : left + size[0]].copy()))
            start += int(image.info.get("duration", 0)) // 10
    return found


def mark(
    picture: NDArray[np.uint8], one: ShownObject, time_s: float, window: NDArray[np.float64], size: tuple[int, int]
) -> None:
    """The same box as in the GIF, so that only the palette's work is compared."""
    corner, side = np.tile(window[:2], 2), np.tile(window[2:] - window[:2], 2)
    box = pixel_box((np.array(one.track.box_at(time_s)) * [*size, *size] - corner) / side, picture.shape[1::-1])
    if box:
        draw_box(picture, box, line=one.colour, casing=INK, width=LINE_PX, casing_width=CASING_PX)


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean structural similarity of luma. Source: Wang et al., IEEE Transactions on Image Processing 13(4), 2004."""

    def blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    x, y = (np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float64) for picture in (a, b))
    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y, both = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2, blurred(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + 6.5025) * (2 * both + 58.5225)
    return float(np.mean(likeness / ((mean_x**2 + mean_y**2 + 6.5025) * (var_x + var_y + 58.5225))))
