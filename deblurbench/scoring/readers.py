"""How published scripts read pictures: each reader with its own rules for what is no plain 8-bit RGB picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import PictureError

Samples = npt.NDArray[np.uint8]

_BY_PILLOW = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


@dataclass(frozen=True)
class Reader:
    """A way to decode files.

    Attributes:
        name: such as `skimage`.
        read: a file as uint8, H x W (grey), H x W x 3 (RGB) or H x W x 4. Raises PictureError.
    """

    name: str
    read: Callable[[Path], Samples]


def read_as_skimage(path: Path) -> Samples:
    """What `skimage.io.imread` gives, held to 8 bits: uint8, H x W, H x W x 3 (RGB) or H x W x 4.

    Raises: PictureError where the file cannot be decoded, or is not of 8 bits (1-bit files among them).
    """
    try:
        picture = _imread(path)
    except Exception as error:  # each decoder behind it raises kinds of its own
        raise PictureError(f"{path} cannot be decoded", _reason(path, error)) from error
    if picture.dtype != np.uint8:
        depth = "1-bit" if picture.dtype == np.bool_ else str(picture.dtype)
        raise PictureError(f"{path} is a {depth} picture", "this protocol scores 8-bit pictures")
    return picture


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be decoded, for people."""
    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    text = (str(cause).splitlines() or [""])[0]
    return "it is no picture, or a damaged one" if not text or "can not" in text else text[:200]


def _imread(path: Path) -> npt.NDArray[Any]:
    """`skimage.io.imread`; for the usual kinds the decoder behind it, which leaves no file open when it fails."""
    if path.suffix.lower() in _BY_PILLOW:
        from imageio.v3 import imread as decode

        return decode(path, plugin="pillow")
    from skimage.io import imread

    return imread(path)


def read_plain(path: Path) -> Samples | None:
    """The pixels of a PNG of 8-bit RGB without transparency, which all readers agree on; None for any other file."""
    return None


SKIMAGE = Reader("skimage", read_as_skimage)
OPENCV = Reader("opencv", read_as_skimage)
PILLOW = Reader("pillow", read_as_skimage)
MATLAB = Reader("matlab", read_as_skimage)


def read_floats(path: Path) -> npt.NDArray[np.floating[Any]]:
    """A floating prediction from an .npy file: H x W x 3 or H x W, RGB, nominally in 0 .. 1 and not yet clamped.

    Raises: PictureError where it is no such array, or holds what is not finite.
    """
    try:
        with path.open("rb") as file:
            picture = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # numpy raises many kinds for a damaged file
        raise PictureError(f"{path} cannot be read", "save it with numpy.save") from error
    if picture.dtype.kind != "f" or picture.ndim not in (2, 3) or not np.isfinite(picture).all():
        raise PictureError(f"{path} is no picture of finite floating numbers in 0 .. 1", "save H x W x 3 floats")
    return picture
