"""Through JPEG and back, as a camera stores a picture. The pixels depend on the codec's version, which is recorded."""

from __future__ import annotations

import io
from functools import cache
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import AfterValidator

from deblurbench.blur.values import Whole, between, draw_whole
from deblurbench.draws import Draws
from deblurbench.errors import PictureError
from deblurbench.images.codec import Picture
from deblurbench.versions import jpeg_codec

SUBSAMPLING = "4:2:0"
_LARGEST = 65500  # libjpeg's JPEG_MAX_DIMENSION

Quality = Annotated[Whole, AfterValidator(between(1, 100))]
"""libjpeg's quality, 1 .. 100, or [low, high]: drawn for each picture."""


def draw_jpeg(quality: Whole, draws: Draws) -> dict[str, Any]:
    """`jpeg` (the quality), `jpeg_subsampling` and `jpeg_codec` of one picture."""
    return {"jpeg": draw_whole(draws, quality), "jpeg_subsampling": SUBSAMPLING, "jpeg_codec": _codec()}


def through_jpeg(picture: Picture, quality: int) -> Picture:
    """The picture, uint8 H x W x 3, as Pillow's JPEG codec gives it back: baseline, 4:2:0, default Huffman tables.

    Raises:
        PictureError: a side is longer than 65500 pixels.
    """
    if max(picture.shape[:2]) > _LARGEST:
        height, width = picture.shape[:2]
        raise PictureError(f"a picture of {width}x{height} is too large for JPEG", f"{_LARGEST} pixels a side at most")
    file = io.BytesIO()
    Image.fromarray(picture).save(
        file, "JPEG", quality=quality, subsampling=SUBSAMPLING, optimize=False, progressive=False
    )
    with Image.open(file) as stored:
        return np.array(stored, dtype=np.uint8)


@cache
def _codec() -> str:
    return jpeg_codec()
