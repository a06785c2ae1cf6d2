"""Wiener deconvolution: the best linear answer to a known blur, and a blind one on top of it.

Each coefficient of the picture's spectrum is multiplied by conj(H) S / (|H|^2 S + N): close to the inverse of the
blur where the picture stands above the rounding noise, towards zero where it does not. S and N are fitted to the
picture itself, for brightness and two opponent colours apart: colour is fainter, drowns earlier, and is
regularised more by itself. Nothing is trained. (N. Wiener, Extrapolation, Interpolation, and Smoothing of
Stationary Time Series, 1949.)

Where the kernel is not told, it is not guessed either: the filter is the best one on average over all kernels that
the picture leaves probable, which regularises more where it leaves more.
"""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench.blur.bank import gaussian_bank
from deblurbench.blur.estimate import fit_spectrum, noise_to_signal, power
from deblurbench.blur.kernel import Kernel
from deblurbench.images.codec import Picture
from deblurbench_baselines.classical.belief import Belief, restore_blind, restore_told
from deblurbench_baselines.classical.border import Border, border_for
from deblurbench_baselines.classical.light import Floats, from_opponent, to_opponent

# Times N / S, pass by pass, 1000 .. 3. Ending at 1 gains 1 to 2 dB on most kernels, and fails on diagonal streaks.
_CAUTION = tuple(1000 * 0.003 ** (i / 7) for i in range(8))


def restore(picture: Picture) -> Picture:
    """Deblur uint8 H x W x 3 of unknown Gaussian blur; returns uint8 of the same shape.

    A picture that may well be sharp, or that says nothing, comes back as it is.
    """
    return restore_blind(picture, gaussian_bank(), deconvolution)


def deconvolve(picture: Picture, kernel: Kernel) -> Picture:
    """Deblur uint8 H x W x 3 of any size that was blurred with `kernel`; returns uint8, clipped and rounded."""
    return restore_told(picture, kernel, deconvolution)


def deconvolution(planes: Floats, belief: Belief) -> Floats:
    """The filter as a `belief.Deconvolution`."""
    border = border_for((planes.shape[1], planes.shape[2]), belief.kernels)
    return from_opponent(wiener_filter(border, to_opponent(planes), belief))


def wiener_filter(border: Border, planes: Floats, belief: Belief, caution: Sequence[float] | None = None) -> Floats:
    """Filter planes, each with a spectrum of its own: n x H x W, in and out.

    E[conj H] / (E[|H|^2] + N / S) is the linear filter of least mean square error where H itself is random. Where the
    border is not exact, the mirror image beyond it is used only once: each later pass continues the picture with
    the blur of what has been restored so far, and trusts it more. `caution`: times N / S, pass by pass.
    """
    mean, square = belief.moments(border)
    spectra = [fit_spectrum(power(plane), belief.likeliest, is_rounded=belief.is_rounded) for plane in planes]
    ratios = noise_to_signal(spectra, border.rows, border.columns)
    ratios[:, 0, 0] = 0.0  # the mean of the picture is kept
    if border.is_exact:
        return border.inverse(border.forward(planes) * (mean / (square + ratios)))
    observed, restored = border.observed(planes), planes
    for factor in _CAUTION if caution is None else caution:
        restored = border.inverse(observed * (mean.conj() / (square + factor * ratios)))
        observed = border.observed(planes, border.forward(restored) * mean)
    return restored
