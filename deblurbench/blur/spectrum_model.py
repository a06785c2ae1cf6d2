"""How the power of a photograph falls with frequency, and what rounding adds: the model that kernels are judged by.

Log power is linear in eight parameters, six of the picture and two of the noise. What they usually are is known before
a picture is seen. `estimate` fits them to a picture; so do networks that read spectra.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 16  # per axis: 448 x 256 leaves 448 coefficients in a bin, so its mean log power is known to 0.1
FINE = 3  # frequencies per bin and axis at which kernels and features are evaluated
LOWEST = 0.4  # radians per sample; below it a picture is its composition, not its texture
ENOUGH = 4  # coefficients in a bin that counts
ROUNDING = 1 / 12  # variance of what rounding to integers takes away
FLOOR = 1e-3  # added to the power (rounding leaves 1/12), so that an empty coefficient has a logarithm
LOG_CHI2_MEAN, LOG_CHI2_VARIANCE = -1.270363, 4.934802  # of log(g^2), g standard normal
MISFIT = 0.3  # nats by which the power of real photographs strays from the smooth model, measured
TEMPERING = 0.3  # neighbouring bins stray together: this share of the evidence makes the posterior honest
LATTICE = (np.arange(BINS * FINE) + 0.5) * np.pi / (BINS * FINE)  # frequencies at which bins are averaged

# What the parameters are before a picture is seen: mean and standard deviation, in the order: log A; -beta; the
# loss of the shrinking filter near the Nyquist frequency; the excess of horizontals and verticals (cos 2t, cos 4t);
# softness, in units of f^2, where nothing tells it from blur: its spread limits the estimate; log and slope of the
# noise (rounding: 1/12, and more where the channels round alike). Measured on 80 training photographs, sharp, shrunk
# with four filters; the share of softness then set so that 40 of them, blurred by sigma 0.8 to 2.7, read unbiased.
PRIOR_MEAN = np.array([7.8, -2.7, -0.8, 0.0, 0.25, -0.07, -2.1, -0.12])
PRIOR_SD = np.array([1.5, 0.6, 0.5, 0.36, 0.36, 0.045, 0.2, 0.08])
SIGNAL = 6  # how many of them describe the picture; the others are noise


def features(rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """What log power is linear in: for the signal 6 x rows x columns, for the noise 2 x rows x columns."""
    y, x = np.meshgrid(rows, columns, indexing="ij")
    square = np.maximum(y**2 + x**2, 1e-6)
    angle = np.arctan2(y, x)
    one, log = np.ones_like(square), np.log(square) / 2
    signal = [one, log, (x**4 + y**4) / np.pi**4, np.cos(2 * angle), np.cos(4 * angle), square]
    return np.stack(signal), np.stack([one, log])


def pooled(values: Floats) -> Floats:
    """Means over the bins: n x 48 x 48 on the lattice -> n x 256."""
    return values.reshape(-1, BINS, FINE, BINS, FINE).mean(axis=(2, 4)).reshape(len(values), -1)


@lru_cache(maxsize=1)
def bin_features() -> tuple[Floats, Floats]:
    """The features of the bins: 256 x 6 and 256 x 2."""
    signal, noise = features(LATTICE, LATTICE)
    return pooled(signal).T, pooled(noise).T
