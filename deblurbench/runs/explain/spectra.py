"""What a model does to each frequency: its gain, the right gain, and whether it meets the sharp picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.blur.estimate import cosine_transform, frequencies, transfer
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.images.codec import Picture
from deblurbench.runs.explain.subjects import Subject

Floats = npt.NDArray[np.float64]

BINS = 40
"""Of equal width, from 0 to half a cycle per pixel, the highest frequency that rows and columns can hold."""

_WIDTH = 0.5 / BINS


@dataclass(frozen=True, eq=False)
class Gains:
    """Of the brightness of a group of pictures, one figure per bin, float64.

    Amplitudes are square roots of the summed power of the coefficients of the cosine transform (DCT-I), whose even
    extension is the `reflect101` border: nothing leaks in from outside.

    Attributes:
        frequencies: the middle of each bin, cycles per pixel, whatever the direction.
        model: amplitude of restored over blurred.
        right: amplitude of sharp over blurred; None where sharp pictures are not known.
        ideal: 1 / |H|, the inverse of the blur; None where kernels are not known, or act in another light.
        agreement, before: correlation of the coefficients of restored and of blurred with those of sharp: 1 where they
            are right up to a factor, 0 where they have nothing to do with it.
    """

    frequencies: Floats
    model: Floats
    right: Floats | None
    ideal: Floats | None
    agreement: Floats | None
    before: Floats | None

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, without what is not known."""
        return {name: [round(float(v), 6) for v in value] for name, value in vars(self).items() if value is not None}


def gains(subjects: Sequence[Subject]) -> Gains:
    """The gains over restored subjects of one group. A bin without coefficients takes the nearest."""
    sums: dict[str, Floats] = {}

    def add(name: str, index: npt.NDArray[np.int64], values: Floats) -> None:
        sums[name] = sums.get(name, np.zeros(BINS)) + np.bincount(index, values, minlength=BINS)[:BINS]

    sharp_known = all(subject.sharp is not None for subject in subjects)
    kernel_known = all(subject.blur is not None and subject.blur.light == STORED for subject in subjects)
    for subject in subjects:
        assert subject.restored is not None
        blurred, restored = _coefficients(subject.blurred), _coefficients(subject.restored)
        rows, columns = (frequencies(size) for size in subject.blurred.shape[:2])
        index, used = _bins(rows, columns)
        scale = 1.0 / blurred.size  # pictures of any size count alike per coefficient
        add("count", index, np.ones(len(index)))
        add("blurred", index, scale * blurred[used] ** 2)
        add("restored", index, scale * restored[used] ** 2)
        if sharp_known and subject.sharp is not None:
            sharp = _coefficients(subject.sharp)
            add("sharp", index, scale * sharp[used] ** 2)
            add("hit", index, scale * (sharp * restored)[used])
            add("hit before", index, scale * (sharp * blurred)[used])
        if kernel_known and subject.blur is not None:
            add("passed", index, _power_of(subject.blur.kernel, rows, columns)[used])
    present = {name: _filled(values, sums["count"]) for name, values in sums.items()}
    tiny = np.finfo(np.float64).tiny
    blurred_power, restored_power = np.maximum(present["blurred"], tiny), np.maximum(present["restored"], tiny)
    sharp_power = np.maximum(present["sharp"], tiny) if sharp_known else None
    return Gains(
        np.asarray((np.arange(BINS) + 0.5) * _WIDTH, dtype=np.float64),
        np.sqrt(present["restored"] / blurred_power),
        np.sqrt(sharp_power / blurred_power) if sharp_power is not None else None,
        np.sqrt(present["count"] / np.maximum(present["passed"], 1e-12)) if kernel_known else None,
        present["hit"] / np.sqrt(sharp_power * restored_power) if sharp_power is not None else None,
        present["hit before"] / np.sqrt(sharp_power * blurred_power) if sharp_power is not None else None,
    )


def _coefficients(picture: Picture) -> Floats:
    return cosine_transform(picture.mean(axis=2, dtype=np.float64))


def _bins(rows: Floats, columns: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The bin of each coefficient that has one, and which have: all but the mean and the corners."""
    radius = np.hypot(rows[:, None], columns) / (2 * np.pi)
    used = (radius > 0) & (radius <= 0.5)
    return np.minimum((radius[used] / _WIDTH).astype(np.int64), BINS - 1), used


def _power_of(kernel: Kernel, rows: Floats, columns: Floats) -> Floats:
    """|H|^2, as a coefficient sees it: the mean over a frequency and its mirror image."""
    here, mirrored = transfer(kernel, rows, columns), transfer(kernel, rows, -columns)
    return np.asarray((np.abs(here) ** 2 + np.abs(mirrored) ** 2) / 2)


def _filled(values: Floats, count: Floats) -> Floats:
    """The values, where a bin without coefficients has those of the nearest one that has some."""
    known = np.flatnonzero(count)
    nearest = known[np.abs(known[:, None] - np.arange(BINS)).argmin(axis=0)]
    return np.asarray(values[nearest])
