"""A camera's pointwise effects on any device of torch's, in integers: what `blur.camera` does, crop by crop.

Each crop has a sensor of its own. What does not happen has numbers that change nothing, exactly: the unit matrix,
gains of 1, a variance of 0. The random words are drawn on the CPU, by SHAKE-256 as everywhere, and uploaded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from deblurbench.blur.camera import normal
from deblurbench.blur.camera.colour import WHITE, light_of_stored, stored_of_light
from deblurbench.blur.camera.sensor import Sensor
from deblurbench_baselines.data.crops import CropCamera

_MATRIX_BITS, _GAIN_BITS = 20, 16
_NOISE_SHIFT = 8 + normal.STEPS  # a deviation in units of 2^-28, times one of 2^-12, becomes light in units of 2^-20
_TAIL = 64  # so many of the 2^16 upper halves of words at either end are looked up with all 32 bits
_NOTHING = Sensor(None, None, None, None)
_UNIT_MATRIX = tuple(tuple((i == j) << _MATRIX_BITS for j in range(3)) for i in range(3))


class SensorShot(NamedTuple):
    """One crop's sensor in numbers.

    Attributes:
        matrices: int64 2 x 3 x 3, to the sensor's colours and back, in units of 2^-20.
        gains: int64 3, of red, green and blue, in units of 2^-16.
        noise: int64 2: the slope and the floor of a `NoiseLevel`.
        words: int32 side x side x 3: the bits of a uniform word for each sample.
    """

    matrices: npt.NDArray[np.int64]
    gains: npt.NDArray[np.int64]
    noise: npt.NDArray[np.int64]
    words: npt.NDArray[np.int32]


class Sensors(NamedTuple):
    """The same of a batch of N crops, on a device."""

    matrices: torch.Tensor
    gains: torch.Tensor
    noise: torch.Tensor
    words: torch.Tensor


def sensor_shot(camera: CropCamera | None, side: int) -> SensorShot:
    """What is drawn for a crop; without a camera, what changes nothing."""
    sensor = _NOTHING if camera is None else Sensor.of(camera.camera.draw(camera.draws))
    words = np.zeros((3, side, side), dtype=np.uint32)
    if camera is not None and sensor.noise is not None:
        words = camera.draws("camera-noise").stream(words.size).reshape(words.shape)
    return SensorShot(
        np.array(sensor.matrices or (_UNIT_MATRIX, _UNIT_MATRIX), dtype=np.int64),
        np.array(sensor.gains or (1 << _GAIN_BITS,) * 3, dtype=np.int64),
        np.array(sensor.noise or (0, 0), dtype=np.int64),
        np.ascontiguousarray(words.transpose(1, 2, 0)).view(np.int32),
    )


def expose(blurred: torch.Tensor, sensors: Sensors) -> torch.Tensor:
    """What the sensors make of crops, uint8 N x side x side x 3."""
    tables = _tables(blurred.device)
    light = tables.light[blurred.int()]
    samples, gains = _turn_colours(light, sensors.matrices[:, 0]), sensors.gains[:, None, None, :]
    samples = torch.div((samples << (_GAIN_BITS + 1)) + gains, 2 * gains, rounding_mode="floor")
    samples = _add_noise(samples, sensors, tables)
    samples = (samples * gains + (1 << (_GAIN_BITS - 1))) >> _GAIN_BITS
    shown = _turn_colours(samples, sensors.matrices[:, 1]).clamp(0, WHITE)
    return tables.stored[torch.where(light == WHITE, WHITE, shown)]


def _turn_colours(pixels: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """The product of each pixel, int64 N x H x W x 3, with its crop's matrix, N x 3 x 3; halves up."""
    rows = matrices[:, None, None]  # N x 1 x 1 x 3 x 3; no matrix product: there is none of integers on a GPU
    red, green, blue = (pixels[..., j, None] * rows[..., j] for j in range(3))
    return (red + green + blue + (1 << (_MATRIX_BITS - 1))) >> _MATRIX_BITS


def _add_noise(samples: torch.Tensor, sensors: Sensors, tables: _Tables) -> torch.Tensor:
    slope, floor = (part[:, None, None, None] for part in sensors.noise.unbind(1))
    variance = samples.clamp(min=0) * slope + floor
    sigma = variance.double().sqrt().round().long()  # IEEE 754 defines each step to the last digit
    return samples + ((sigma * _normals(sensors.words, tables) + (1 << (_NOISE_SHIFT - 1))) >> _NOISE_SHIFT)


def _normals(bits: torch.Tensor, tables: _Tables) -> torch.Tensor:
    """`normal.normals` of words given by their bits as int32."""
    words = bits.long() & 0xFFFFFFFF
    upper = words >> 16
    mirrored = words < 1 << 31
    magnitude = torch.searchsorted(tables.thresholds, torch.where(mirrored, 0xFFFFFFFF - words, words), right=True)
    outer = torch.where(mirrored, -magnitude, magnitude)
    return torch.where((upper < _TAIL) | (upper >= (1 << 16) - _TAIL), outer, tables.body[upper])


class _Tables(NamedTuple):
    light: torch.Tensor
    stored: torch.Tensor
    thresholds: torch.Tensor
    body: torch.Tensor


@lru_cache(maxsize=4)
def _tables(device: torch.device) -> _Tables:
    body = normal.normals(np.arange(1 << 16, dtype=np.uint32) << np.uint32(16))
    arrays = (light_of_stored(), stored_of_light(), normal.thresholds(), body)
    return _Tables(*(torch.from_numpy(np.array(array)).to(device) for array in arrays))
