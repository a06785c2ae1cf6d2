"""Which crops an epoch shows: a function of (seed, epoch) alone, so that a resumed run needs no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deblurbench.draws import Draws
from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench_baselines.training.pairs import Pair
from deblurbench_baselines.training.settings import TrainingSettings

_ORIENTATIONS = 8  # four rotations, each also mirrored


@dataclass(frozen=True)
class Crop:
    """A square piece of a pair: the pair's index, its top left corner (pixels), and how it is turned."""

    pair: int
    top: int
    left: int
    orientation: int


def epoch_crops(settings: TrainingSettings, sizes: Sequence[tuple[int, int]], epoch: int) -> list[Crop]:
    """The crops of an epoch in the order in which they are shown; each pair gives `crops_per_pair`.

    Args:
        sizes: height and width of each pair.
        epoch: counted from 1.
    """
    count = len(sizes) * settings.crops_per_pair
    item = f"epoch-{epoch}"
    order = np.argsort(Draws(settings.seed, item, "order").words(count), kind="stable") % len(sizes)
    top, left = (Draws(settings.seed, item, purpose).words(count) for purpose in ("top", "left"))
    turned = Draws(settings.seed, item, "orientation").integers(0, _ORIENTATIONS - 1, count)
    rooms = np.array(sizes, dtype=np.int64)[order] - settings.crop + 1
    columns = (order, (top * rooms[:, 0]) >> 32, (left * rooms[:, 1]) >> 32, turned)
    return [Crop(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def batches(crops: Sequence[Crop], size: int) -> Iterator[Sequence[Crop]]:
    """The crops, `size` at a time; the last batch may be smaller."""
    for first in range(0, len(crops), size):
        yield crops[first : first + size]


def cut(picture: Picture, crop: Crop, side: int) -> Picture:
    """The crop's `side` x `side` pixels, turned by a multiple of 90 degrees and perhaps mirrored."""
    piece = picture[crop.top : crop.top + side, crop.left : crop.left + side]
    piece = np.rot90(piece, crop.orientation % 4)
    return piece[:, ::-1] if crop.orientation >= 4 else piece


def check_sizes(settings: TrainingSettings, pairs: Sequence[Pair]) -> None:
    """Raise RunError naming the first pair that is smaller than a crop."""
    for pair in pairs:
        height, width = pair.size
        if min(height, width) < settings.crop:
            raise RunError(
                f"train/{pair.name} is {width}x{height}, smaller than a crop of {settings.crop}",
                f"use --set training.crop={min(height, width)} or less, with --overwrite",
            )
