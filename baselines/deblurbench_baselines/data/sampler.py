"""Which crops an epoch shows: a function of (seed, epoch) alone, so that a resumed run needs no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from deblurbench.draws import Draws
from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench_baselines.training.settings import TrainingSettings

_ORIENTATIONS = {"dihedral": tuple(range(8)), "mirror": (0, 4), "none": (0,)}


class Crop(NamedTuple):
    """A square piece of a pair; where it lies follows once the pair's size is known.

    Attributes:
        epoch: counted from 1.
        number: of the crop in its epoch, from 0.
        pair: the index of its pair.
        down, right: uniform in 0 .. 2^32 - 1; they choose the top left corner.
        orientation: quarter turns, counter-clockwise; from 4 on mirrored afterwards.
    """

    epoch: int
    number: int
    pair: int
    down: int
    right: int
    orientation: int

    def corner(self, height: int, width: int, side: int) -> tuple[int, int]:
        """(top, left) of this crop of `side` pixels in a picture that is at least as large."""
        return (self.down * (height - side + 1)) >> 32, (self.right * (width - side + 1)) >> 32


def epoch_crops(settings: TrainingSettings, pairs: int, epoch: int) -> list[Crop]:
    """The crops of an epoch (from 1) in the order in which they are shown; each pair gives `crops_per_pair`."""
    count = pairs * settings.crops_per_pair
    item = f"epoch-{epoch}"
    order = np.argsort(Draws(settings.seed, item, "order").words(count), kind="stable") % pairs
    down, right = (Draws(settings.seed, item, purpose).words(count) for purpose in ("top", "left"))
    turns = _ORIENTATIONS[settings.augment]
    turned = np.array(turns)[Draws(settings.seed, item, "orientation").integers(0, len(turns) - 1, count)]
    columns = (order, down, right, turned)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Crop(epoch, number, *row) for number, row in enumerate(rows)]


def batches(crops: Sequence[Crop], size: int) -> Iterator[Sequence[Crop]]:
    """The crops, `size` at a time; the last batch may be smaller."""
    for first in range(0, len(crops), size):
        yield crops[first : first + size]


def cut(picture: Picture, crop: Crop, side: int) -> Picture:
    """The crop's `side` x `side` pixels of H x W x C, turned by a multiple of 90 degrees and perhaps mirrored."""
    height, width = picture.shape[:2]
    top, left = crop.corner(height, width, side)
    piece = np.rot90(picture[top : top + side, left : left + side], crop.orientation % 4)
    return piece[:, ::-1] if crop.orientation >= 4 else piece


def check_size(name: str, height: int, width: int, side: int) -> None:
    """Raise RunError where the pair of that name is smaller than a crop of `side` pixels."""
    if min(height, width) < side:
        raise RunError(
            f"train/{name} is {width}x{height}, smaller than a crop of {side}",
            f"use --set training.crop={min(height, width)} or less, with --overwrite",
        )
