"""Response curves: from stored 8-bit values to linear light and back, in integer tables that are exact everywhere.

    stored        no curve: the stored values themselves
    srgb          IEC 61966-2-1, 16 bits
    gamma-2.2     (x / 255)^2.2, 20 bits: what GoPro's `blur_gamma` was averaged in. At 16 bits its levels 0 and 1
                  would be one
    crf:FILE      a measured inverse response, 20 bits: see `blur.crf`. FILE is relative to the working directory

On the way back a value belongs to the stored level l in whose interval it lies: from the curve at l - 1/2 up to, but
without, the curve at l + 1/2. So a picture that is taken to linear light and back is the same, and what was blurred
there is rounded half up among the stored values, as the ideal would be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deblurbench.blur.crf import read_bytes, response_levels
from deblurbench.errors import UsageError, nearest
from deblurbench.images.codec import Picture

STORED = "stored"
_CRF = "crf:"
_FINE = 16  # bits after the point of a bound
_BLOCK = 1 << 16  # samples that are looked up at a time, so that they stay in the processor's cache

Sums = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Curve:
    """A response curve in integers.

    Attributes:
        levels: int32, 1 x 256 or, by channel (R, G, B), 3 x 256: the linear light of each stored value, rising,
            0 .. 2^20 - 1 at most.
        bounds: int64, 1 x 255 or 3 x 255: the curve at l + 1/2 in units of 2^-16, rounded up; at least 2^16 apart.
    """

    levels: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]

    @property
    def id(self) -> str:
        """Hex SHA-256 of both tables, little-endian in C order: what a file's curve was, whatever became of it."""
        return hashlib.sha256(self.levels.astype("<i4").tobytes() + self.bounds.astype("<i8").tobytes()).hexdigest()

    @cached_property
    def _cells(self) -> list[npt.NDArray[np.uint8]]:
        """By channel: how many bounds are not above each whole number 0 .. white; before the next comes one at most."""
        cells = []
        for levels, bounds in zip(self.levels, self.bounds, strict=True):
            whole = np.arange(int(levels[-1]) + 1, dtype=np.int64) << _FINE
            cells.append(np.searchsorted(bounds, whole, side="right").astype(np.uint8))
        return cells

    def to_linear(self, picture: Picture) -> npt.NDArray[np.integer]:
        """The linear light of uint8 H x W x 3: int32 of the same shape (of stored values: the picture itself)."""
        if self is _STORED:
            return picture
        if len(self.levels) == 1:
            return np.take(self.levels[0], picture)
        return np.stack([np.take(line, picture[..., c]) for c, line in enumerate(self.levels)], axis=-1)

    def to_stored(self, sums: Sums, shift: int) -> Picture:
        """The stored values of the linear light sums / 2^shift, which is exact; uint8 of the same shape.

        Args:
            sums: integers >= 0, H x W x 3; what lies above white becomes 255.
            shift: 0 .. 42.
        """
        return self._to_stored(sums, 1 << shift)

    def mean_to_stored(self, sums: Sums, count: int) -> Picture:
        """The stored values of the linear light sums / count, `count` < 2^26; all else as for `to_stored`."""
        return self._to_stored(sums, count)

    def _to_stored(self, sums: Sums, unit: int) -> Picture:
        out = np.empty(sums.shape, dtype=np.uint8)
        if len(self.levels) == 1:
            self._look_up(sums.reshape(-1), unit, 0, out.reshape(-1))
            return out
        for channel in range(len(self.levels)):
            line = np.empty(sums[..., channel].size, dtype=np.uint8)
            self._look_up(sums[..., channel].reshape(-1), unit, channel, line)
            out[..., channel] = line.reshape(out.shape[:-1])
        return out

    def _look_up(self, sums: Sums, unit: int, channel: int, out: npt.NDArray[np.uint8]) -> None:
        # sums / unit >= bound / 2^16 is, among integers, sums >= ceil(unit * bound / 2^16).
        limits = [-(-unit * int(bound) // (1 << _FINE)) for bound in self.bounds[channel]]
        limit = np.array([*limits, np.iinfo(np.int64).max], dtype=np.int64)
        shift = unit.bit_length() - 1 if unit & (unit - 1) == 0 else None
        for start in range(0, len(sums), _BLOCK):
            block = sums[start : start + _BLOCK].astype(np.int64, copy=False)
            whole = block // unit if shift is None else block >> shift
            low = np.take(self._cells[channel], whole, mode="clip")  # beyond white: white's
            np.add(low, block >= np.take(limit, low), out=out[start : start + _BLOCK], casting="unsafe")


class _Power(NamedTuple):
    """base^(fifths / 5): all that the named curves are made of, since 2.2 and 2.4 are fifths."""

    base: Fraction
    fifths: int

    def times(self, factor: int) -> tuple[int, bool]:
        """floor(factor * base^(fifths / 5)), and whether that is the value itself."""
        top = factor**5 * self.base.numerator**self.fifths
        bottom = self.base.denominator**self.fifths
        root = _fifth_root(top // bottom)
        return root, root**5 * bottom == top


def _fifth_root(value: int) -> int:
    """floor(value^(1/5)), by Newton's method from above."""
    if value == 0:
        return 0
    root = 1 << -(-value.bit_length() // 5)
    while (lower := (4 * root + value // root**4) // 5) < root:
        root = lower
    return root


def _gamma(x: Fraction) -> _Power:
    return _Power(x, 11)


def _srgb(x: Fraction) -> _Power:
    if x <= Fraction(4045, 100_000):
        return _Power(x / Fraction(1292, 100), 5)
    return _Power((x + Fraction(55, 1000)) / Fraction(1055, 1000), 12)


class _Named(NamedTuple):
    light: Callable[[Fraction], _Power]
    bits: int


_NAMED = {"srgb": _Named(_srgb, 16), "gamma-2.2": _Named(_gamma, 20)}


@lru_cache(maxsize=len(_NAMED))
def _named_curve(name: str) -> Curve:
    white = (1 << _NAMED[name].bits) - 1
    levels, bounds = exact_levels(name, white), exact_bounds(name, white << _FINE)
    return Curve(np.array([levels], dtype=np.int32), np.array([bounds], dtype=np.int64))


def exact_levels(name: str, white: int) -> list[int]:
    """The light of the stored values 0 .. 255 on a named curve, where `white` is that of 255: rounded half up."""
    light = _NAMED[name].light
    return [(light(Fraction(level, 255)).times(2 * white)[0] + 1) // 2 for level in range(256)]


def exact_bounds(name: str, white: int) -> list[int]:
    """The light half a level above the stored values 0 .. 254, where `white` is that of 255: rounded up."""
    found = (_NAMED[name].light(Fraction(2 * level + 1, 510)).times(white) for level in range(255))
    return [floor if exact else floor + 1 for floor, exact in found]


def _straight(levels: npt.NDArray[np.int32]) -> Curve:
    """The curve that is straight between the levels (n x 256) of neighbouring stored values."""
    wide = levels.astype(np.int64)
    return Curve(levels, (wide[:, :-1] + wide[:, 1:]) << (_FINE - 1))


_STORED = _straight(np.arange(256, dtype=np.int32)[None])


@lru_cache(maxsize=8)
def _crf_curve(name: str, data: bytes) -> Curve:
    return _straight(response_levels(name, data))


def check_light(name: object) -> None:
    """Raise UsageError where `name` is no light that `curve` knows; whether a FILE is good is seen when it is read."""
    if isinstance(name, str) and (name == STORED or name in _NAMED or name.removeprefix(_CRF) not in ("", name)):
        return
    raise UsageError(f"no light {name!r}", nearest(str(name), [STORED, *_NAMED, f"{_CRF}FILE"]))


def curve(name: str) -> Curve:
    """The response curve of a light: `stored`, `srgb`, `gamma-2.2` or `crf:FILE`.

    Raises: UsageError for another name, and for a file that is missing or no rising curve.
    """
    check_light(name)
    if name == STORED:
        return _STORED
    if name in _NAMED:
        return _named_curve(name)
    file = name.removeprefix(_CRF)
    return _crf_curve(file, read_bytes(Path(file)))
