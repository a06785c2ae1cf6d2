"""`samples/epoch-0007.png`: what the network makes of a few pictures of `val`, epoch by epoch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deblurbench.images.codec import Picture, write_png
from deblurbench.images.sheet import Cell, contact_sheet, middle
from deblurbench_baselines.training.validation import decibels, mean_squared_error

SAMPLES = "samples"
SHOWN = 4
"""How many pictures of `val`, the first by name: the same ones in every epoch, so that they can be compared."""

_HEIGHT, _WIDTH = 192, 224  # of what is shown of each picture, pixels: shrinking it would hide the blur
_NARROWEST = 176  # so that what stands under a picture has room
_CAPTION = 30  # characters that have room under a picture
_MOST = 50


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture of `val` before and after restoring, and as it should be: uint8 H x W x 3 of one shape."""

    name: str
    blurred: Picture
    restored: Picture
    sharp: Picture


def write_samples(run: Path, epoch: int, samples: Sequence[Sample], title: str, *, best: int) -> Path:
    """Draw what an epoch, counted from 1, makes of them into a run folder, and thin out the older drawings.

    `best`: the best epoch so far; its drawing stays. Returns the path of the PNG.
    """
    folder = run / SAMPLES
    folder.mkdir(exist_ok=True)
    path = folder / sample_name(epoch)
    draw_samples(path, samples, title)
    _thin_out(folder, epoch, best)
    return path


def sample_name(epoch: int) -> str:
    """`epoch-0007.png`."""
    return f"epoch-{epoch:04d}.png"


def kept(epoch: int, newest: int, best: int) -> bool:
    """Whether the drawing of an epoch is kept when `newest` is the newest one.

    The first, the best and the newest are; of the others those whose numbers are multiples of the smallest power
    of two that leaves at most 50. So all are kept up to epoch 50, every second one up to 100, every fourth up to 200.
    A training that was interrupted keeps the same ones: multiples of a power of two are multiples of the one before.
    """
    step = 1
    while newest // step > _MOST:
        step *= 2
    return epoch in (1, best, newest) or epoch % step == 0


def draw_samples(path: Path, samples: Sequence[Sample], title: str = "") -> None:
    """Draw the middle of each as a row of a PNG: blurred, restored, sharp, at full resolution.

    Under them stands the PSNR of the whole picture, 10 log10(1 / MSE) in dB.
    """
    if not samples:
        raise ValueError("there is nothing to draw")
    height = max(min(_HEIGHT, sample.sharp.shape[0]) for sample in samples)
    width = max(_NARROWEST, *(min(_WIDTH, sample.sharp.shape[1]) for sample in samples))
    rows = [
        [
            Cell(_part(sample.blurred, height, width), _quality(sample.blurred, sample.sharp)),
            Cell(_part(sample.restored, height, width), _quality(sample.restored, sample.sharp)),
            Cell(_part(sample.sharp, height, width), _shortened(sample.name)),
        ]
        for sample in samples
    ]
    write_png(path, contact_sheet(["blurred", "restored", "sharp"], rows, title))


def _part(picture: Picture, height: int, width: int) -> Picture:
    """The middle of a picture, on white where it is smaller: cells of a sheet are of one size."""
    shown = middle(picture, min(height, _HEIGHT), min(width, _WIDTH))
    cell = np.full((height, width, 3), 255, dtype=np.uint8)
    cell[: shown.shape[0], : shown.shape[1]] = shown
    return cell


def _quality(picture: Picture, sharp: Picture) -> str:
    return f"{decibels(mean_squared_error(picture, sharp)):.2f} dB"


def _shortened(name: str) -> str:
    """A name, or its end, which tells names of one folder apart."""
    return name if len(name) <= _CAPTION else f"...{name[3 - _CAPTION :]}"


def _thin_out(folder: Path, newest: int, best: int) -> None:
    for path in folder.iterdir():
        number = re.fullmatch(r"epoch-(\d{4,9})\.png", path.name)
        if number and int(number[1]) < newest and not kept(int(number[1]), newest, best):
            path.unlink(missing_ok=True)
