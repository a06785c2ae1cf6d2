"""Banks of kernels: the candidates that `estimate` compares as explanations of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deblurbench.blur.defocus import disk_areas
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import UNIT, Kernel, quantise
from deblurbench.blur.kernel import spread as kernel_of
from deblurbench.blur.linear_motion import line_weights


@dataclass(frozen=True)
class Candidate:
    """An entry of a bank: a kernel and what people call it, e.g. `gaussian-opencv 1.20`."""

    label: str
    kernel: Kernel


Bank = tuple[Candidate, ...]


@lru_cache(maxsize=8)
def gaussian_bank(low: float = 0.3, high: float = 3.0, step: float = 0.05) -> Bank:
    """Gaussians of sigma low .. high (pixels, both included), ideal ones and OpenCV's 8-bit ones.

    OpenCV's taps are coarse enough to show in a spectrum: without its own candidates, sigma 1.2 reads 0.03 low.
    Equal kernels are kept once.
    """
    count = round((high - low) / step) + 1
    seen: dict[str, Candidate] = {}
    for family in (Gaussian, GaussianOpenCV):
        for i in range(count):
            sigma = round(low + i * step, 6)
            kernel = _balance(family(sigma=sigma).kernel())
            seen.setdefault(kernel.id, Candidate(f"{family.family} {sigma:.2f}", kernel))
    return tuple(seen.values())


@lru_cache(maxsize=1)
def general_bank() -> Bank:
    """`gaussian_bank`, and beside it defocus (disks of radius 0.75 .. 8) and linear motion (3 .. 20 pixels long).

    Motion comes in steps of 10 degrees; lengths and radii grow in steps of 5 to 8 %, as far as a spectrum tells them
    apart.
    """
    disks = [round(0.75 * (8 / 0.75) ** (i / 40), 2) for i in range(41)]
    lengths = [round(3 * (20 / 3) ** (i / 24), 2) for i in range(25)]
    bank = [*gaussian_bank()]
    bank += [Candidate(f"defocus {radius:.2f}", kernel_of(disk_areas(radius))) for radius in disks]
    for length in lengths:
        for angle in range(0, 180, 10):
            bank.append(Candidate(f"linear-motion {length:.2f} at {angle}", quantise(line_weights(length, angle))))
    return tuple(bank)


BANKS: dict[str, Callable[[], Bank]] = {"gaussian": gaussian_bank, "general": general_bank}
"""The banks by the names that recipes know."""


def _balance(kernel: Kernel) -> Kernel:
    """The symmetric kernel nearest to one that quantisation left a unit off."""
    taps = kernel.taps
    taps = (taps + taps[::-1] + taps[:, ::-1] + taps[::-1, ::-1]) // 4
    taps[taps.shape[0] // 2, taps.shape[1] // 2] += UNIT - taps.sum()
    return Kernel(taps)


def spread(kernel: Kernel) -> float:
    """The standard deviation of a kernel about its own centroid, in pixels, averaged over the two axes."""
    variance = 0.0
    for axis in (0, 1):
        line = kernel.weights.sum(axis=1 - axis)
        position = np.arange(len(line))
        variance += float(line @ position**2 - (line @ position) ** 2)
    return float(np.sqrt(max(variance, 0.0) / 2))
