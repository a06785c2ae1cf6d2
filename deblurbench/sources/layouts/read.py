"""Reading the pictures of published datasets, 16-bit ones by one stated rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurbench.errors import PictureError
from deblurbench.images.codec import Picture, read_rgb

_PNG = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT = 24  # of a PNG file: the signature, the length and name of IHDR, width and height come before
_BITS_PER_SAMPLE = 258  # TIFF tag


def read_picture(path: Path, *, sixteen_bit: bool = False) -> Picture:
    """Decode a picture as uint8 H x W x 3 RGB; grey becomes three equal channels.

    Args:
        path: the file.
        sixteen_bit: whether the dataset declares 16 bits per sample: v becomes (v * 255 + 32767) // 65535, which is
            v * 255 / 65535 rounded to the nearest integer. 8-bit files among them are read as they are.

    Raises:
        PictureError: as `read_rgb` does; for more than 8 bits where they were not declared (Pillow would silently
            keep the high byte of a 16-bit RGB file); for 16 bits without OpenCV.
    """
    if bits_per_sample(path) <= 8:
        return read_rgb(path)
    if not sixteen_bit:
        raise PictureError(f"{path} has more than 8 bits per sample", "this dataset is one of 8-bit pictures")
    return to_8_bit(_decode_16_bit(path), path)


def bits_per_sample(path: Path) -> int:
    """What a PNG or TIFF file's header says; 8 for all other files, and for those that cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_DEPTH_AT + 1)
        if head.startswith(_PNG):
            return head[_DEPTH_AT] if len(head) > _DEPTH_AT else 8
        if head[:2] in (b"II", b"MM"):
            with Image.open(path) as picture:
                tags: Any = getattr(picture, "tag_v2", {})
                return max(tags.get(_BITS_PER_SAMPLE, (8,)))
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError):
        pass  # reading it will say what is wrong
    return 8


def to_8_bit(levels: npt.NDArray[np.uint16], path: Path) -> Picture:
    """16-bit levels, H x W or H x W x 3, as uint8 H x W x 3."""
    rounded = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)[levels]
    if rounded.ndim == 2:
        rounded = np.repeat(rounded[:, :, None], 3, axis=2)
    if rounded.shape[2] != 3:
        raise PictureError(f"{path} has {rounded.shape[2]} channels", "flatten it to RGB first")
    return rounded


def _decode_16_bit(path: Path) -> npt.NDArray[np.uint16]:
    """The levels of a 16-bit PNG or TIFF, RGB or grey. Neither Pillow nor imageio keeps 16-bit RGB."""
    try:
        import cv2
    except ImportError as error:
        raise PictureError(f"{path} has 16 bits, which OpenCV reads", "pip install opencv-python-headless") from error
    try:
        data = np.fromfile(path, dtype=np.uint8)  # not by name: OpenCV cannot open all names on all systems
        levels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as error:
        raise PictureError(f"{path} cannot be decoded ({error})", "replace or remove it") from error
    if levels is None or levels.dtype != np.uint16:
        raise PictureError(f"{path} is not a 16-bit picture that can be decoded", "replace or remove it")
    rgb = levels[:, :, ::-1] if levels.ndim == 3 and levels.shape[2] == 3 else levels
    return np.ascontiguousarray(rgb)
