"""How severe a blur is, by one rule for all families: how far its kernel spreads light."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from deblurbench.dataset.kernels import opened_kernels, read_kernel
from deblurbench.dataset.manifest import KERNELS, Record
from deblurbench.dataset.reader import Dataset

_RADII = (0.5, 1.0, 2.0, 4.0, 8.0)  # pixels, where one band ends and the next begins
_DECIBELS = (20.0, 25.0, 30.0, 35.0)  # of the blurred picture, where there is no kernel

Band = tuple[int, str]
"""Its place among all bands, from mild to severe, and its name."""

RULE = (
    "severity: the kernel's RMS radius, the root of its taps' mean squared distance from their centroid, in pixels;\n"
    "of several kernels, the root of the mean square; without a kernel, the blurred picture's PSNR"
)


def rms_radius(taps: npt.NDArray[np.int32]) -> float:
    """A kernel's RMS radius in pixels: of a Gaussian its sigma times 1.41, of a disk its radius / 1.41, of a line
    its length / 3.46 (all but for sampling), and 0 of a delta.
    """
    weights = taps / taps.sum(dtype=np.int64)
    moment = 0.0
    for axis in (0, 1):
        along = weights.sum(axis=1 - axis)
        positions = np.arange(along.size)
        moment += float(along @ (positions - along @ positions) ** 2)
    return math.sqrt(moment)


def kernel_radii(dataset: Dataset, records: Iterable[Record]) -> dict[str, float]:
    """The RMS radius of every kernel of some records, by its id.

    Raises: DatasetError where a kernel is missing or damaged.
    """
    names = {name for record in records for name in record.kernels}
    if not names:
        return {}
    with opened_kernels(dataset.place, KERNELS) as kernels:
        return {name: rms_radius(read_kernel(kernels, name)) for name in sorted(names)}


def severity(record: Record, radii: Mapping[str, float], blurred_psnr: float | None = None) -> Band:
    """The band of a pair.

    Args:
        record: of the pair.
        radii: by kernel id, as `kernel_radii` gives them.
        blurred_psnr: of the blurred picture in dB, for pairs without a kernel.
    """
    if record.kernels:
        mean_square = math.fsum(radii[name] ** 2 for name in record.kernels) / len(record.kernels)
        place = sum(math.sqrt(mean_square) >= edge for edge in _RADII)
        return place, f"RMS radius {_between(_RADII, place)} px"
    if blurred_psnr is None:
        return 200, "no kernel"
    place = sum(blurred_psnr >= edge for edge in _DECIBELS)
    return 100 - place, f"no kernel, blurred PSNR {_between(_DECIBELS, place)} dB"


def _between(edges: tuple[float, ...], place: int) -> str:
    if place == 0:
        return f"below {edges[0]:g}"
    return f"{edges[-1]:g} and more" if place == len(edges) else f"{edges[place - 1]:g} .. {edges[place]:g}"
