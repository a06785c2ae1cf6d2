"""Pictures as bytes, by the suffix of their file: what every format here encodes and decodes with."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from deblurbench.errors import PictureError
from deblurbench.images.codec import Picture


def encode(picture: Picture, suffix: str) -> bytes:
    """A picture, uint8 H x W x 3, as the bytes of a lossless file: `png`, `qoi` or `npy`."""
    buffer = io.BytesIO()
    if suffix == "npy":
        np.save(buffer, np.ascontiguousarray(picture), allow_pickle=False)
    elif suffix == "png":
        Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
    else:
        Image.fromarray(picture).save(buffer, format=suffix.upper())
    return buffer.getvalue()


def decode(data: bytes, name: str) -> Picture:
    """The picture, uint8 H x W x 3, in the bytes of a file that `encode` made. Raises PictureError naming it."""
    try:
        if name.endswith(".npy"):
            picture = np.load(io.BytesIO(data), allow_pickle=False)
        else:
            with Image.open(io.BytesIO(data)) as file:
                picture = np.array(file.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise PictureError(f"{name} cannot be decoded ({error})", "make the dataset again") from error
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise PictureError(f"{name} is no 8-bit RGB picture", "make the dataset again")
    return picture
