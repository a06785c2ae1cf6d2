"""A scored pair as the checks look at it: a few rows, mean colours of a coarse grid, and the whole where asked."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.pictures.readers import SKIMAGE
from deblurbench.scoring.pictures.reading import Opened

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

ROWS = 48
GRID = 16
SMALLEST = 48
"""Pictures with a shorter side are not looked at."""


class Seen:
    """One pair.

    Attributes:
        name: of the pair.
        prediction, sharp, blur: H x W x 3 (RGB) or H x W x 1, uint8, or floating in 0 .. 1; `blur` may be None.
    """

    def __init__(self, name: str, prediction: Array, sharp: Array, blur: Array | None = None) -> None:
        self.name = name
        self.prediction, self.sharp = _colours(prediction), _colours(sharp)
        self.blur = None if blur is None else _colours(blur)

    @cached_property
    def prediction_rows(self) -> Array:
        """48 rows, spread over the height."""
        return _rows(self.prediction)

    @cached_property
    def sharp_rows(self) -> Array:
        """The same rows of the sharp picture."""
        return _rows(self.sharp)

    @cached_property
    def blur_rows(self) -> Array | None:
        """The same rows of the blurred picture."""
        return None if self.blur is None else _rows(self.blur)

    @cached_property
    def prediction_cells(self) -> Floats:
        """Mean colours of 16 x 16 cells, by those rows; 0 .. 255, float32 16 x 16 x channels.

        Neither blur nor noise changes them much, so that they show what is wrong with colours and names.
        """
        return _cells(self.prediction_rows)

    @cached_property
    def sharp_cells(self) -> Floats:
        """The same of the sharp picture."""
        return _cells(self.sharp_rows)


def look_at(name: str, prediction: Opened, sharp: Opened, blur: Opened | None) -> Seen | None:
    """The pair; None where it is too small to tell anything. Raises PictureError where a file cannot be read."""
    pictures = [picture.read(SKIMAGE) for picture in (prediction, sharp, blur) if picture]
    if len({picture.shape[:2] for picture in pictures}) > 1 or min(pictures[0].shape[:2]) < SMALLEST:
        return None
    seen = Seen(name, *pictures)
    known = [seen.prediction, seen.sharp, *([] if seen.blur is None else [seen.blur])]
    return seen if len({picture.shape for picture in known}) == 1 else None


def levels(picture: Array) -> Array:
    """On the scale 0 .. 255: uint8 as it is, floats as float32, neither clamped nor rounded."""
    return picture if picture.dtype == np.uint8 else picture.astype(np.float32) * np.float32(255)


def bytes_of(picture: Array) -> npt.NDArray[np.uint8]:
    """As uint8: floats clamped and rounded."""
    return picture if picture.dtype == np.uint8 else np.rint(np.clip(levels(picture), 0, 255)).astype(np.uint8)


def grey(picture: Array) -> Floats:
    """H x W float32, 0 .. 255."""
    import cv2

    samples = bytes_of(picture)
    plane = samples[..., 0] if samples.shape[2] == 1 else cv2.cvtColor(samples, cv2.COLOR_RGB2GRAY)
    return plane.astype(np.float32)


def _colours(picture: Array) -> Array:
    """Three axes, no alpha."""
    return picture[..., None] if picture.ndim == 2 else picture[..., :3] if picture.shape[2] == 4 else picture


def _rows(picture: Array) -> Array:
    step = picture.shape[0] // ROWS
    return np.ascontiguousarray(picture[step // 2 :: step][:ROWS])


def _cells(rows: Array) -> Floats:
    import cv2

    return np.atleast_3d(cv2.resize(levels(rows).astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA))
