"""Pictures that lie in a device's memory as uint8, all in one tensor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from deblurbench.dataset.formats.format import Side
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.images.codec import Picture
from deblurbench.progress import progress

_THREADS = min(8, os.cpu_count() or 1)
_AHEAD = 64  # pictures that are read and not yet taken
_SAMPLE = 16  # pictures whose sizes stand for all


class Wanted(NamedTuple):
    """One picture of a dataset."""

    record: Record
    side: Side


@dataclass(frozen=True, eq=False)
class Frames:
    """Pictures of any sizes.

    Attributes:
        pixels: uint8, P x 3: the rows of all pictures, one picture after the other.
        places: int64, n x 3, on the same device: by picture, its first pixel, its height and its width.
        table: the same as whole numbers.
    """

    pixels: torch.Tensor
    places: torch.Tensor
    table: list[tuple[int, int, int]]

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a picture."""
        return self.table[index][1:]

    def picture(self, index: int) -> torch.Tensor:
        """A picture, uint8 H x W x 3; it shares this memory."""
        first, height, width = self.table[index]
        return self.pixels[first : first + height * width].view(height, width, 3)


def read_frames(dataset: Dataset, wanted: Sequence[Wanted], device: torch.device, *, quiet: bool = False) -> Frames:
    """Pictures of a dataset, in this order, in a device's memory.

    Raises: PictureError naming one that is missing or damaged.
    """
    expected = mean_pixels(dataset, [one.record for one in wanted]) * len(wanted)
    return pack(read_pictures(dataset, wanted, quiet=quiet), device, round(expected))


def mean_pixels(dataset: Dataset, records: Sequence[Record]) -> float:
    """How many pixels a pair's picture has on average: those of a few that are spread evenly. 0 for no pairs.

    Raises: PictureError where one cannot be read.
    """
    some = records[:: -(-len(records) // _SAMPLE) or 1]
    return sum(dataset.read(record, "sharp").size for record in some) / 3 / max(len(some), 1)


def pack(pictures: Iterable[Picture], device: torch.device, expected: int = 0) -> Frames:
    """Put pictures, uint8 H x W x 3, into one tensor.

    Args:
        pictures: taken one at a time, so that memory never holds all of them twice.
        device: where the tensor lies.
        expected: how many pixels all have together; where they have more, some are copied once more.
    """
    pixels = torch.empty((expected, 3), dtype=torch.uint8, device=device)
    table, first = [], 0
    for picture in pictures:
        height, width = picture.shape[:2]
        table.append((first, height, width))
        end = first + height * width
        if end > len(pixels):
            larger = pixels.new_empty((end + end // 8, 3))
            larger[:first] = pixels[:first]
            pixels = larger
        rows = np.require(picture, requirements=["C", "W"]).reshape(-1, 3)  # torch takes no read-only arrays
        pixels[first:end] = torch.from_numpy(rows).to(device)
        first = end
    return Frames(pixels[:first], torch.tensor(table, dtype=torch.int64).reshape(-1, 3).to(device), table)


def read_pictures(dataset: Dataset, wanted: Sequence[Wanted], *, quiet: bool = False) -> Iterator[Picture]:
    """Pictures, uint8 H x W x 3, in this order, read by several threads.

    Raises: PictureError naming one that is missing or damaged.
    """
    with ExitStack() as stack:
        splits = sorted({one.record.split for one in wanted})
        readers = {split: stack.enter_context(closing(dataset.reader(split))) for split in splits}
        bar = stack.enter_context(progress("read", len(wanted), "pictures", quiet=quiet))
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS))
        for start in range(0, len(wanted), _AHEAD):
            some = wanted[start : start + _AHEAD]
            for picture in pool.map(lambda one: readers[one.record.split].read(one.record, one.side), some):
                yield picture
                bar.step()
