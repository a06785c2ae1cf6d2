"""Wiener deconvolution: the best linear answer to a known blur, and a blind one on top of it.

Each coefficient of the picture's spectrum is multiplied by conj(H) S / (|H|^2 S + N): close to the inverse of the
blur where the picture stands above the rounding noise, towards zero where it does not. S and N are fitted to the
picture itself, for brightness and two opponent colours apart: colour is fainter, drowns earlier, and is
regularised more by itself. Nothing is trained. (N. Wiener, Extrapolation, Interpolation, and Smoothing of
Stationary Time Series, 1949.)

Half of the work is the border. A blur with a `reflect101` border and a symmetric kernel is diagonal under the
DCT-I, so nothing leaks in from outside. Other kernels are inverted by the Fourier transform of the mirrored
picture, which is periodic without a step, in several passes that work out what lies beyond the border.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deblurbench.blur.convolve import reflect101
from deblurbench.blur.estimate import (
    Spectrum,
    cosine_transform,
    estimate,
    fit_spectrum,
    frequencies,
    noise_to_signal,
    power,
    transfer,
)
from deblurbench.blur.kernel import Kernel
from deblurbench.images.codec import Picture

Floats = npt.NDArray[np.float64]

# Orthonormal, so that the rounding noise of the three planes is that of the three channels.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
_SHARP = 0.7  # pixels: below it a softness of the photograph's own cannot be told from blur
_SILENT = 1 / 12  # grey levels squared: a picture of stripes or of nothing, where only the prior would speak
_SMALLEST = 16  # pixels on the shorter side: below it the spectrum says too little to be acted on
_NEGLIGIBLE = 0.005  # candidates less probable than this are left out of the mean
# Times N / S, pass by pass, 1000 .. 3. Ending at 1 gains 1 to 2 dB on most kernels, and fails on diagonal streaks.
_CAUTION = tuple(1000 * 0.003 ** (i / 7) for i in range(8))


def restore(picture: Picture) -> Picture:
    """Deblur uint8 H x W x 3 of unknown Gaussian blur; returns uint8 of the same shape.

    The kernel is not guessed: the filter is the best one on average over all that the picture leaves probable,
    which regularises more where it leaves more. A picture that may well be sharp, or that says nothing, comes
    back as it is.
    """
    if min(picture.shape[:2]) < _SMALLEST:
        return picture.copy()
    found = estimate(picture)
    if found.spread < _SHARP or found.spectrum.amplitude < _SILENT:
        return picture.copy()
    kept = np.flatnonzero(found.posterior > _NEGLIGIBLE)
    weights = found.posterior[kept] / found.posterior[kept].sum()
    return _deconvolve(picture, [found.bank[i].kernel for i in kept], weights, found.kernel)


def deconvolve(picture: Picture, kernel: Kernel) -> Picture:
    """Deblur uint8 H x W x 3 of any size that was blurred with `kernel`; returns uint8, clipped and rounded."""
    return _deconvolve(picture, [kernel], np.ones(1), kernel)


def _deconvolve(picture: Picture, kernels: Sequence[Kernel], weights: Floats, likeliest: Kernel) -> Picture:
    """Invert a blur that is one of `kernels` with probabilities `weights`; `likeliest` is for fitting the spectra."""
    planes = np.tensordot(_OPPONENT, picture.astype(np.float64), axes=(1, 2))
    spectra = [fit_spectrum(power(plane), likeliest) for plane in planes]
    # Quantisation may take a unit from a symmetric kernel's tap; to a picture that is far below its rounding.
    filtered = _by_cosines if all(kernel.is_symmetric(within=1) for kernel in kernels) else _by_mirror
    restored = np.tensordot(filtered(planes, kernels, weights, spectra), _OPPONENT, axes=(0, 0))
    return np.clip(np.rint(restored), 0, 255).astype(np.uint8)


def _by_cosines(planes: Floats, kernels: Sequence[Kernel], weights: Floats, spectra: Sequence[Spectrum]) -> Floats:
    """Filter 3 x H x W under the DCT-I: for even kernels, whose transfer is real."""
    rows, columns = (frequencies(size) for size in planes.shape[1:])
    mean, square, ratios = _statistics(rows, columns, kernels, weights, spectra)
    return cosine_transform(cosine_transform(planes) * (mean.real / (square + ratios)), inverse=True)


def _by_mirror(
    planes: Floats,
    kernels: Sequence[Kernel],
    weights: Floats,
    spectra: Sequence[Spectrum],
    caution: Sequence[float] = _CAUTION,
) -> Floats:
    """Filter 3 x H x W under the FFT of a whole period of its mirror extension: for any kernel.

    The mirrored blurred picture is not the blur of the mirrored sharp one where the kernel lacks symmetry, and
    the zeros of |H| spread that contradiction from the border inwards. So it is used only once: each later pass
    continues the picture with the blur of what has been restored so far, and trusts it more.
    """
    from scipy.fft import irfft2, rfft2

    height, width = planes.shape[1:]
    down, across = (reflect101(size, 0, max(size - 2, 0)) for size in (height, width))
    period = (len(down), len(across))
    rows = 2 * np.pi * np.fft.fftfreq(period[0]).astype(np.float64)
    columns = 2 * np.pi * np.fft.rfftfreq(period[1]).astype(np.float64)
    mean, square, ratios = _statistics(rows, columns, kernels, weights, spectra)
    extended, restored = planes[:, down][:, :, across], planes
    for factor in caution:
        gains = mean.conj() / (square + factor * ratios)
        restored = irfft2(rfft2(extended) * gains, s=period)[:, :height, :width]
        extended = irfft2(rfft2(restored[:, down][:, :, across]) * mean, s=period)
        extended[:, :height, :width] = planes
    return restored


def _statistics(
    rows: Floats, columns: Floats, kernels: Sequence[Kernel], weights: Floats, spectra: Sequence[Spectrum]
) -> tuple[npt.NDArray[np.complex128], Floats, Floats]:
    """E[H] and E[|H|^2], rows x columns, and N / S per plane, 3 x rows x columns, 0 at frequency 0.

    E[conj H] / (E[|H|^2] + N / S) is the linear filter of least mean square error where H itself is random.
    """
    shape = (len(rows), len(columns))
    mean, square = np.zeros(shape, dtype=np.complex128), np.zeros(shape)
    for weight, kernel in zip(weights, kernels, strict=True):
        factor = transfer(kernel, rows, columns)
        mean += weight * factor
        square += weight * (factor.real**2 + factor.imag**2)
    ratios = noise_to_signal(spectra, rows, columns)
    ratios[:, 0, 0] = 0.0  # the mean of the picture is kept
    return mean, square, ratios
