"""A pair's pictures as protocols read them: each file is decoded once per reader, and once for all where they agree."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import PictureError
from deblurbench.images.png_decode import read_plain_png
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import Reader, read_floats
from deblurbench.scoring.protocol import Protocol, Rounding

Array = npt.NDArray[Any]


class Opened:
    """A picture: a file that is decoded when a reader asks for it, or an array.

    Attributes:
        seconds: what decoding has taken so far.
    """

    def __init__(self, source: Path | Array) -> None:
        self.seconds = 0.0
        self._source = source
        self._plain: Array | None = None
        self._read: dict[str, Array] = {}

    def read(self, reader: Reader) -> Array:
        """Uint8 as the reader decodes it, or floating as an array or an .npy file holds it. Raises PictureError."""
        if not isinstance(self._source, Path):
            return self._source
        start = time.perf_counter()
        if not self._read:
            floats = self._source.suffix.lower() == ".npy"
            self._plain = read_floats(self._source) if floats else read_plain_png(self._source)
        if reader.name not in self._read:
            self._read[reader.name] = reader.read(self._source) if self._plain is None else self._plain
        self.seconds += time.perf_counter() - start
        return self._read[reader.name]


class Reading:
    """A prediction and its sharp picture as protocols read and round them; protocols that agree share the result."""

    def __init__(
        self, prediction: Opened, sharp: Opened, *, exact: bool = True, code: engine.Code | None = None
    ) -> None:
        self.prediction, self.sharp = prediction, sharp
        self._exact, self._code = exact, code
        self._made: dict[tuple[int, int, Rounding | None], Compared] = {}

    def compared(self, protocol: Protocol) -> Compared:
        """The pair under a protocol. Raises PictureError where a picture cannot be read, or their sizes differ."""
        sharp, prediction = self.sharp.read(protocol.reader), self.prediction.read(protocol.reader)
        if sharp.shape != prediction.shape:
            raise PictureError(
                f"the prediction is {shape_words(prediction.shape)}, the sharp picture {shape_words(sharp.shape)}"
            )
        rounding = None if prediction.dtype == sharp.dtype == np.uint8 else protocol.rounding
        key = (id(prediction), id(sharp), rounding)
        if key not in self._made:
            if rounding:
                precision = np.result_type(prediction.dtype, sharp.dtype, np.float32)
                prediction, sharp = (as_scored(picture, rounding, precision) for picture in (prediction, sharp))
            self._made[key] = Compared(prediction, sharp, exact=self._exact, code=self._code)
        return self._made[key]


def as_scored(picture: Array, rounding: Rounding, precision: np.dtype[Any]) -> Array:
    """A picture as a protocol with this rounding rule scores it.

    Args:
        picture: uint8, or floating in 0 .. 1 (what is outside is clamped).
        precision: what uint8 is divided by 255 in, where the rule is `keep`: that of the floats it is compared with.

    Returns: uint8, rounded in float32, in which scripts work; or float64 in 0 .. 1 where the rule is `keep`.
    """
    if rounding == "keep":
        floats = picture.astype(precision) / precision.type(255) if picture.dtype == np.uint8 else picture
        return np.clip(floats, 0, 1).astype(np.float64)
    if picture.dtype == np.uint8:
        return picture
    levels = np.clip(picture, 0, 1).astype(np.float32) * np.float32(255)
    return (np.rint(levels) if rounding == "round" else levels).astype(np.uint8)


def shape_words(shape: tuple[int, ...]) -> str:
    """`640x480 with 3 channels`."""
    height, width, *rest = shape
    channels = f"{rest[0]} channels" if len(rest) == 1 else "1 channel" if not rest else f"{rest} more axes"
    return f"{width}x{height} with {channels}"
