"""The pixel hash: what identifies a picture, whatever file format holds it."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np
import numpy.typing as npt


def pixel_hash(picture: npt.NDArray[Any]) -> str:
    """Hex SHA-256 of `<3I` (h, w, c), the dtype's name and the samples, little-endian in C order.

    Args:
        picture: H x W (c = 1) or H x W x C, any dtype. Not copied where it is stored in this order already.
    """
    height, width = picture.shape[:2]
    channels = picture.shape[2] if picture.ndim == 3 else 1
    digest = hashlib.sha256(struct.pack("<3I", height, width, channels))
    digest.update(picture.dtype.name.encode("ascii"))
    little = picture.astype(picture.dtype.newbyteorder("<"), copy=False)
    digest.update(np.ascontiguousarray(little).reshape(-1).data)
    return digest.hexdigest()
