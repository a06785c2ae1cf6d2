"""What a deconvolution knows of the blur: one kernel that it was told, or those that a picture leaves probable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from deblurbench.blur.bank import Bank
from deblurbench.blur.estimate import estimate, transfer
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.images.codec import Picture
from deblurbench_baselines.classical.border import Border, Coefficients
from deblurbench_baselines.classical.light import Floats, to_picture, to_planes

_SHARP = 0.7  # pixels: below it a softness of the photograph's own cannot be told from blur
_SILENT = 1 / 12  # grey levels squared: a picture of stripes or of nothing, where only the prior would speak
_SMALLEST = 16  # pixels on the shorter side: below it the spectrum says too little to be acted on
_NEGLIGIBLE = 0.005  # candidates less probable than this are left out of the mean


@dataclass(frozen=True, eq=False)
class Belief:
    """A blur that is one of `kernels`.

    Attributes:
        kernels: at least one.
        weights: their probabilities, float64, summing to 1.
        likeliest: for fitting the picture's spectrum.
        is_rounded: whether rounding to whole grey levels is all the noise there is; else its power is read from the
            picture.
    """

    kernels: Sequence[Kernel]
    weights: Floats
    likeliest: Kernel
    is_rounded: bool = True

    def moments(self, border: Border) -> tuple[Coefficients, Floats]:
        """E[H] and E[|H|^2], rows x columns, at the frequencies of a border; of even kernels both are real."""
        shape = (len(border.rows), len(border.columns))
        mean, square = np.zeros(shape, dtype=np.complex128), np.zeros(shape)
        for weight, kernel in zip(self.weights, self.kernels, strict=True):
            factor = transfer(kernel, border.rows, border.columns)
            mean += weight * factor
            square += weight * (factor.real**2 + factor.imag**2)
        return (mean.real if border.is_exact else mean), square


Deconvolution = Callable[[Floats, Belief], Floats]
"""Takes blurred planes, 3 x H x W, float64 grey levels 0 .. 255 (R, G, B), and what is known of the blur; returns
the sharp planes, neither clipped nor rounded."""


def certain(kernel: Kernel, *, is_rounded: bool = True) -> Belief:
    """The belief of who was told the kernel."""
    return Belief((kernel,), np.ones(1), kernel, is_rounded)


def read(picture: Picture, bank: Bank) -> Belief | None:
    """What uint8 H x W x 3 says about its blur; None where it may well be sharp, or says nothing."""
    if min(picture.shape[:2]) < _SMALLEST:
        return None
    found = estimate(picture, bank)
    if found.spread < _SHARP or found.spectrum.amplitude < _SILENT:
        return None
    kept = np.flatnonzero(found.posterior > _NEGLIGIBLE)
    weights = found.posterior[kept] / found.posterior[kept].sum()
    return Belief([found.bank[i].kernel for i in kept], weights, found.kernel)


def restore_blind(picture: Picture, bank: Bank, deconvolution: Deconvolution) -> Picture:
    """Deblur uint8 H x W x 3 of unknown blur. A picture that may well be sharp, or says nothing, stays as it is."""
    belief = read(picture, bank)
    if belief is None:
        return picture.copy()
    return to_picture(deconvolution(to_planes(picture), belief))


def restore_told(
    picture: Picture, kernel: Kernel, deconvolution: Deconvolution, light: str = STORED, *, camera: bool = False
) -> Picture:
    """Deblur uint8 H x W x 3 of any size that `kernel` blurred in a `light`, as recipes name it.

    Behind a `camera` the noise is not that of rounding alone: its power is read from the picture.
    """
    planes = deconvolution(to_planes(picture, light), certain(kernel, is_rounded=not camera))
    return to_picture(planes, light)
