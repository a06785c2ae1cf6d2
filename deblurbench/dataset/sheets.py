"""`contact-sheet.png` and `kernel-sheet.png`: some pairs, and some kernels, of a dataset to look at."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Generic, TypeVar

import numpy as np

from deblurbench.dataset.card import DatasetFacts
from deblurbench.dataset.formats.format import Side
from deblurbench.dataset.kernels import Taps
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.summary import telling_parameters
from deblurbench.files import sha256_text
from deblurbench.images.codec import Picture, write_png
from deblurbench.images.sheet import Cell, Section, kernel_grid, section_sheet, side_by_side
from deblurbench.places import Place

CONTACT, KERNEL = "contact-sheet.png", "kernel-sheet.png"
SHEETS = (CONTACT, KERNEL)

_PAIRS, _MOST_PAIRS = 4, 12  # of each split, and where it has many kinds of blur
_COLUMNS = 2  # pairs beside each other
_HEIGHT, _WIDTH = 192, 224  # of what is shown of each picture, pixels: shrinking it would hide the blur
_KERNELS = 48
_KERNEL_COLUMNS = 8
_KERNEL_SIDE = 124
# What tells most about a blur, first things first; the rest of its parameters is in the manifest.
_SIZES = ("width", "height", "rows", "columns", "size")
_TELLING = (
    *("frames", "sigma", "sigma_y", "radius", "blades", "exposure", "length", "cutoff", "file", "index", "variant"),
    *("angle", "rotation", *_SIZES),
)
_FACTS = 3  # of these under a picture

Read = Callable[[Record, Side], Picture]
Item = TypeVar("Item")


def write_sheets(
    place: Place, facts: DatasetFacts, records: Callable[[], Iterable[Record]], read: Read, kernels: Mapping[str, Taps]
) -> None:
    """Write both sheets; no kernel sheet where the dataset has no kernel.

    Which pairs and kernels are shown is a function of their ids, so that two builds show the same ones.

    Args:
        place: where the dataset lies.
        facts: about it.
        records: gives all records.
        read: gives a picture of a record.
        kernels: int32 taps by kernel id, read when they are asked for.
    """
    pairs: dict[str, _Choice[Record]] = {}
    fields: _Choice[Record] = _Choice(_KERNELS)
    for record in records():
        family = str(record.blur.get("family", "unknown"))
        kind = f"{family} {record.blur.get('light')}"
        choice = pairs.setdefault(record.split, _Choice(_PAIRS, _MOST_PAIRS))
        choice.offer(kind, sha256_text(record.pair), record)
        if record.kernels:
            fields.offer(family, record.kernels[0], record)
    name = f"{facts.recipe.name}, version {facts.recipe.version}"
    shown = [(split, pairs[split]) for split in facts.counts if split in pairs]
    sections = [_pairs_section(split, choice, facts.counts[split], read) for split, choice in shown]
    if sections:
        title = f"{name}: blurred (left) and sharp, not enlarged (dataset id {facts.dataset_id[:12]})"
        _write(place, CONTACT, section_sheet(title, sections, _COLUMNS))
    cells = [_kernel_cell(record, kernels) for record in fields.chosen()]
    if cells:
        title = f"{name}: kernels (square root of the taps)"
        heading = f"{len(cells)} of them" if len(cells) == _KERNELS else "all of them"
        columns = min(max(len(cells), 4), _KERNEL_COLUMNS)
        _write(place, KERNEL, section_sheet(title, [Section(heading, cells)], columns, dark=True))


def _write(place: Place, name: str, sheet: Picture) -> None:
    with place.writing(name) as temporary:
        write_png(temporary, sheet)


@dataclass
class _Offer(Generic[Item]):
    """An item with its rank; the heap keeps the least ranks, so it compares the other way round."""

    rank: str
    item: Item

    def __lt__(self, other: _Offer[Item]) -> bool:
        return self.rank > other.rank


class _Choice(Generic[Item]):
    """Chooses a few of many items: those of the least ranks, from each family in turn.

    `most`: how many at most where so many families are needed to have one of each.
    """

    def __init__(self, count: int, most: int = 0) -> None:
        self._count, self._most = count, most
        self._families: dict[str, list[_Offer[Item]]] = {}

    def offer(self, family: str, rank: str, item: Item) -> None:
        """Take note of an item; two of one rank are the same."""
        heap = self._families.setdefault(family, [])
        if any(known.rank == rank for known in heap):
            return
        if len(heap) < self._count:
            heapq.heappush(heap, _Offer(rank, item))
        elif rank < heap[0].rank:
            heapq.heapreplace(heap, _Offer(rank, item))

    def chosen(self) -> list[Item]:
        """The items: by family, by rank."""
        ranked = {family: sorted(heap, key=lambda offer: offer.rank) for family, heap in sorted(self._families.items())}
        turns = zip_longest(*([(family, offer) for offer in heap] for family, heap in ranked.items()))
        count = max(self._count, min(len(ranked), self._most))
        taken = [entry for turn in turns for entry in turn if entry is not None][:count]
        return [offer.item for _, offer in sorted(taken, key=lambda entry: (entry[0], entry[1].rank))]


def _pairs_section(split: str, choice: _Choice[Record], count: int, read: Read) -> Section:
    cells = [_pair_cell(record, read) for record in choice.chosen()]
    return Section(f"{split}: {len(cells)} of {count:,} pairs", cells)


def _pair_cell(record: Record, read: Read) -> Cell:
    sharp, blurred = read(record, "sharp"), read(record, "blur")
    part = _busiest(sharp)
    picture = side_by_side(blurred[part], sharp[part], _HEIGHT, _WIDTH)
    return Cell(picture, f"{record.name}\n{describe(record)}")


def _busiest(picture: Picture) -> tuple[slice, slice]:
    """Of nine parts of a picture, the one with most detail: a blurred sky looks like a sharp one."""
    parts = [
        (slice(top, top + _HEIGHT), slice(left, left + _WIDTH))
        for top in _starts(picture.shape[0], _HEIGHT)
        for left in _starts(picture.shape[1], _WIDTH)
    ]
    return max(parts, key=lambda part: _detail(picture[part]))


def _starts(size: int, shown: int) -> list[int]:
    room = max(0, size - shown)
    return [room // 2, 0, room]  # where all are alike, the middle


def _detail(picture: Picture) -> int:
    grey = picture.sum(axis=2, dtype=np.int64)
    return int(np.abs(np.diff(grey, axis=0)).sum() + np.abs(np.diff(grey, axis=1)).sum())


def _kernel_cell(record: Record, kernels: Mapping[str, Taps]) -> Cell:
    taps = [kernels[name] for name in record.kernels]
    rows, columns = _grid(record, len(taps))
    height, width = (max(kernel.shape[axis] for kernel in taps) for axis in (0, 1))
    size = f"{width}x{height}" if len(taps) == 1 else f"{rows} by {columns}, to {width}x{height}"
    said = [text for key, text in _telling(record) if key not in _SIZES][:_FACTS]
    family = str(record.blur.get("family", "unknown"))
    return Cell(kernel_grid(taps, rows, columns, _KERNEL_SIDE), "\n".join([family, size, *said, record.kernels[0][:8]]))


def _grid(record: Record, count: int) -> tuple[int, int]:
    """Rows and columns of a record's kernels."""
    rows, columns = record.blur.get("rows"), record.blur.get("columns")
    if isinstance(rows, int) and isinstance(columns, int) and rows * columns == count:
        return rows, columns
    return 1, count


def describe(record: Record) -> str:
    """A record's blur in a few words, such as `gaussian-opencv, sigma 1.2, size 9`."""
    said = [str(record.blur.get("family", "unknown")), *(text for _, text in _telling(record)[:_FACTS])]
    light = record.blur.get("light", "stored")
    said += [] if light in ("stored", "recorded") else [f"in {light} light"]
    said += ["then a camera"] if record.camera else []
    return ", ".join(said)


def _telling(record: Record) -> list[tuple[str, str]]:
    """The parameters that tell most, each with its text."""
    parameters = telling_parameters(record)
    values = ((key, parameters.get(key)) for key in _TELLING)
    shown = [(key, f"{key} {_value(value)}") for key, value in values if _is_scalar(value)]
    return [(key, text) for key, text in shown if text != "blades 0"]  # a disk has none


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
