"""Predictions that were cut off to whole levels in place of rounded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deblurbench.scoring.suspicion.finding import Suspicion
from deblurbench.scoring.suspicion.seen import Seen

FEWEST = 4
_CLOSE = 0.15  # levels


def measure(seen: Seen) -> float | None:
    """Mean of prediction - sharp over all samples, levels; None of floats, and where many samples are at an end."""
    if seen.prediction.dtype != np.uint8 or seen.sharp.dtype != np.uint8:
        return None
    import cv2

    rows = seen.prediction_rows
    if np.mean((rows == 0) | (rows == 255)) > 0.05:
        return None
    channels = seen.sharp.shape[2]
    return float(np.mean(cv2.mean(seen.prediction)[:channels])) - float(np.mean(cv2.mean(seen.sharp)[:channels]))


def judge(means: Sequence[float | None]) -> list[Suspicion]:
    """Half a level too dark in nearly every picture: a network's own errors of brightness are as often too bright."""
    known = np.array([mean for mean in means if mean is not None])
    if len(known) < FEWEST:
        return []
    centre = float(np.median(known))
    shown = int(np.count_nonzero(np.abs(known + 0.5) <= _CLOSE))
    if abs(centre + 0.5) > _CLOSE / 2 or shown < 0.9 * len(known):
        return []
    return [
        Suspicion(
            "truncated",
            f"{shown} of {len(known)} predictions looked at are half a level too dark on average ({centre:.2f})",
            "floats were cast to uint8, which drops what is behind the point",
            "Round before the cast; it costs about 0.07 dB",
        )
    ]
