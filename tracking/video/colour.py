"""
From a decoder's picture to the red, green and blue that a screen shows.

Matrix and range are the file's own where it names them, else what its size implies. High dynamic range (PQ and HLG) is
brought to a normal screen: absolute light, reference white at 203 cd/m2, a soft shoulder above, BT.709 primaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TypeVar

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray

ChannelT = TypeVar("ChannelT", np.uint8, np.uint16)

# From this many lines up untagged video is BT.709, below it BT.601: what encoders assume (EBU R 92, ITU-R BT.709-6).
HD_LINES = 720

# H.273, table 4: the matrices that FFmpeg's scaler knows, by their code point in the stream.
MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.SMPTE170M,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}

# Into planes FFmpeg scales closer to the truth (wrong by 0.5 levels in the mean, packed by 3.4) and quicker. Pictures of these
# formats that keep their size take a quicker way still, which leaves the last columns of planes unwritten (FFmpeg 8.1).
UNSCALED_FORMATS = {"yuv420p", "yuvj420p", "yuva420p", "yuv422p", "yuvj422p"}

REFERENCE_WHITE_NITS = 203.0  # ITU-R BT.2408-7, table 1
HLG_PEAK_NITS = 1000.0  # ITU-R BT.2100-2, table 5: the nominal display, with a system gamma of 1.2
SHOULDER = 0.75  # of reference white: below it light is kept as it is

# ITU-R BT.2087-0: linear BT.2020 to linear BT.709.
BT2020_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)


class Converter:
    """Turns decoded pictures into arrays; keeps the scalers that it made, one for each size and order."""

    def __init__(self) -> None:
        self._scalers: dict[tuple[tuple[int, int], str], VideoReformatter] = {}

    def pixels(self, frame: av.VideoFrame, size: tuple[int, int], order: Literal["rgb", "bgr"]) -> NDArray[np.uint8]:
        """Return the stored picture at `size` (width, height) as (height, width, 3) uint8."""
        if is_hdr(frame):
            wide = np.asarray(cv2.merge(_planes(self._scaled(frame, size, "gbrp16le"), np.dtype("<u2"), "rgb")), np.uint16)
            shown = _tone_mapped(wide, hlg=frame.color_trc == ColorTrc.ARIB_STD_B67, bt2020=_has_wide_gamut(frame))
            return shown if order == "rgb" else shown[:, :, ::-1]
        if size == (frame.width, frame.height) and frame.format.name in UNSCALED_FORMATS:
            return self._scaled(frame, size, f"{order}24").to_ndarray().astype(np.uint8, copy=False)
        return np.asarray(cv2.merge(_planes(self._scaled(frame, size, "gbrp"), np.dtype(np.uint8), order)), np.uint8)

    def planar(self, frame: av.VideoFrame, size: tuple[int, int], matrix: Colorspace) -> av.VideoFrame:
        """Return the stored picture at `size` in planes (4:2:0, 8 bits, video range): `frame` itself where it is so."""
        is_rgb = frame.format.is_rgb
        scaler = self._scalers.setdefault((size, "yuv420p"), VideoReformatter())
        return scaler.reformat(
            frame,
            width=size[0],
            height=size[1],
            format="yuv420p",
            src_colorspace=Colorspace.ITU709 if is_rgb else matrix_of(frame),
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if is_rgb or frame.color_range == ColorRange.JPEG else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA if size[0] <= frame.width and size[1] <= frame.height else Interpolation.BICUBIC,
            threads=1,
        )

    def _scaled(self, frame: av.VideoFrame, size: tuple[int, int], pixel_format: str) -> av.VideoFrame:
        scaler = self._scalers.setdefault((size, pixel_format), VideoReformatter())
        # Averaging areas is right for scaling down, and degenerates to nearest neighbours for scaling up.
        smaller = size[0] <= frame.width and size[1] <= frame.height
        return scaler.reformat(
            frame,
            width=size[0],
            height=size[1],
            format=pixel_format,
            src_colorspace=matrix_of(frame),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG if frame.color_range == ColorRange.JPEG else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA if smaller else Interpolation.BICUBIC,
            threads=1,
        )


def is_hdr(frame: av.VideoFrame) -> bool:
    """Return whether a picture is of high dynamic range (PQ or HLG)."""
    return frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


def planes_of(frame: av.VideoFrame) -> Iterator[NDArray[np.uint8]]:
    """Yield the planes of an 8-bit picture in 4:2:0, each (H, W) without the padding of its rows, to be read or written."""
    for plane in frame.planes:
        yield np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _planes(frame: av.VideoFrame, kind: np.dtype[ChannelT], order: Literal["rgb", "bgr"]) -> list[NDArray[ChannelT]]:
    """Return the channels of a picture in one of FFmpeg's `gbrp` formats, each (H, W), without the padding of its rows."""
    green, blue, red = (
        np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // kind.itemsize)[:, : plane.width]
        for plane in frame.planes
    )
    return [red, green, blue] if order == "rgb" else [blue, green, red]


def matrix_of(frame: av.VideoFrame) -> Colorspace:
    """Return the matrix of a picture: its own where it names one, else what its size implies."""
    implied = Colorspace.ITU709 if max(frame.height, frame.width * 9 // 16) >= HD_LINES else Colorspace.ITU601
    return MATRICES.get(int(frame.colorspace), implied)


def _has_wide_gamut(frame: av.VideoFrame) -> bool:
    return frame.color_primaries in (ColorPrimaries.BT2020, ColorPrimaries.UNSPECIFIED)


def _tone_mapped(wide: NDArray[np.uint16], *, hlg: bool, bt2020: bool) -> NDArray[np.uint8]:
    """Return a (H, W, 3) uint16 picture in PQ or HLG as sRGB bytes."""
    light = _light_table(hlg=hlg)[wide]
    if hlg:
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (HLG_PEAK_NITS / REFERENCE_WHITE_NITS) * np.power(luminance, 0.2)[:, :, None]
    if bt2020:
        light = np.asarray(cv2.transform(light, BT2020_TO_BT709), np.float32)
    light = np.maximum(light, 0.0)
    peak = light.max(axis=2, keepdims=True)
    shoulder = SHOULDER + (1 - SHOULDER) * -np.expm1(-(peak - SHOULDER) / (1 - SHOULDER))
    light *= np.where(peak > SHOULDER, shoulder / np.maximum(peak, 1e-6), 1.0)
    levels: NDArray[np.uint8] = _srgb_table()[np.minimum(light * 4095 + 0.5, 4095).astype(np.uint16)]
    return levels


@lru_cache(maxsize=2)
def _light_table(*, hlg: bool) -> NDArray[np.float32]:
    """Code value (65,536) to light: scene light 0..1 for HLG, multiples of reference white for PQ. ITU-R BT.2100-2."""
    code = np.arange(65536, dtype=np.float64) / 65535
    if hlg:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12).astype(np.float32)
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = code ** (1 / m2)
    nits = 10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return (nits / REFERENCE_WHITE_NITS).astype(np.float32)


@lru_cache(maxsize=1)
def _srgb_table() -> NDArray[np.uint8]:
    """Linear light in 4,096 steps to sRGB bytes. IEC 61966-2-1."""
    light = np.arange(4096) / 4095
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)
