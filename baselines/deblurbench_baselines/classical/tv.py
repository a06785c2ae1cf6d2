"""Total variation: of all pictures that the blur turns into the observed one, that with the fewest and lowest edges.

Minimised is |H x - y|^2 / 2 + weight * sum |gradient x|, where a pixel's gradient is that of all three channels
together, so that their edges stay where they are (P. Blomgren and T. Chan, Color TV, 1998). Gradients are a variable of
their own, which is shrunk; the picture between two such steps is solved for exactly in the coefficients of the border
(ADMM; Y. Wang et al., A new alternating minimization algorithm for total variation image reconstruction, 2008).
Where the kernel is not known for certain, |H x - y|^2 is the mean over the probable ones.
"""

from __future__ import annotations

import numpy as np

from deblurbench_baselines.classical.belief import Belief
from deblurbench_baselines.classical.border import Border, Coefficients, border_for, single
from deblurbench_baselines.classical.light import Floats
from deblurbench_baselines.classical.noise import noise_power
from deblurbench_baselines.classical.wiener import deconvolution as wiener

# Chosen on 11 training photographs of 448x256, sigma 1.0 and 1.6. The optimum is flat: half or twice the weight costs
# 0.1 dB. More steps come closer to the minimum, and not to the sharp picture.
_WEIGHT = 0.13  # of the total variation, times the noise's variance, per grey level
_PENALTY = 1.0  # of the split variable, times the same
_STEPS = 20
_FLAT = 1e-6  # grey levels: what divides is never zero


def deconvolution(planes: Floats, belief: Belief) -> Floats:
    """The method as a `belief.Deconvolution`. It begins at the result of the Wiener filter."""
    border = border_for((planes.shape[1], planes.shape[2]), belief.kernels)
    mean, square = (single(moment) for moment in belief.moments(border))
    weight = _WEIGHT * noise_power(planes, belief)
    return least_variation(border, single(planes), mean, square, weight, single(wiener(planes, belief)))


def least_variation(
    border: Border, planes: Floats, mean: Coefficients, square: Floats, weight: float, start: Floats
) -> Floats:
    """Deblur planes n x H x W; `mean` and `square` are the moments of the transfer, `start` a first estimate."""
    penalty = _PENALTY * weight
    laplacian = single(4 - 2 * np.cos(border.rows)[:, None] - 2 * np.cos(border.columns))
    solved = 1 / (square + penalty * laplacian)
    restored, carried = start, np.zeros((2, *planes.shape), dtype=planes.dtype)
    coefficients = border.forward(start)
    for _ in range(_STEPS):
        wanted = slopes(restored) + carried
        split = shrink(wanted, weight / penalty)
        carried = wanted - split
        observed = border.observed(planes, coefficients * mean)
        coefficients = (observed * mean.conj() + penalty * border.forward(slopes_adjoint(split - carried))) * solved
        restored = border.inverse(coefficients)
        if not border.is_exact:
            coefficients = border.forward(restored)
    return restored


def slopes(planes: Floats) -> Floats:
    """Differences to the next row and to the next column, 2 x n x H x W; 0 at the last ones."""
    steps = np.zeros((2, *planes.shape), dtype=planes.dtype)
    steps[0, :, :-1] = np.diff(planes, axis=1)
    steps[1, :, :, :-1] = np.diff(planes, axis=2)
    return steps


def slopes_adjoint(steps: Floats) -> Floats:
    """The adjoint of `slopes` where border samples count half: `slopes_adjoint(slopes(x))` is the Laplacian of the
    picture that `reflect101` continues."""
    down, across = -steps[0], -steps[1]
    down[:, 1:] += steps[0, :, :-1]
    across[:, :, 1:] += steps[1, :, :, :-1]
    down[:, [0, -1]] *= 2
    across[:, :, [0, -1]] *= 2
    return np.asarray(down + across)


def shrink(steps: Floats, by: float) -> Floats:
    """Slopes whose length at a pixel, over both directions and all planes, is shortened `by` so much, to 0 at least."""
    length = np.sqrt((steps**2).sum(axis=(0, 1)))
    return np.asarray(steps * np.maximum(1 - by / np.maximum(length, _FLAT), 0))
