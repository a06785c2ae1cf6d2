"""How sharp the sharpest parts of a photograph are: which share of an edge lies between two neighbouring pixels.

1.0 is an edge from dark to bright in one step, 0.5 one that takes two pixels, 0.2 five: the reciprocal of the width of
the narrowest edges. Blur widens every edge, whatever the picture shows: most photographs have 0.6 to 1, and Gaussian
blur of a standard deviation of 1, 2, 3 and 5 pixels leaves about 0.47, 0.26, 0.18 and 0.13 (`benchmarks/sharpness.py`).
After the edge widths of P. Marziliano et al., "Perceptual blur and ringing metrics" (2004), with edges taken where they
are steepest instead of followed to their ends.

- Size: the picture is first reduced by a whole number, so that its shorter side has 512 to 1023 pixels. Blur that is
  gone by then is none; smaller pictures stay as they are.
- Four ways, along rows, columns and both diagonals: the least of them counts, since shake leaves edges along it alone.
- Shallow focus: the picture is cut into tiles of 32 x 32, each stands for its steepest edge, and all but the best 1 %
  (three at least) may be blurred.
- Noise: edges count from a contrast on that stands out of it. JPEG blocks are edges of little contrast beside those.

Integers but for the one division that gives a share, so every machine gets the same number.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture

Samples = npt.NDArray[np.int16]
Way = tuple[int, int]
"""From one sample to the next: rows down, columns to the right."""

_SIDE = 512  # pixels that the shorter side keeps at least, where it has them
_MOST = 1 << 21  # pixels that are looked at, about: of panoramas, too
_GREY = (299, 587, 114)  # ITU-R BT.601, as in dhash
_ROW, _COLUMN = (0, 1), (1, 0)
_WAYS = (_ROW, _COLUMN, (1, 1), (1, -1))
_ACROSS = {_ROW: _COLUMN, _COLUMN: _ROW}
_REACH = 12  # samples in a row that an edge is looked for in
_TILE = 32
_SHARE, _FEWEST = 0.01, 3  # of the tiles: as many may be sharper than what is found
_LOW, _HIGH = 12, 40  # least contrast of an edge without noise, and with any; levels of 255
_ABOVE_NOISE = 8  # standard deviations
_PLENTY = 80  # an edge of this contrast counts in any picture
_SMOOTH = 4  # sum of the weights across an edge, hence the unit of contrasts: quarters of a level
_ENDLESS = np.int16(np.iinfo(np.int16).max)


def sharpness(picture: Picture) -> float:
    """How sharp the sharpest parts of a picture are.

    Args:
        picture: uint8 H x W x 3, of any size from 1 x 1.

    Returns:
        0 .. 1, in thousandths: the share of the contrast of the steepest edges that lies between two neighbouring
        pixels; 0.0 where there is no edge at all, and for fewer than 14 pixels on a side.
    """
    grey = _reduced(picture)
    if min(grey.shape) < _REACH + 2:
        return 0.0
    least = _least_contrast(grey)
    found = [_steepest(grey, way, least) for way in _WAYS]
    return min((share for share in found if share is not None), default=0.0)


def _reduced(picture: Picture) -> Samples:
    """Grey, 0 .. 255, each sample the mean of a square of pixels; rows and columns that make no whole one are left."""
    height, width = picture.shape[:2]
    factor = max(1, min(height, width) // _SIDE, isqrt(height * width // _MOST))
    height, width = height // factor, width // factor
    rows = picture[: height * factor, : width * factor].reshape(height, factor, width * factor, 3)
    sums = rows[:, 0].astype(np.uint16)
    for row in range(1, factor):
        sums += rows[:, row]
    red, green, blue = (sums[:, :, channel] * np.uint32(weight) for channel, weight in enumerate(_GREY))
    total = (red + green + blue).reshape(height, width, factor).sum(axis=2, dtype=np.int64)
    unit = sum(_GREY) * factor**2
    return ((total + unit // 2) // unit).astype(np.int16)


def _least_contrast(grey: Samples) -> int:
    """The least contrast of an edge that is no noise, in quarters of a level: from that of the calmest tiles."""
    bend = np.abs(grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2])
    height, width = (side // _TILE for side in bend.shape)
    if not height * width:
        return _LOW * _SMOOTH
    tiles = bend[: height * _TILE, : width * _TILE].reshape(height, _TILE, width, _TILE)
    sums = np.sort(tiles.sum(axis=(1, 3), dtype=np.int64), axis=None)
    calm = int(sums[len(sums) // 10])
    # For normal noise, the mean of |a - 2 b + c| is 1.95 standard deviations.
    noise = calm * _SMOOTH * _ABOVE_NOISE * 100 // (195 * _TILE**2)
    return min(max(noise, _LOW * _SMOOTH), _HIGH * _SMOOTH)


def _steepest(grey: Samples, way: Way, least: int) -> float | None:
    """The share of the steepest edges, seen along one way; None where nothing has the contrast of an edge."""
    smooth = _smoothed(grey, way)
    if way not in _ACROSS:
        least = least * 8 // 5  # of the noise, the smoothing leaves five eighths
    before, after = _pair(smooth, way, 1)
    steps = _inner(np.abs(after - before), way, _REACH // 2 - 1)  # each in the middle of the samples of its contrast
    contrasts = _extreme(smooth, way, np.maximum) - _extreme(smooth, way, np.minimum)
    strongest = np.sort(_of_tiles(contrasts), axis=None)
    place = -min(max(_FEWEST, round(_SHARE * len(strongest))), len(strongest))
    if strongest[place] < least:
        return None
    enough = min(max(int(strongest[place]) // 2, least), _PLENTY * _SMOOTH)
    shares = np.divide(steps, np.where(contrasts < enough, _ENDLESS, contrasts), dtype=np.float32)
    return round(float(np.sort(_of_tiles(shares), axis=None)[place]), 3)


def _smoothed(grey: Samples, way: Way) -> Samples:
    """1 2 1 across the way against noise, which widens no edge across it; four times as much as it is on diagonals.

    The neighbours across a diagonal lie in other rows and columns, so that it would widen upright and level edges.
    """
    across = _ACROSS.get(way)
    if across is None:
        return grey * _SMOOTH
    before, after = _pair(grey, across, 2)
    return before + 2 * _inner(grey, across, 1) + after


def _pair(samples: Samples, way: Way, apart: int) -> tuple[Samples, Samples]:
    """All samples that have another so many steps further along the way, and those others."""
    height, width = samples.shape
    rows, columns = way[0] * apart, abs(way[1]) * apart
    upper, lower = samples[: height - rows], samples[rows:]
    if way[1] < 0:
        return upper[:, columns:], lower[:, : width - columns]
    return upper[:, : width - columns], lower[:, columns:]


def _inner(samples: Samples, way: Way, margin: int) -> Samples:
    """All samples that have others so many steps away, both forth and back along the way."""
    return _pair(_pair(samples, way, margin)[0], way, margin)[1]


def _extreme(samples: Samples, way: Way, extreme: np.ufunc) -> Samples:
    """The greatest or least of each `_REACH` samples in a row along the way."""
    have = 1
    while have < _REACH:
        more = min(have, _REACH - have)
        samples = extreme(*_pair(samples, way, more))
        have += more
    return samples


def _of_tiles(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The greatest of each tile; those at the right and lower edges may be smaller."""
    rows, columns = (np.arange(0, side, _TILE) for side in samples.shape)
    return np.maximum.reduceat(np.maximum.reduceat(samples, rows, axis=0), columns, axis=1)
