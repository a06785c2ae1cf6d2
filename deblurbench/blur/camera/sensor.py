"""From light to what a sensor records of it and back to light: the noise happens in the sensor's colours.

Colour matrix, colour filter array, white balance undone; noise; white balance, demosaicing, colour matrix back: the
order of RSBlur (rimchang/RSBlur, Uformer-RSBlur/dataset/dataset_RealisticDeblur.py). All in integers, 2^20 = white.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from deblurbench.blur.camera import bayer
from deblurbench.blur.camera.colour import Matrix, apply_matrix, sensor_matrices
from deblurbench.blur.camera.noise import NoiseLevel
from deblurbench.blur.values import Value, between, draw_value
from deblurbench.config import Config
from deblurbench.draws import Draws

_GAIN_BITS = 16

Gain = Annotated[Value, AfterValidator(between(0.1, 10))]
"""How much a channel is amplified against green."""


class WhiteBalance(Config):
    """Gains of the red and the blue channel; green has 1. The defaults are RSBlur's."""

    red: Gain = (1.9, 2.4)
    blue: Gain = (1.5, 1.9)

    def draw(self, draws: Draws) -> dict[str, Any]:
        """`red_gain` and `blue_gain` of one picture."""
        return {"red_gain": draw_value(draws, self.red), "blue_gain": draw_value(draws, self.blue)}


@dataclass(frozen=True)
class Sensor:
    """A sensor as drawn; what is None does not happen.

    Attributes:
        matrices: to the sensor's colours, and back.
        pattern: the colour filter array, one of `bayer.PATTERNS`.
        gains: of red, green and blue, in units of 2^-16.
        noise: how much.
    """

    matrices: tuple[Matrix, Matrix] | None
    pattern: str | None
    gains: tuple[int, int, int] | None
    noise: NoiseLevel | None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Sensor:
        """The sensor that a record describes."""
        gains = noise = None
        if "red_gain" in parameters:
            red, blue = (round(parameters[name] * (1 << _GAIN_BITS)) for name in ("red_gain", "blue_gain"))
            gains = (red, 1 << _GAIN_BITS, blue)
        if "noise_shot" in parameters:
            noise = NoiseLevel.of(parameters["noise_shot"], parameters["noise_read"])
        matrices = sensor_matrices(parameters["colour"]) if "colour" in parameters else None
        return cls(matrices, parameters.get("bayer"), gains, noise)

    @property
    def margin(self) -> int:
        """Pixels that `record` needs around those that it gives back."""
        return bayer.MARGIN if self.pattern else 0

    def words_shape(self, height: int, width: int) -> tuple[int, ...]:
        """The shape of the random words for a picture: one for each sample that the sensor takes, margin included."""
        area = (height + 2 * self.margin, width + 2 * self.margin)
        return area if self.pattern else (3, *area)

    def record(self, planes: npt.NDArray[np.int64], words: npt.NDArray[np.uint32] | None) -> npt.NDArray[np.int64]:
        """The light that a picture made by this sensor shows: int64 3 x H x W, not clipped.

        Args:
            planes: light, int64 3 x (H + 2 margin) x (W + 2 margin); the corner's pixel is the pattern's first.
            words: uniform words of the shape `words_shape`; None without noise.
        """
        if self.matrices:
            planes = apply_matrix(planes, self.matrices[0])
        samples = bayer.mosaic(planes, self.pattern) if self.pattern else planes
        gains = self._gains_of(samples)
        if gains is not None:
            samples = ((samples << (_GAIN_BITS + 1)) + gains) // (2 * gains)
        if self.noise is not None and words is not None:
            samples = self.noise.add(samples, words)
        if gains is not None:
            samples = (samples * gains + (1 << (_GAIN_BITS - 1))) >> _GAIN_BITS
        planes = bayer.demosaic(samples, self.pattern) if self.pattern else samples
        return apply_matrix(planes, self.matrices[1]) if self.matrices else planes

    def _gains_of(self, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        if self.gains is None:
            return None
        if self.pattern is None:
            return np.array(self.gains, dtype=np.int64)[:, None, None]
        gains = np.empty_like(samples)
        for row, column, channel in bayer.sites(self.pattern):
            gains[row::2, column::2] = self.gains[channel]
        return gains
