"""How noisy a blurred picture is: what tells an iteration when to stop, and a prior how much to weigh."""

from __future__ import annotations

import numpy as np

from deblurbench.blur.estimate import fit_spectrum, power
from deblurbench.blur.spectrum_model import ROUNDING
from deblurbench_baselines.classical.belief import Belief
from deblurbench_baselines.classical.light import Floats


def noise_power(planes: Floats, belief: Belief) -> float:
    """The variance of the noise of blurred planes, grey levels squared: that of rounding, or as the spectrum shows."""
    if belief.is_rounded:
        return ROUNDING
    brightness = planes.sum(axis=0) / np.sqrt(len(planes))
    return fit_spectrum(power(brightness), belief.likeliest, is_rounded=False).noise
