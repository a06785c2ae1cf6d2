"""From the numbers of pictures to the number of a set."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; one infinity makes it infinite."""
    return math.fsum(values) / len(values)


def pooled_psnr(values: Sequence[float], samples: Sequence[int]) -> float:
    """PSNR in dB of the squared error over all samples of all pictures.

    Args:
        values: PSNR of each picture, without an epsilon; infinite for equal ones.
        samples: how many samples each has.
    """
    error = math.fsum(n * 10 ** (-value / 10) for value, n in zip(values, samples, strict=True)) / sum(samples)
    return 0.0 - 10 * math.log10(error) if error else math.inf  # 0.0, not -0.0, of black against white
