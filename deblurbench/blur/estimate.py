"""Which kernel of a bank blurred this picture? Answered from its power spectrum alone.

A photograph's power spectrum falls smoothly, about as A f^-beta; a blur multiplies it by |H|^2 and the rounding
to 8 bits adds a floor that is nearly white. For every kernel of a bank the smooth part and the floor are fitted
(maximum a posteriori), and the kernels are compared by the evidence that is left: a Whittle likelihood, taken on
the logarithm of the power so that a few strong lines in a picture do not decide.

The spectrum is that of the type-I cosine transform (DCT-I). Its even extension is the `reflect101` border, so it
turns the blur with a symmetric kernel into a multiplication by `transfer`, exactly, border and all. Of other
kernels it sees the power alone, and cannot tell them from their mirror images: that is asked of `skew`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from deblurbench.blur.bank import Bank, Candidate, gaussian_bank, spread
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.skew import skew
from deblurbench.blur.spectrum_model import (
    BINS,
    ENOUGH,
    FLOOR,
    LATTICE,
    LOG_CHI2_MEAN,
    LOG_CHI2_VARIANCE,
    LOWEST,
    MISFIT,
    PRIOR_MEAN,
    PRIOR_SD,
    ROUNDING,
    SIGNAL,
    TEMPERING,
    bin_features,
    features,
    pooled,
)
from deblurbench.images.codec import Picture

Floats = npt.NDArray[np.float64]

_STEPS = 10
_ANY_NOISE = 4.0  # standard deviation of the noise's log power where nothing is known of it
_PARTS = (slice(SIGNAL), slice(SIGNAL, None))
_SMALLEST_SKEW = 16  # pixels on the shorter side


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The fitted power of one plane, sharp and without noise; `parameters`: float64, 8, as `PRIOR_MEAN` has them."""

    parameters: Floats

    @property
    def amplitude(self) -> float:
        """A: the power of the sharp picture at 1 radian per sample, in grey levels squared, without its other terms."""
        return float(np.exp(self.parameters[0]))

    @property
    def beta(self) -> float:
        """The exponent of the fall of power with frequency, without its other terms."""
        return -float(self.parameters[1])

    @property
    def noise(self) -> float:
        """The power of the noise at 1 radian per sample, in grey levels squared (rounding alone: 1/12)."""
        return float(np.exp(self.parameters[SIGNAL]))


@dataclass(frozen=True, eq=False)
class Estimate:
    """What the likelihood says about a bank.

    Attributes:
        bank: the candidates.
        log_evidence: float64, one per candidate; only differences have a meaning.
        posterior: float64, one per candidate, sums to 1: all candidates are equal before the picture is seen.
        spectrum: the picture's spectrum (its mean over the channels, times sqrt(3)) under the best candidate.
    """

    bank: Bank
    log_evidence: Floats
    posterior: Floats
    spectrum: Spectrum

    @property
    def index(self) -> int:
        """The position of the best candidate in the bank."""
        return int(np.argmax(self.log_evidence))

    @property
    def kernel(self) -> Kernel:
        """The kernel of the best candidate."""
        return self.bank[self.index].kernel

    @property
    def spread(self) -> float:
        """The expected standard deviation of the kernel in pixels: for Gaussians, sigma with its fraction."""
        return float(self.posterior @ [spread(candidate.kernel) for candidate in self.bank])


def frequencies(size: int) -> Floats:
    """The angular frequencies of the DCT-I of an axis of `size` samples: 0 .. pi radians per sample, float64."""
    return np.pi * np.arange(size) / max(size - 1, 1)


def transfer(kernel: Kernel, rows: Floats, columns: Floats) -> npt.NDArray[np.complex128]:
    """The Fourier transform of a kernel about its centre, len(rows) x len(columns), 1 at frequency 0.

    `rows` and `columns` are angular frequencies along the two axes, radians per sample. For a symmetric kernel
    it is real, and at `frequencies` it is the factor of each DCT-I coefficient.
    """
    height, width = kernel.taps.shape
    down = np.exp(-1j * np.outer(rows, np.arange(height) - height // 2))
    across = np.exp(-1j * np.outer(np.arange(width) - width // 2, columns))
    return np.asarray(down @ kernel.weights @ across)


def cosine_transform(planes: Floats, *, inverse: bool = False) -> Floats:
    """The DCT-I along the last two axes, or its inverse; float64 in and out.

    White noise of variance v comes out with mean power 4 (h - 1) (w - 1) v. SciPy's `norm="ortho"` weighs
    the border samples, which would undo the mirror: it is not used. An axis of one sample stays as it is.
    """
    from scipy.fft import dct, idct

    for axis in (-2, -1):
        if planes.shape[axis] > 1:
            planes = (idct if inverse else dct)(planes, type=1, axis=axis)
    return planes


def power(plane: Floats) -> Floats:
    """The power of each DCT-I coefficient of a plane (h x w float64), scaled so that white noise keeps its variance."""
    height, width = plane.shape
    gain = (2 * (height - 1) if height > 1 else 1) * (2 * (width - 1) if width > 1 else 1)
    return np.asarray(cosine_transform(plane) ** 2 / gain)


def estimate(picture: Picture, bank: Bank | None = None) -> Estimate:
    """Compare the kernels of a bank as explanations of a picture.

    Args:
        picture: uint8 H x W x 3, blurred and rounded, any size. Below about 32 x 32 it says little, and the
            posterior is broad.
        bank: the candidates, at least one; `gaussian_bank()` where none are given.
    """
    bank = gaussian_bank() if bank is None else bank
    grey = picture.astype(np.float64).sum(axis=2) / np.sqrt(3)
    gains = _log_gains(bank)
    log_evidence, parameters = _fit(power(grey), gains[0], PRIOR_MEAN, PRIOR_SD)
    if min(grey.shape) >= _SMALLEST_SKEW and not all(candidate.kernel.is_symmetric() for candidate in bank):
        log_evidence += _skew_evidence(grey, gains[1:], parameters)
    weight = np.exp(TEMPERING * (log_evidence - log_evidence.max()))
    return Estimate(bank, log_evidence, weight / weight.sum(), Spectrum(parameters[int(np.argmax(log_evidence))]))


def fit_spectrum(powers: Floats, kernel: Kernel, *, is_rounded: bool = True) -> Spectrum:
    """The spectrum of a plane that `kernel` blurred, from its `power`.

    A plane that mixes the channels must do so with weights whose squares sum to 1: the noise has a known power, that
    of rounding, unless `is_rounded` is false: then it is read from the plane, too, where the kernel leaves little else.
    """
    sd = np.concatenate([[4.0], PRIOR_SD[1:]])  # colour is fainter than grey, by a factor that varies
    if not is_rounded:
        sd[SIGNAL] = _ANY_NOISE
    _, parameters = _fit(powers, _log_gains((Candidate("known", kernel),))[0], PRIOR_MEAN, sd)
    return Spectrum(parameters[0])


def noise_to_signal(spectra: Sequence[Spectrum], rows: Floats, columns: Floats) -> Floats:
    """Noise over sharp power at angular frequencies (radians per sample), len(spectra) x len(rows) x len(columns).

    The sharp picture was rounded too, so no coefficient of it holds less than 1/12.
    """
    signal, noise = features(rows, columns)
    parameters = np.stack([spectrum.parameters for spectrum in spectra])
    sharp = np.exp(np.minimum(np.tensordot(parameters[:, :SIGNAL], signal, axes=1), 50.0)) + ROUNDING
    return np.asarray(np.exp(np.tensordot(parameters[:, SIGNAL:], noise, axes=1)) / sharp)


@lru_cache(maxsize=8)
def _log_gains(bank: Bank) -> Floats:
    """log |H|^2 in the bins, 3 x candidates x 256: as a DCT-I coefficient sees it, at (u, v) and at (u, -v)."""
    gains = np.empty((3, len(bank), BINS**2))
    for i, candidate in enumerate(bank):
        pair = [np.abs(transfer(candidate.kernel, LATTICE, columns)) ** 2 for columns in (LATTICE, -LATTICE)]
        gains[:, i] = pooled(np.log(np.maximum(np.stack([(pair[0] + pair[1]) / 2, *pair]), 1e-12)))
    return gains


def _skew_evidence(grey: Floats, log_gains: Floats, parameters: Floats) -> Floats:
    """The log evidence of what the cosine transform does not see; `log_gains` at (u, v) and at (u, -v)."""
    seen, variance = skew(grey, BINS)
    signal, noise = (parameters[:, part] @ features.T for part, features in zip(_PARTS, bin_features(), strict=True))
    here, mirrored = (np.logaddexp(signal + gains, noise) for gains in log_gains)
    return -(((here - mirrored) / 2 - seen) ** 2 / (variance + MISFIT**2)).sum(axis=1) / 2


def _bin(powers: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Mean log power of the bins, as if of Gaussian coefficients, and how many coefficients each has: 256 and 256."""
    height, width = powers.shape
    rows, columns = frequencies(height), frequencies(width)
    bins = [np.minimum(np.arange(n) * BINS // max(n - 1, 1), BINS - 1) for n in (height, width)]
    # The two axes themselves hold the picture's frame and its long straight lines.
    used = (np.hypot(rows[:, None], columns) > LOWEST) & (rows > 0)[:, None] & (columns > 0)
    index = (bins[0][:, None] * BINS + bins[1])[used]
    count = np.bincount(index, minlength=BINS**2)
    total = np.bincount(index, np.log(powers[used] + FLOOR), minlength=BINS**2)
    return total / np.maximum(count, 1) - LOG_CHI2_MEAN, count


def _fit(powers: Floats, log_gains: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Fit the spectrum under each candidate at once, by Gauss-Newton steps from the prior's mean.

    Returns: log evidence (Laplace's approximation), one per candidate; parameters, candidates x 8.
    """
    log_power, count = _bin(powers)
    used = count >= ENOUGH
    weight = 1 / (LOG_CHI2_VARIANCE / count[used] + MISFIT**2)
    signal, noise = (part[used] for part in bin_features())
    log_power, log_gains = log_power[used], log_gains[:, used]
    precision = sd**-2.0
    parameters = np.tile(mean, (len(log_gains), 1))
    hessian = np.tile(np.diag(precision), (len(log_gains), 1, 1))
    for _ in range(_STEPS):
        blurred = parameters[:, :SIGNAL] @ signal.T + log_gains
        model = np.logaddexp(blurred, parameters[:, SIGNAL:] @ noise.T)
        share = np.exp(blurred - model)[:, :, None]  # of the power that is the picture's
        slopes = np.concatenate([share * signal, (1 - share) * noise], axis=2)
        weighted = (slopes * weight[:, None]).transpose(0, 2, 1)
        hessian = weighted @ slopes + np.diag(precision)
        gradient = (weighted @ (log_power - model)[:, :, None])[:, :, 0] - precision * (parameters - mean)
        # Far from the solution the share saturates; bounded steps keep it from running away.
        parameters = parameters + np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -1.5, 1.5)
    blurred = parameters[:, :SIGNAL] @ signal.T + log_gains
    residual = log_power - np.logaddexp(blurred, parameters[:, SIGNAL:] @ noise.T)
    cost = (weight * residual**2).sum(axis=1) + (precision * (parameters - mean) ** 2).sum(axis=1)
    return -(cost + np.linalg.slogdet(hessian)[1]) / 2, parameters
