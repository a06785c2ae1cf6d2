"""Richardson-Lucy deconvolution: light is put back where it came from, step by step, and never below zero.

Each step multiplies the estimate by the correlation of the kernel with observed / expected (W. H. Richardson, 1972; L.
B. Lucy, 1974). It fits the picture ever better, in the end to its noise. So it stops once what is left is no more
than the noise explains, which for 8-bit pictures is their rounding. Steps are extrapolated along the way that they take
(D. Biggs and M. Andrews, Acceleration of iterative image restoration algorithms, Applied Optics 36, 1997).
"""

from __future__ import annotations

import numpy as np

from deblurbench_baselines.classical.belief import Belief
from deblurbench_baselines.classical.border import Border, Coefficients, border_for, single
from deblurbench_baselines.classical.light import Floats
from deblurbench_baselines.classical.noise import noise_power

# Chosen on 9 training photographs of 448x256, sigma 1.0 and 1.6: the estimate fits some of the noise when it is best.
_ENOUGH = 0.8  # times the noise's variance
_STEPS = 80
_LEAST = 1e-3  # grey levels: what divides is never zero


def deconvolution(planes: Floats, belief: Belief) -> Floats:
    """The method as a `belief.Deconvolution`. It takes the mean of the probable kernels for the kernel."""
    border = border_for((planes.shape[1], planes.shape[2]), belief.kernels)
    transfer, _ = belief.moments(border)
    return richardson_lucy(border, single(planes), single(transfer), noise_power(planes, belief))


def richardson_lucy(
    border: Border, planes: Floats, transfer: Coefficients, noise: float, steps: int = _STEPS
) -> Floats:
    """Deblur planes n x H x W of grey levels >= 0. Stops after `steps`, or when only noise of that variance is left."""
    observed = np.maximum(planes, _LEAST)
    share = border.adjoint(np.ones_like(observed), transfer)
    estimate = previous = observed
    change = earlier = np.zeros_like(observed)
    for _ in range(steps):
        ahead = np.maximum(estimate + _stride(change, earlier) * (estimate - previous), _LEAST)
        expected = border.blur(ahead, transfer)
        if np.mean((planes - expected) ** 2) <= _ENOUGH * noise:
            return ahead
        ratio = observed / np.maximum(expected, _LEAST)
        previous, estimate = estimate, np.maximum(ahead * border.adjoint(ratio, transfer) / share, _LEAST)
        earlier, change = change, estimate - ahead
    return estimate


def _stride(change: Floats, earlier: Floats) -> float:
    """How far to go on along the last step: by how much the last two changes agree, 0 .. 1."""
    square = float((earlier * earlier).sum())
    return min(max(float((change * earlier).sum()) / square, 0.0), 1.0) if square else 0.0
