"""The windows that SSIM is averaged under."""

from __future__ import annotations

import numpy as np

GAUSSIAN = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
"""Eleven taps of a Gaussian of sigma 1.5 (radius int(3.5 * 1.5 + 0.5)), float64, of sum 1."""
GAUSSIAN /= GAUSSIAN.sum()

_HALF_32 = [0.26601171, 0.21300553, 0.10936069, 0.036000773, 0.007598758, 0.0010283804]

GAUSSIAN_32 = np.array(_HALF_32[:0:-1] + _HALF_32, np.float32).astype(np.float64)
"""The same made in float32, of sum 1 - 3e-8, as by pytorch-msssim: in bright flat areas this moves SSIM by 1e-6."""

GAUSSIAN_2D_32 = GAUSSIAN * np.sqrt(np.outer(GAUSSIAN, GAUSSIAN).astype(np.float32).sum(dtype=np.float64))
"""The same with the sum that its 11 x 11 products have once rounded to float32, as in pyiqa (1 - 6e-9)."""

RADIUS = 5
"""How far the Gaussian window reaches from its centre."""

UNIFORM = 7
"""The side of scikit-image's uniform window."""

C1 = (0.01 * 255) ** 2
"""SSIM's constant for means, of samples in 0 .. 255."""

C2 = (0.03 * 255) ** 2
"""SSIM's constant for variances and covariances, of samples in 0 .. 255."""
