"""The windows that SSIM is averaged under."""

from __future__ import annotations

import numpy as np

GAUSSIAN = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
"""Eleven taps of a Gaussian of sigma 1.5 (radius int(3.5 * 1.5 + 0.5)), float64, of sum 1."""
GAUSSIAN /= GAUSSIAN.sum()

RADIUS = 5
"""How far the Gaussian window reaches from its centre."""

UNIFORM = 7
"""The side of scikit-image's uniform window."""

C1 = (0.01 * 255) ** 2
"""SSIM's constant for means, of samples in 0 .. 255."""

C2 = (0.03 * 255) ** 2
"""SSIM's constant for variances and covariances, of samples in 0 .. 255."""
