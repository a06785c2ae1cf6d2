"""Poisson-Gaussian noise of a sensor: a normal number times an integer square root.

At light x (1 = white) the variance is shot * x + read^2. RSBlur draws a true Poisson number of photons; the normal
number here has the same mean and variance, not the same skewness, which shows where there are fewer than some ten
photons (x < 10 shot: with the default, stored values under 3, or under 7 in a channel whose gain is 2.4). Light may
fall below 0 here; it is clipped once, at the end.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from deblurbench.blur.camera import normal
from deblurbench.blur.values import Value, between, draw_value
from deblurbench.config import Config
from deblurbench.draws import Draws

_LIGHT_BITS = 20
_SIGMA_BITS = 28  # standard deviations come in units of 2^-28 of white


class Noise(Config):
    """Noise of a sensor, in fractions of white; the defaults are RSBlur's estimate for RealBlur's camera.

    Source: rimchang/RSBlur, Uformer-RSBlur/dataset/dataset_RealisticDeblur.py and ISP/utils.py. (For the camera of
    RSBlur's own pictures, SRN-Deblur-RSBlur/ISP/ISP_implement_tf_malvar.py has 1e-4 and 9.1504e-4.)

    Attributes:
        shot: variance per light: one photon's worth of light (`beta1`).
        read: standard deviation of the read noise (`beta2`; "this value is std of read noise", says the source).
        scale: factor of `shot` and, drawn anew, of `read`.
    """

    shot: float = Field(default=8.8915e-5, ge=0, le=1)
    read: float = Field(default=2.9430e-5, ge=0, le=1)
    scale: Annotated[Value, AfterValidator(between(0, 10))] = (0.5, 1.5)

    def draw(self, draws: Draws) -> dict[str, Any]:
        """`noise_shot` and `noise_read` of one picture, to 9 digits."""
        shot, read = self.shot * draw_value(draws, self.scale), self.read * draw_value(draws, self.scale)
        return {"noise_shot": float(f"{shot:.9g}"), "noise_read": float(f"{read:.9g}")}


class NoiseLevel(NamedTuple):
    """Noise as drawn: variance `slope` * light + `floor`, in units of 2^-56 with light in units of 2^-20."""

    slope: int
    floor: int

    @classmethod
    def of(cls, shot: float, read: float) -> NoiseLevel:
        """From the drawn numbers of the record."""
        return cls(round(shot * 2 ** (2 * _SIGMA_BITS - _LIGHT_BITS)), round(read * 2**_SIGMA_BITS) ** 2)

    def add(self, light: npt.NDArray[np.int64], words: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Noisy light, int64, units of 2^-20, below 0 or above white where it falls so.

        Args:
            light: int64, units of 2^-20.
            words: a uniform word for each sample.
        """
        # IEEE 754 defines the conversion to float64 and the square root to the last digit, so floats are exact here.
        variance = np.maximum(light, 0) * self.slope + self.floor
        sigma = np.rint(np.sqrt(variance.astype(np.float64))).astype(np.int64)
        shift = _SIGMA_BITS - _LIGHT_BITS + normal.STEPS
        return light + ((sigma * normal.normals(words) + (1 << (shift - 1))) >> shift)
