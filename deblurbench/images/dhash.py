"""The difference hash: 64 bits that stay nearly the same when a picture is re-encoded, resized or made brighter.

After N. Krawetz, "Kind of like that" (2013): the picture is reduced to 8 rows of 9 grey cells, and each bit says
whether a cell is brighter than its left neighbour. Here in integers alone, so that every machine gets the same bits:

- 64 picture rows stand for each row of cells: those at the centres of 512 equal parts of the height (rows repeat
  where there are fewer). All columns count, with exact shares where a pixel lies across the edge of two cells.
- grey = 299 R + 587 G + 114 B (ITU-R BT.601).
- a cell is brighter where its mean exceeds its neighbour's by more than one level of 255, so that the noise of flat
  parts is no pattern, and a flat picture is `0000000000000000`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture

FLAT = "0" * 16
"""The hash of a flat picture."""

WITHIN = 4
"""How many bits near-duplicates differ in, at most.

Measured on 255 photographs: the closest two different ones differ in 11 bits. JPEG of quality 75, half the size and 5
levels more light are found at 2, 5 levels less (where black clips) at 2 for all but one, at 6.
"""

Hashes = npt.NDArray[np.uint64]

_ROWS, _COLUMNS = 8, 9
_PER_ROW = 64  # picture rows that stand for a row of cells: their sum still fits 16 bits
_GREY = (299, 587, 114)
_LEVEL = sum(_GREY) * _PER_ROW  # one level, in the units of a column's sum
_PLAIN = 6  # of the 56 places where a bit may differ from the one below it


def dhash(picture: Picture) -> str:
    """The difference hash of a picture.

    Args:
        picture: uint8 H x W x 3, of any size from 1 x 1.

    Returns:
        16 hex digits: the first bit of the first digit compares the two upper left cells.
    """
    height, width = picture.shape[:2]
    rows = (2 * np.arange(_ROWS * _PER_ROW) + 1) * height // (2 * _ROWS * _PER_ROW)
    sums = picture[rows].reshape(_ROWS, _PER_ROW, 3 * width).sum(axis=1, dtype=np.uint16)
    grey = sums.reshape(_ROWS, width, 3).astype(np.float64) @ np.array(_GREY, dtype=np.float64)
    # Integers below 2^53 throughout (up to 60 million columns), so the sums are exact in any order.
    cells = grey @ _shares(width)
    brighter = np.diff(cells, axis=1) > _LEVEL * width
    return np.packbits(brighter).tobytes().hex()


def _shares(width: int) -> npt.NDArray[np.float64]:
    """How much of each column lies in each cell, W x 9, in ninths of a column; a cell has `width` of them in all."""
    left = np.arange(width)[:, None] * _COLUMNS
    edges = np.arange(_COLUMNS + 1) * width
    overlap = np.minimum(left + _COLUMNS, edges[1:]) - np.maximum(left, edges[:-1])
    return np.maximum(overlap, 0).astype(np.float64)


def distance(one: str, other: str) -> int:
    """In how many of their 64 bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def is_plain(dhash: str) -> bool:
    """Whether a hash says too little to tell pictures apart: its eight rows are all but alike.

    So are those of flat pictures and of even shades (skies, walls): they would all be duplicates of each other.
    """
    bits = int(dhash, 16)
    return ((bits ^ (bits >> 8)) & ((1 << 56) - 1)).bit_count() < _PLAIN


def groups(hashes: Iterable[int], within: int) -> dict[int, int]:
    """Which hashes are linked by steps of at most `within` bits: each distinct hash -> the least of its group.

    Complete: 64 bits are cut into `within` + 1 bands, and two hashes that differ in at most `within` bits agree in at
    least one of them, so only hashes that share a band are compared.

    Args:
        hashes: as integers, repeats allowed.
        within: 0 .. 15 bits.
    """
    values = np.unique(np.fromiter(hashes, dtype=np.uint64))
    labels = np.arange(len(values))
    members: dict[int, list[int]] = {}  # of the labels that more than one hash has
    for one, other in _near(values, within):
        apart = labels[one] != labels[other]  # most near pairs of a large group are known to be linked by now
        for a, b in zip(one[apart].tolist(), other[apart].tolist(), strict=True):
            keep, gone = sorted((int(labels[a]), int(labels[b])), key=lambda i: len(members.get(i, (i,))), reverse=True)
            if keep != gone:
                moved = members.pop(gone, [gone])
                labels[moved] = keep
                members.setdefault(keep, [keep]).extend(moved)
    first = {label: min(group) for label, group in members.items()}
    least = values[[first.get(label, label) for label in labels.tolist()]] if len(values) else values
    return dict(zip(values.tolist(), least.tolist(), strict=True))


def _near(values: Hashes, within: int) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Index pairs (two arrays at a time) of all values that differ in at most `within` bits; some come twice."""
    edges = [64 * i // (within + 1) for i in range(within + 2)]
    for low, high in pairwise(edges):
        band = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        band, sorted_values = band[order], values[order]
        first, step = np.arange(len(values)), 0
        while len(first):  # each with its next neighbour of the same band, then with the one after it, ...
            step += 1
            first = first[: np.searchsorted(first, len(values) - step)]
            first = first[band[first] == band[first + step]]
            found = first[np.bitwise_count(sorted_values[first] ^ sorted_values[first + step]) <= within]
            if len(found):
                yield order[found], order[found + step]
