"""Restoring in tiles: a picture's result from those of its parts, in memory that does not grow with its height."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from deblurbench.errors import UsageError
from deblurbench.images.original import Levels
from deblurbench.runs.inference import Floats

Span = tuple[int, int]
"""The first pixel of a tile along an axis, and the one after its last."""

Restore = Callable[[Sequence[Levels]], Floats]


@dataclass(frozen=True)
class Grid:
    """How pictures are divided into tiles.

    Where two tiles overlap, the outer quarter of the overlap of each is not used: there a network has seen the least
    of the surroundings, and may have padded them. In between, sin^2 and cos^2 blend the two. The picture's own borders
    are the borders of its outer tiles.

    Attributes:
        tile: the side, pixels, at most: as few tiles as can be cover an axis, and all are about as long.
        overlap: pixels. 0: tiles of just that side, side by side, each restored as a picture of its own; the last ones
            are moved in, and become the mean with what they cover, as with `deblurbench stitch`.
        multiple: where tiles overlap, they begin at multiples of it.

    Raises: UsageError where tiles are too small for `overlap` and `multiple`.
    """

    tile: int
    overlap: int
    multiple: int = 1

    def __post_init__(self) -> None:
        if self.overlap and self._step < 1:
            least = self.overlap + self.multiple
            raise UsageError(
                f"tiles of {self.tile} pixels with an overlap of {self.overlap} are too small",
                f"this network goes in steps of {self.multiple} pixels: use tiles of {least} or more",
            )

    @property
    def _step(self) -> int:
        return (self.tile - self.overlap) // self.multiple * self.multiple

    def spans(self, size: int) -> list[Span]:
        """The tiles along an axis of `size` pixels."""
        if size <= self.tile:
            return [(0, size)]
        if not self.overlap:
            last = size - self.tile
            return [(start, start + self.tile) for start in (*range(0, last, self.tile), last)]
        steps = -(-(size - self.overlap) // self._step)  # rounded up, as is their length, to a multiple
        step = -(-(size - self.overlap) // (steps * self.multiple)) * self.multiple
        return [(i * step, min((i + 1) * step + self.overlap, size)) for i in range(steps)]

    def weights(self, size: int) -> list[Floats]:
        """How much each tile along an axis counts, pixel by pixel; at each pixel of the axis they sum to one."""
        ramp = _ramp(self.overlap)
        spans, weights = self.spans(size), []
        for start, stop in spans:
            weight = np.ones(stop - start)
            if start > 0:
                weight[: self.overlap] *= ramp
            if stop < size:
                weight[len(weight) - self.overlap :] *= ramp[::-1]
            weights.append(weight)
        total = np.zeros(size)
        for (start, stop), weight in zip(spans, weights, strict=True):
            total[start:stop] += weight
        return [(w / total[start:stop]).astype(np.float32) for (start, stop), w in zip(spans, weights, strict=True)]

    def count(self, height: int, width: int) -> int:
        """How many tiles a picture has."""
        return len(self.spans(height)) * len(self.spans(width))


def _ramp(overlap: int) -> npt.NDArray[np.float64]:
    """From 0, over the middle half of an overlap, to 1; with its mirror image it sums to one."""
    places = (np.arange(overlap) + 0.5) / max(overlap, 1)
    return np.asarray(np.sin(np.pi / 2 * np.clip(2 * places - 0.5, 0, 1)) ** 2)


def restore_in_tiles(
    restore: Restore, picture: Levels, grid: Grid, batch: int, tick: Callable[[int], None] = lambda _: None
) -> Levels:
    """Restore a picture in tiles, a row of them after the other.

    Args:
        restore: maps pictures of one shape to float32 N x h x w x 3 in [0, 1].
        picture: uint8 or uint16, H x W x 3.
        grid: how it is divided.
        batch: tiles that `restore` is given at once, at most.
        tick: is told how many tiles are done, again and again.

    Returns: as `picture`, clipped and rounded.
    """
    height, width = picture.shape[:2]
    rows: list[Span] = grid.spans(height)
    columns = grid.spans(width)
    down, across = grid.weights(height), grid.weights(width)
    result = np.empty_like(picture)
    done = 0
    open_rows = np.zeros((0, width, 3), dtype=np.float32)  # begun by the tiles above, and not finished
    ends = [*(start for start, _ in rows[1:]), height]  # of what is finished with each row
    for (top, bottom), end, weight in zip(rows, ends, down, strict=True):
        band = np.zeros((bottom - top, width, 3), dtype=np.float32)
        band[: len(open_rows)] = open_rows
        for group in _batches(columns, batch):
            tiles = [picture[top:bottom, columns[i][0] : columns[i][1]] for i in group]
            for i, floats in zip(group, restore(tiles), strict=True):
                band[:, slice(*columns[i])] += floats * (weight[:, None] * across[i])[:, :, None]
            done += len(group)
            tick(done)
        result[top:end] = to_levels(band[: end - top], picture)
        open_rows = band[end - top :]
    return result


def _batches(columns: Sequence[Span], most: int) -> Iterator[list[int]]:
    """The numbers of tiles that go together: neighbours of one width."""
    for _, group in groupby(range(len(columns)), key=lambda i: columns[i][1] - columns[i][0]):
        numbers = list(group)
        edges = [*range(0, len(numbers), most), len(numbers)]
        yield from (numbers[start:stop] for start, stop in pairwise(edges))


def to_levels(floats: Floats, like: Levels) -> Levels:
    """float32 in [0, 1] as levels of the type of `like`: clipped, then rounded, never truncated.

    `floats` is used up.
    """
    np.clip(floats, 0, 1, out=floats)
    floats *= np.iinfo(like.dtype).max
    rounded = np.rint(floats, out=floats)
    return rounded.astype(np.uint8) if like.dtype == np.uint8 else rounded.astype(np.uint16)
