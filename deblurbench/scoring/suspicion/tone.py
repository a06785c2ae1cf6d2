"""Predictions that are the right picture under another tone curve: stretched, of another gain, another gamma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.suspicion.finding import Suspicion
from deblurbench.scoring.suspicion.seen import GRID, Array, Floats, Seen, bytes_of, levels

FEWEST = 3
_VISIBLE = 1.5  # levels, RMS over the grid: the least difference of tone that is spoken of
_EXPLAINED = 0.25  # what a curve may leave of the squared difference
_OWN_GAIN = 0.02  # the distance of the quartiles from which on gains are each picture's own
_MOST = 0.75  # of the pictures


@dataclass(frozen=True)
class Tone:
    """How a picture's prediction follows its sharp picture, on the coarse grid.

    Attributes:
        difference: RMS, levels.
        gain, offset: of the best line, prediction = gain * sharp + offset; `line_left` of the squared difference is
            left.
        gamma: of the best power law on 0 .. 1; `power_left` of the squared difference is left.
        prediction_full, sharp_full: whether the lowest sample is 0 and the highest 255.
    """

    difference: float
    gain: float
    offset: float
    line_left: float
    gamma: float
    power_left: float
    prediction_full: bool
    sharp_full: bool


def measure(seen: Seen) -> Tone:
    """Of one pair."""
    prediction, sharp = (_means(picture) for picture in (seen.prediction, seen.sharp))
    squared = float(np.mean(np.square(prediction - sharp)))
    gain, offset = _line(prediction, sharp)
    gamma = _gamma(prediction, sharp)
    line = np.mean(np.square(gain * sharp + offset - prediction))
    power = np.mean(np.square(255 * np.power(np.clip(sharp, 0, 255) / 255, gamma) - prediction))
    return Tone(
        squared**0.5,
        gain,
        offset,
        float(line) / max(squared, 1e-9),
        gamma,
        float(power) / max(squared, 1e-9),
        _full(seen.prediction),
        _full(seen.sharp),
    )


def judge(tones: Sequence[Tone]) -> list[Suspicion]:
    """One suspicion at most, of the sampled pictures."""
    visible = [tone for tone in tones if tone.difference >= _VISIBLE]
    explained = [tone for tone in visible if min(tone.line_left, tone.power_left) <= _EXPLAINED]
    if len(explained) < FEWEST:
        return []
    most = len(explained) >= _MOST * len(tones)
    gains, offsets, gammas = (np.array([getattr(t, name) for t in explained]) for name in ("gain", "offset", "gamma"))
    by_power = _median(explained, "power_left") < _median(explained, "line_left")
    if most and by_power and _spread(gammas) < 0.1 * np.median(gammas):
        return [_power(len(tones), len(explained), float(np.median(gammas)))]
    full = sum(tone.prediction_full for tone in tones)
    # A common gain below 1 leaves no sample at 0 or 255.
    own_gains = _spread(gains) >= _OWN_GAIN or np.median(gains) < 1 - _OWN_GAIN / 4
    if full >= 0.95 * len(tones) and own_gains and _by_line(visible) >= _MOST * len(visible):
        return [_stretch(len(tones), full, tones, len(explained))]
    if most and _spread(gains) < 0.05 and _spread(offsets) < 6:
        return [_gain(len(tones), len(explained), float(np.median(gains)), float(np.median(offsets)))]
    return []


def _by_line(tones: Sequence[Tone]) -> int:
    return sum(tone.line_left <= _EXPLAINED for tone in tones)


def _median(tones: Sequence[Tone], name: str) -> float:
    return float(np.median([getattr(tone, name) for tone in tones]))


def _spread(values: npt.NDArray[np.float64]) -> float:
    """Distance of the quartiles."""
    low, high = np.percentile(values, [25, 75])
    return float(high - low)


def _means(picture: Array) -> Floats:
    """Of 16 x 16 cells, by all samples: a few rows' means are some levels off where texture is sharpened."""
    import cv2

    samples = picture if picture.dtype == np.uint8 else levels(picture)
    return cv2.resize(samples, (GRID, GRID), interpolation=cv2.INTER_AREA).ravel().astype(np.float32)


def _line(prediction: Floats, sharp: Floats) -> tuple[float, float]:
    centred = sharp - sharp.mean()
    gain = float(centred @ prediction / max(float(centred @ centred), 1e-9))
    return gain, float(prediction.mean()) - gain * float(sharp.mean())


def _gamma(prediction: Floats, sharp: Floats) -> float:
    """Least squares of the logarithms, each cell weighted by its brightness, as its error in levels is."""
    bright = (prediction > 1) & (sharp > 1) & (sharp < 254)
    x, y = np.log(sharp[bright] / 255), np.log(prediction[bright] / 255)
    weight = np.square(prediction[bright])
    total = float(np.sum(weight * x * x))
    return float(np.clip(np.sum(weight * x * y) / total, 0.2, 5)) if total > 0 else 1.0


def _full(picture: Array) -> bool:
    samples = bytes_of(picture)
    return bool(samples.min() == 0 and samples.max() == 255)


def _stretch(asked: int, full: int, tones: Sequence[Tone], explained: int) -> Suspicion:
    sharp = sum(tone.sharp_full for tone in tones)
    return Suspicion(
        "min-max-stretch",
        f"{full} of {asked} predictions looked at reach from 0 to 255 exactly ({sharp} of their sharp pictures do), and"
        f" a gain of each picture's own explains the tones of {explained}",
        "each output was stretched from its own minimum and maximum to 0 .. 255",
        "Clip to 0 .. 1, multiply by 255 and round, with no scale of the picture's own",
    )


def _power(asked: int, shown: int, gamma: float) -> Suspicion:
    return Suspicion(
        "wrong-gamma",
        f"{shown} of {asked} predictions looked at have the tones of their sharp picture to the power of {gamma:.2f}",
        "linear and gamma-encoded pictures were mixed, as by a folder of the other kind or a conversion too many",
        "Train, predict and score in one encoding",
    )


def _gain(asked: int, shown: int, gain: float, offset: float) -> Suspicion:
    return Suspicion(
        "gain-or-offset",
        f"{shown} of {asked} predictions looked at have the tones of their sharp picture times {gain:.3f}"
        f" {'-' if offset < 0 else '+'} {abs(offset):.1f} levels",
        "outputs were mapped back from another range than they have, such as tanh's -1 .. 1, or a normalisation of the"
        " input was not undone",
        "Undo exactly what was done to the input, then clip to 0 .. 1",
    )
