"""Banks of kernels: the candidates that `estimate` compares as explanations of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import UNIT, Kernel


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
