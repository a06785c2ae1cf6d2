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
from deblurbench.images.codec import Picture

Floats = npt.NDArray[np.float64]

_BINS = 16  # per axis: 448 x 256 leaves 448 coefficients in a bin, so its mean log power is known to 0.1
_FINE = 3  # frequencies per bin and axis at which kernels and features are evaluated
_FROM = 0.4  # radians per sample; below it a picture is its composition, not its texture
_ENOUGH = 4  # coefficients in a bin that counts
_ROUNDING = 1 / 12  # variance of what rounding to integers takes away
_FLOOR = 1e-3  # added to the power (rounding leaves 1/12), so that an empty coefficient has a logarithm
_LOG_CHI2_MEAN, _LOG_CHI2_VARIANCE = -1.270363, 4.934802  # of log(g^2), g standard normal
_MISFIT = 0.3  # nats by which the power of real photographs strays from the smooth model, measured
_TEMPERING = 0.3  # neighbouring bins stray together: this share of the evidence makes the posterior honest
_STEPS = 10
_LATTICE = (np.arange(_BINS * _FINE) + 0.5) * np.pi / (_BINS * _FINE)  # frequencies at which bins are averaged

# What the parameters are before a picture is seen: mean and standard deviation, in the order: log A; -beta; the
# loss of the shrinking filter near the Nyquist frequency; the excess of horizontals and verticals (cos 2t, cos 4t);
# softness, in units of f^2, where nothing tells it from blur: its spread limits the estimate; log and slope of the
# noise (rounding: 1/12, and more where the channels round alike). Measured on 80 training photographs, sharp, shrunk
# with four filters; the share of softness then set so that 40 of them, blurred by sigma 0.8 to 2.7, read unbiased.
_PRIOR_MEAN = np.array([7.8, -2.7, -0.8, 0.0, 0.25, -0.07, -2.1, -0.12])
_PRIOR_SD = np.array([1.5, 0.6, 0.5, 0.36, 0.36, 0.045, 0.2, 0.08])
_ANY_NOISE = 4.0  # standard deviation of the noise's log power where nothing is known of it
_SIGNAL = 6  # how many of them describe the picture; the others are noise
_PARTS = (slice(_SIGNAL), slice(_SIGNAL, None))
_SMALLEST_SKEW = 16  # pixels on the shorter side


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The fitted power of one plane, sharp and without noise; `parameters`: float64, 8, as `_PRIOR_MEAN` has them."""

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
        return float(np.exp(self.parameters[_SIGNAL]))


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
    log_evidence, parameters = _fit(power(grey), gains[0], _PRIOR_MEAN, _PRIOR_SD)
    if min(grey.shape) >= _SMALLEST_SKEW and not all(candidate.kernel.is_symmetric() for candidate in bank):
        log_evidence += _skew_evidence(grey, gains[1:], parameters)
    weight = np.exp(_TEMPERING * (log_evidence - log_evidence.max()))
    return Estimate(bank, log_evidence, weight / weight.sum(), Spectrum(parameters[int(np.argmax(log_evidence))]))


def fit_spectrum(powers: Floats, kernel: Kernel, *, is_rounded: bool = True) -> Spectrum:
    """The spectrum of a plane that `kernel` blurred, from its `power`.

    A plane that mixes the channels must do so with weights whose squares sum to 1: the noise has a known power, that
    of rounding, unless `is_rounded` is false: then it is read from the plane, too, where the kernel leaves little else.
    """
    sd = np.concatenate([[4.0], _PRIOR_SD[1:]])  # colour is fainter than grey, by a factor that varies
    if not is_rounded:
        sd[_SIGNAL] = _ANY_NOISE
    _, parameters = _fit(powers, _log_gains((Candidate("known", kernel),))[0], _PRIOR_MEAN, sd)
    return Spectrum(parameters[0])


def noise_to_signal(spectra: Sequence[Spectrum], rows: Floats, columns: Floats) -> Floats:
    """Noise over sharp power at angular frequencies (radians per sample), len(spectra) x len(rows) x len(columns).

    The sharp picture was rounded too, so no coefficient of it holds less than 1/12.
    """
    signal, noise = _features(rows, columns)
    parameters = np.stack([spectrum.parameters for spectrum in spectra])
    sharp = np.exp(np.minimum(np.tensordot(parameters[:, :_SIGNAL], signal, axes=1), 50.0)) + _ROUNDING
    return np.asarray(np.exp(np.tensordot(parameters[:, _SIGNAL:], noise, axes=1)) / sharp)


def _features(rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """What log power is linear in: for the signal 6 x rows x columns, for the noise 2 x rows x columns."""
    y, x = np.meshgrid(rows, columns, indexing="ij")
    square = np.maximum(y**2 + x**2, 1e-6)
    angle = np.arctan2(y, x)
    one, log = np.ones_like(square), np.log(square) / 2
    signal = [one, log, (x**4 + y**4) / np.pi**4, np.cos(2 * angle), np.cos(4 * angle), square]
    return np.stack(signal), np.stack([one, log])


def _pool(values: Floats) -> Floats:
    """Means over the bins: n x 48 x 48 on the lattice -> n x 256."""
    return values.reshape(-1, _BINS, _FINE, _BINS, _FINE).mean(axis=(2, 4)).reshape(len(values), -1)


@lru_cache(maxsize=1)
def _bin_features() -> tuple[Floats, Floats]:
    """The features of the bins: 256 x 6 and 256 x 2."""
    signal, noise = _features(_LATTICE, _LATTICE)
    return _pool(signal).T, _pool(noise).T


@lru_cache(maxsize=8)
def _log_gains(bank: Bank) -> Floats:
    """log |H|^2 in the bins, 3 x candidates x 256: as a DCT-I coefficient sees it, at (u, v) and at (u, -v)."""
    gains = np.empty((3, len(bank), _BINS**2))
    for i, candidate in enumerate(bank):
        pair = [np.abs(transfer(candidate.kernel, _LATTICE, columns)) ** 2 for columns in (_LATTICE, -_LATTICE)]
        gains[:, i] = _pool(np.log(np.maximum(np.stack([(pair[0] + pair[1]) / 2, *pair]), 1e-12)))
    return gains


def _skew_evidence(grey: Floats, log_gains: Floats, parameters: Floats) -> Floats:
    """The log evidence of what the cosine transform does not see; `log_gains` at (u, v) and at (u, -v)."""
    seen, variance = skew(grey, _BINS)
    signal, noise = (parameters[:, part] @ features.T for part, features in zip(_PARTS, _bin_features(), strict=True))
    here, mirrored = (np.logaddexp(signal + gains, noise) for gains in log_gains)
    return -(((here - mirrored) / 2 - seen) ** 2 / (variance + _MISFIT**2)).sum(axis=1) / 2


def _bin(powers: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Mean log power of the bins, as if of Gaussian coefficients, and how many coefficients each has: 256 and 256."""
    height, width = powers.shape
    rows, columns = frequencies(height), frequencies(width)
    bins = [np.minimum(np.arange(n) * _BINS // max(n - 1, 1), _BINS - 1) for n in (height, width)]
    # The two axes themselves hold the picture's frame and its long straight lines.
    used = (np.hypot(rows[:, None], columns) > _FROM) & (rows > 0)[:, None] & (columns > 0)
    index = (bins[0][:, None] * _BINS + bins[1])[used]
    count = np.bincount(index, minlength=_BINS**2)
    total = np.bincount(index, np.log(powers[used] + _FLOOR), minlength=_BINS**2)
    return total / np.maximum(count, 1) - _LOG_CHI2_MEAN, count


def _fit(powers: Floats, log_gains: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Fit the spectrum under each candidate at once, by Gauss-Newton steps from the prior's mean.

    Returns: log evidence (Laplace's approximation), one per candidate; parameters, candidates x 8.
    """
    log_power, count = _bin(powers)
    used = count >= _ENOUGH
    weight = 1 / (_LOG_CHI2_VARIANCE / count[used] + _MISFIT**2)
    signal, noise = (features[used] for features in _bin_features())
    log_power, log_gains = log_power[used], log_gains[:, used]
    precision = sd**-2.0
    parameters = np.tile(mean, (len(log_gains), 1))
    hessian = np.tile(np.diag(precision), (len(log_gains), 1, 1))
    for _ in range(_STEPS):
        blurred = parameters[:, :_SIGNAL] @ signal.T + log_gains
        model = np.logaddexp(blurred, parameters[:, _SIGNAL:] @ noise.T)
        share = np.exp(blurred - model)[:, :, None]  # of the power that is the picture's
        slopes = np.concatenate([share * signal, (1 - share) * noise], axis=2)
        weighted = (slopes * weight[:, None]).transpose(0, 2, 1)
        hessian = weighted @ slopes + np.diag(precision)
        gradient = (weighted @ (log_power - model)[:, :, None])[:, :, 0] - precision * (parameters - mean)
        # Far from the solution the share saturates; bounded steps keep it from running away.
        parameters = parameters + np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -1.5, 1.5)
    blurred = parameters[:, :_SIGNAL] @ signal.T + log_gains
    residual = log_power - np.logaddexp(blurred, parameters[:, _SIGNAL:] @ noise.T)
    cost = (weight * residual**2).sum(axis=1) + (precision * (parameters - mean) ** 2).sum(axis=1)
    return -(cost + np.linalg.slogdet(hessian)[1]) / 2, parameters
