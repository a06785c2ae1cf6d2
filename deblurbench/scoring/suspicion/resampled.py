"""Traces that enlarging and JPEG leave in a picture's rows.

What is enlarged from n to N columns has, near each frequency f, copies of what is at f - n/N: the two are coherent
over the rows, which they are not in a photograph. Blocks of 8 do the same at multiples of 1/8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deblurbench.scoring.suspicion.finding import Suspicion
from deblurbench.scoring.suspicion.seen import Array, Floats, Seen, grey

FEWEST = 3
COLUMNS, ROWS = 128, 256
_FIRST = 12  # the least offset, of 128: what is nearer is coherent by the window already
_PEAK = 0.15  # above the median
_BLOCKS = 0.02
_MOST = 0.75  # of the pictures
_EIGHTH = COLUMNS // 8


@dataclass(frozen=True)
class Traces:
    """Mean coherence of frequencies that lie 0 .. 64 of 128 apart, of both pictures."""

    prediction: Floats
    sharp: Floats


def measure(seen: Seen) -> Traces | None:
    """Of the middle of both pictures; None where they are narrower than 128 pixels."""
    if seen.sharp.shape[1] < COLUMNS:
        return None
    return Traces(coherence(seen.prediction), coherence(seen.sharp))


def coherence(picture: Array) -> Floats:
    """Of up to 256 rows by 128 columns in the middle: float32, 65 values in 0 .. 1."""
    height, width = picture.shape[:2]
    top, left = max(0, (height - ROWS) // 2), (width - COLUMNS) // 2
    plane = grey(np.ascontiguousarray(picture[top : top + ROWS, left : left + COLUMNS]))
    plane = (plane - plane.mean(axis=1, keepdims=True)) * np.hanning(COLUMNS).astype(np.float32)
    cross = _cross_power(plane)
    power = np.sqrt(np.diag(cross)) + 1e-3
    cross /= power[:, None] * power[None, :]
    index = np.arange(COLUMNS)
    apart = (index[:, None] - np.arange(COLUMNS // 2 + 1)[None, :]) % COLUMNS
    return cross[index[:, None], apart].mean(axis=0).astype(np.float32)


def _cross_power(plane: Floats) -> Floats:
    """|sum over the rows of conj X(f) X(g)| squared, 128 x 128, X being the rows' Fourier transforms."""
    import cv2

    # OpenCV's product stays in this thread, where NumPy's would start more in each of the scorer's.
    spectrum = cv2.dft(plane, flags=cv2.DFT_ROWS | cv2.DFT_COMPLEX_OUTPUT)
    parts = np.hstack([spectrum[..., 0], spectrum[..., 1]])
    product = cv2.gemm(parts, parts, 1, np.zeros((2 * COLUMNS, 2 * COLUMNS), np.float32), 0, flags=cv2.GEMM_1_T)
    n = COLUMNS
    real = product[:n, :n] + product[n:, n:]
    imaginary = product[:n, n:] - product[n:, :n]
    squared: Floats = np.square(real) + np.square(imaginary)
    return squared


def judge(traces: Sequence[Traces | None]) -> list[Suspicion]:
    """Of the sharp pictures, and of predictions where these have none of the same."""
    known = [trace for trace in traces if trace]
    if len(known) < FEWEST:
        return []
    sharp, predictions = (np.stack([getattr(t, side) for t in known]) for side in ("sharp", "prediction"))
    by_sharp, by_prediction = _enlarged(sharp), _enlarged(predictions)
    if _blocks(predictions) > _BLOCKS and _blocks(predictions) > 3 * _blocks(sharp):
        return [_jpeg(len(known))]
    if by_sharp:
        return [_resized_sharp(len(known), by_sharp)]
    if by_prediction:
        return [_resized_predictions(len(known), by_prediction)]
    return []


def _enlarged(profiles: Floats) -> float | None:
    """The factor of enlargement that most of the pictures show; None where they do not."""
    excess = profiles - np.median(profiles[:, _FIRST:], axis=1, keepdims=True)
    mean = excess[:, _FIRST:].mean(axis=0)
    peak = int(mean.argmax()) + _FIRST
    own = excess[:, _FIRST:].argmax(axis=1) + _FIRST
    if mean.max() < _PEAK or np.count_nonzero(np.abs(own - peak) <= 1) < _MOST * len(profiles):
        return None
    return COLUMNS / peak


def _blocks(profiles: Floats) -> float:
    """How much the coherence at 1/8, 2/8 and 3/8 stands out from that near by; the least of the three."""
    mean = np.median(profiles, axis=0)
    at = [k * _EIGHTH for k in (1, 2, 3)]
    return min(float(mean[a] - np.mean(mean[[a - 5, a - 4, a + 4, a + 5]])) for a in at)


def _resized_sharp(count: int, factor: float) -> Suspicion:
    return Suspicion(
        "sharp-resized",
        f"the sharp pictures ({count} looked at) were enlarged about {factor:.1f} times: they hold no finer detail",
        "the ground truth was resized to a network's size and back, in place or in a copy",
        "Score against the original sharp pictures",
    )


def _resized_predictions(count: int, factor: float) -> Suspicion:
    return Suspicion(
        "predictions-resized",
        f"the predictions ({count} looked at) were enlarged about {factor:.1f} times; the sharp pictures were not",
        "the network ran at a smaller size, and its output was resized to that of the sharp pictures",
        "Predict at full size, in tiles where memory is short",
    )


def _jpeg(count: int) -> Suspicion:
    return Suspicion(
        "jpeg",
        f"the predictions ({count} looked at) have the 8x8 blocks of JPEG; the sharp pictures have not",
        "outputs were saved as JPEG, perhaps under the name of .png",
        "Save PNG",
    )
