"""CW-SSIM as the package pyssim computes it, which is what DeblurGAN-v2's test script prints.

It is no complex wavelet and no picture: the grey levels, row after row, are one signal, filtered with real Ricker
wavelets of widths 1 .. 30 (`cw_ssim_value` of pyssim 0.4, with `scipy.signal.cwt` of scipy 1.10). With real filters its
two factors have a term in common that cancels, and both signals go through one complex transform.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_WIDTHS = 30
_PER_WIDTH = 10  # samples that a wavelet is long, times its width
_REACH = _PER_WIDTH * _WIDTHS // 2
_BLOCK = 4096  # samples transformed at once: what fits into a near cache is fastest
_K = 0.01


def cw_ssim(prediction: Array, sharp: Array) -> float:
    """The mean over samples of (2 |sum a b| + k) / (sum a^2 + sum b^2 + k), where sums are over widths of filters.

    Args:
        prediction, sharp: H x W x 3 (RGB) or H x W, uint8.
    """
    from scipy import fft

    signal = (grey(prediction) + 1j * grey(sharp)).ravel()
    wavelets = _wavelets(min(len(signal), _PER_WIDTH * _WIDTHS))
    padded = np.pad(signal, (_REACH, _REACH + _BLOCK))
    step = _BLOCK - 2 * _REACH
    total = 0.0
    for start in range(0, len(signal), step):
        block = fft.fft(padded[start : start + _BLOCK]) * wavelets
        kept = slice(_REACH, _REACH + min(step, len(signal) - start))
        filtered = fft.ifft(block, axis=1, overwrite_x=True)[:, kept]
        a, b = filtered.real, filtered.imag
        common = 2 * np.abs(np.sum(a * b, axis=0)) + _K
        total += float(np.sum(common / (np.sum(a * a + b * b, axis=0) + _K)))
    return total / len(signal)


def grey(picture: Array) -> Array:
    """Pillow's grey, `convert("L")`, of uint8 RGB as float64 integers 0 .. 255; H x W is grey already."""
    if picture.ndim == 2:
        return picture.astype(np.float64)
    levels = picture[:, :, :3].astype(np.uint32) @ np.array([19595, 38470, 7471], dtype=np.uint32)
    return ((levels + 0x8000) >> 16).astype(np.float64)


@cache
def _wavelets(longest: int) -> Array:
    """The spectra of the wavelets in a block, 30 x block; none is longer than `longest`, as of a short signal."""
    from scipy import fft

    filters = np.zeros((_WIDTHS, _BLOCK))
    for width in range(1, _WIDTHS + 1):
        length = min(_PER_WIDTH * width, longest)
        filters[width - 1, (np.arange(length) - (length - 1) // 2) % _BLOCK] = _ricker(length, width)
    return np.asarray(fft.fft(filters, axis=1))


def _ricker(length: int, width: int) -> Array:
    """The Ricker (Mexican hat) wavelet, centred in `length` samples, of unit energy."""
    squared = ((np.arange(length) - (length - 1) / 2) / width) ** 2
    return 2 / (np.sqrt(3 * width) * np.pi**0.25) * (1 - squared) * np.exp(-squared / 2)
