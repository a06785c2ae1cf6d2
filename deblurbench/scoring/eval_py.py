"""The GNR638 course's evaluation script: its number, digit by digit, and what it keeps silent about.

The script (spring 2024, mini-project 2) takes the names in the sharp folder as the system lists them, unsorted, keeps
those that end in `.png` or `.jpg`, reads both pictures of a name with `skimage.io.imread`, takes scikit-image's
`peak_signal_noise_ratio(sharp, prediction)`, adds the dB up in that order and divides by their number.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import DeblurbenchError, PictureError, UsageError
from deblurbench.images.png_decode import read_plain_png
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.pictures.readers import decoding
from deblurbench.scoring.pictures.reading import shape_words

SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True)
class EvalPy:
    """What the script computes, and what it says nothing about.

    Attributes:
        values: PSNR in dB by name, in the script's order.
        skipped: names in SHARP that do not end as the script wants.
        extra: names in PREDS that would count and have no sharp picture.
    """

    values: dict[str, float]
    skipped: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def average(self) -> float:
        """In dB, added up as the script does: in its order, rounded after each addition; infinite where one is."""
        total = 0.0
        for value in self.values.values():
            total += value  # not sum(), which is more exact than the script's from Python 3.12 on
        return total / len(self.values)

    @property
    def equal(self) -> list[str]:
        """The names of the predictions that equal their sharp pictures."""
        return [name for name, value in self.values.items() if math.isinf(value)]

    @property
    def text(self) -> str:
        """The script's two lines."""
        return f"{len(self.values)}\nAverage PSNR between corresponding images: {self.average} dB"


def eval_py(sharp: Path, predictions: Path) -> EvalPy:
    """Score two folders as the script does.

    Raises: UsageError where a folder is missing, has no pictures that count, or both are one; DeblurbenchError where a
        prediction is missing or a pair cannot be compared (the script ends there with a traceback).
    """
    for folder, what in ((sharp, "sharp pictures"), (predictions, "predictions")):
        if not folder.is_dir():
            raise UsageError(f"no folder {folder}", f"name the folder of the {what}")
    if predictions.resolve() == sharp.resolve():
        raise UsageError(f"SHARP and PREDS are the same folder, {sharp}", "each picture would score infinity")
    listed = os.listdir(sharp)
    names = [name for name in listed if name.endswith(SUFFIXES)]
    skipped = tuple(sorted(set(listed) - set(names)))
    if not names:
        raise UsageError(f"no pictures in {sharp}", "only names that end in .png or .jpg, in small letters, count")
    values, failures = {}, []
    for name in names:
        try:
            values[name] = _psnr(sharp / name, predictions / name)
        except PictureError as error:
            failures.append(f"{name}: {error}")
    if failures:
        raise _failed(sorted(failures), len(names))
    extra = sorted(name for name in os.listdir(predictions) if name.endswith(SUFFIXES) and name not in values)
    return EvalPy(values, skipped, tuple(extra))


def _psnr(sharp: Path, prediction: Path) -> float:
    """In dB, with scikit-image's digits."""
    if not prediction.exists():
        raise PictureError("the prediction is missing")
    x, y = _read(prediction), _read(sharp)
    if x.shape != y.shape:
        raise PictureError(f"the prediction is {shape_words(x.shape)}, the sharp picture {shape_words(y.shape)}")
    if x.dtype == y.dtype == np.uint8:  # the error is a ratio of integers, so that every exact way has its digits
        error = engine.choose().squared_error(x, y) / y.size
        return float(10 * np.log10(255.0**2 / error)) if error else math.inf
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(y, x))  # type: ignore[no-untyped-call]


def _read(path: Path) -> npt.NDArray[Any]:
    """What `skimage.io.imread` gives, of whatever depth and channels. Raises PictureError."""
    from imageio.v3 import imread  # skimage's decoder; unlike skimage, it closes a file that it cannot decode

    with decoding(path):
        picture = read_plain_png(path)
        return imread(path, plugin="pillow") if picture is None else picture


def _failed(failures: Sequence[str], n: int) -> DeblurbenchError:
    more = f"; and {len(failures) - 1} more" if len(failures) > 1 else ""
    return DeblurbenchError(f"{len(failures)} of {n} pictures cannot be scored, so no average", failures[0] + more)
