"""Where a prediction is wrong: maps of the absolute difference, and the part of a picture that is worst."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from deblurbench.images.codec import Picture

Array = npt.NDArray[Any]
ErrorMap = npt.NDArray[np.float32]
"""H x W, grey levels, 0 .. 255: the mean over the channels of the absolute difference."""

_BLOCK = 8  # pixels: parts begin at its multiples
_SCALES = (4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 255)
_USUAL = 0.98  # the share of pixels that a scale covers; those above it have its brightest colour
_BAR_HEIGHT, _TICKS, _TICK_FONT = 14, 5, 12


def error_map(prediction: Array, sharp: Array) -> ErrorMap:
    """The error of each pixel.

    Args:
        prediction, sharp: of one shape, H x W or H x W x C, both uint8 or both floating in 0 .. 1.
    """
    if sharp.dtype == np.uint8:
        apart = np.where(prediction > sharp, prediction - sharp, sharp - prediction).astype(np.float32)
    else:
        apart = np.abs(prediction - sharp, dtype=np.float32) * np.float32(255)
    return apart if apart.ndim == 2 else apart.mean(axis=2, dtype=np.float32)


def worst_part(errors: ErrorMap, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of the height x width part with the largest squared error, to 8 pixels.

    All of a picture that is no larger; the middle of one without errors.
    """
    rows, columns = errors.shape
    height, width = min(height, rows), min(width, columns)
    if not errors.any():
        return _part((rows - height) // 2, (columns - width) // 2, height, width)
    padded = np.pad(np.square(errors, dtype=np.float64), [(0, -size % _BLOCK) for size in errors.shape])
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, -1, _BLOCK).sum(axis=(1, 3))
    total = np.pad(blocks.cumsum(axis=0).cumsum(axis=1), [(1, 0), (1, 0)])
    down, across = (-(-size // _BLOCK) for size in (height, width))
    sums = total[down:, across:] - total[:-down, across:] - total[down:, :-across] + total[:-down, :-across]
    top, left = (int(i) * _BLOCK for i in np.unravel_index(int(sums.argmax()), sums.shape))
    return _part(min(top, rows - height), min(left, columns - width), height, width)


def _part(top: int, left: int, height: int, width: int) -> tuple[slice, slice]:
    return slice(top, top + height), slice(left, left + width)


def scale_for(errors: list[ErrorMap]) -> int:
    """The grey levels that the brightest colour stands for, so that all maps of a sheet can be compared: 4 .. 255."""
    usual = float(np.quantile(np.concatenate([of.ravel() for of in errors]), _USUAL))
    return next(scale for scale in _SCALES if scale >= min(usual, 255))


def coloured(errors: ErrorMap, scale: int) -> Picture:
    """The errors in the colours of `magma`, black for none and bright yellow for `scale` and more; H x W x 3."""
    import cv2

    levels = np.rint(np.clip(errors / scale, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_MAGMA)[:, :, ::-1])


def scale_bar(scale: int, width: int) -> Picture:
    """What the colours mean: a bar with five numbers below it; H x width x 3, dark text on white."""
    ramp = np.linspace(0, scale, width, dtype=np.float32)
    bar = coloured(np.broadcast_to(ramp, (_BAR_HEIGHT, width)), scale)
    picture = Image.new("RGB", (width, _BAR_HEIGHT + _TICK_FONT + 6), "white")
    picture.paste(Image.fromarray(bar), (0, 0))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_TICK_FONT)
    for i in range(_TICKS):
        share = i / (_TICKS - 1)
        text = f"{scale * share:.0f}" + ("+" if i == _TICKS - 1 and scale < 255 else "")
        room = width - font.getlength(text)
        x = min(max(0.0, share * width - font.getlength(text) / 2), room)
        draw.text((x, _BAR_HEIGHT + 2), text, fill="black", font=font)
    return np.array(picture)
