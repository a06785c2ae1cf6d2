"""Peak signal-to-noise ratio in the forms that published code has."""

from __future__ import annotations

import math


def psnr_db(mean_squared_error: float, peak: float = 255.0, *, eps: float = 0.0, at_zero: float = math.inf) -> float:
    """10 log10(peak^2 / MSE) in dB.

    Args:
        mean_squared_error: on the scale of `peak`.
        eps: added to the error on a scale of 0 .. 1, which caps the result (1e-8: at 80 dB).
        at_zero: the result for equal pictures, where `eps` is 0.
    """
    error = mean_squared_error + eps * peak**2
    return 10 * math.log10(peak**2 / error) if error else at_zero
