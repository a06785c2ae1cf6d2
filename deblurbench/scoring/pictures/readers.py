"""How published scripts read pictures: each reader with its own rules for what is no plain 8-bit RGB picture.

`docs/protocols.md` has the rules as a table. A damaged file is refused, and so is what a reader
does not give as 8 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from deblurbench.errors import PictureError
from deblurbench.images.codec import decode_npy, most_pixels
from deblurbench.images.png import SIGNATURE
from deblurbench.images.png_decode import is_long_enough

Samples = npt.NDArray[np.uint8]

_AS_RGB = "save it as an 8-bit RGB PNG"
_MOST_PAGES = 1000  # of a TIFF, such as smaller versions of the picture
_ORIENTATION = 0x0112  # the tag of TIFF and EXIF
_OF_MATLAB = {"BMP", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF"}  # what Pillow calls them


@dataclass(frozen=True)
class Reader:
    """A way to decode files.

    Attributes:
        name: such as `skimage`.
        read: a file as uint8, H x W (grey) or H x W x C: 3 is RGB, 2 and 4 have alpha, or 4 is CMYK.
            Raises PictureError.
    """

    name: str
    read: Callable[[Path], Samples]


def read_as_skimage(path: Path) -> Samples:
    """What `skimage.io.imread` gives, held to 8 bits: uint8, H x W or H x W x 2, 3 or 4.

    Raises: PictureError where the file cannot be decoded, is not of 8 bits (1-bit files among them), has several
        frames, or is a TIFF with a palette, of which only the palette's numbers would come.
    """
    with decoding(path):
        picture = _by_tifffile(path) if path.suffix.lower() in (".tif", ".tiff") else _by_imageio(path)
    if picture.dtype != np.uint8:
        depth = "1-bit" if picture.dtype == np.bool_ else str(picture.dtype)
        raise PictureError(f"{path} is a {depth} picture", "this protocol scores 8-bit pictures")
    if picture.ndim == 4 and len(picture) == 1:
        picture = picture[0]
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] > 4):
        raise _several_frames(path)
    if not picture.size:
        raise PictureError(f"{path} cannot be decoded", "it has no pixels")
    return picture


def _by_imageio(path: Path) -> npt.NDArray[Any]:
    """The decoder behind `skimage.io.imread`, asked directly: it leaves no file open when it fails."""
    from imageio.v3 import imread

    with Image.open(path) as picture:
        stacked = picture.format == "GIF" or getattr(picture, "custom_mimetype", None) == "image/apng"
        if stacked and getattr(picture, "is_animated", False):  # a small file may hold many, and all would be decoded
            raise _several_frames(path)
    return imread(path, plugin="pillow")


def _by_tifffile(path: Path) -> npt.NDArray[Any]:
    from skimage.io import imread
    from tifffile import PHOTOMETRIC, TiffFile

    with TiffFile(path) as file:
        _check_pages(path, (page.offset for page in file.pages))
        first = file.pages.first
        if first.photometric == PHOTOMETRIC.PALETTE:
            raise PictureError(f"{path} has a palette", _AS_RGB)
        if file.series[0].size > 4 * most_pixels():  # tifffile itself knows no limit
            raise Image.DecompressionBombError
        pieces = math.prod(first.chunked)
        if pieces > len(first.dataoffsets) or 0 in first.databytecounts[:pieces]:  # it would be black there
            raise ValueError("pieces of the picture are missing")
    return imread(path)


def _check_pages(path: Path, offsets: Iterator[int]) -> None:
    """Raise PictureError where there are very many, or they lead in a circle, in which tifffile would go for ever."""
    seen: set[int] = set()
    for offset in offsets:
        if offset in seen or len(seen) == _MOST_PAGES:
            raise _several_frames(path)
        seen.add(offset)


def read_as_opencv(path: Path) -> Samples:
    """What `cv2.imread` gives, as RGB: uint8, H x W x 3.

    Raises: PictureError where the file cannot be decoded, by OpenCV or by Pillow, which looks at it first: of a damaged
        file OpenCV gives what it can, or prints to stderr.
    """
    with _opened(path) as picture:
        if _is_turned_tiff(picture):
            raise PictureError(f"{path} is a TIFF with a turned picture", "save it upright")
        picture.load()
    import cv2

    with decoding(path):
        data = path.read_bytes()
        whole = not data.startswith(SIGNATURE) or is_long_enough(data)  # OpenCV lays out what a chunk's length claims
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if whole else None
    if decoded is None:
        raise PictureError(f"{path} cannot be decoded by OpenCV", _AS_RGB)
    return np.asarray(decoded, np.uint8)


def read_as_pillow(path: Path) -> Samples:
    """What `PIL.Image.open(path).convert("RGB")` gives: uint8, H x W x 3.

    Raises: PictureError where the file cannot be decoded, or Pillow has no 8 bits of it.
    """
    with _opened(path) as picture:
        if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"):
            raise _refused(path, picture)
        # Palettes go by way of RGBA, where their transparency is no matter for a warning.
        return np.array((picture.convert("RGBA") if picture.mode in ("P", "PA") else picture).convert("RGB"))


def read_as_matlab(path: Path) -> Samples:
    """What MATLAB's `imread(path)` gives, by Pillow and MATLAB's manual: uint8, H x W or H x W x 3.

    Raises: PictureError where the file cannot be decoded, where MATLAB gives no 8-bit grey or RGB, or where the manual
        does not say what it gives.
    """
    with _opened(path) as picture:
        if picture.format not in _OF_MATLAB:
            raise PictureError(f"{path} is a {picture.format} file, which MATLAB has other rules for", _AS_RGB)
        if picture.mode not in ("L", "LA", "RGB", "RGBA") or _is_packed(picture) or _is_turned_tiff(picture):
            raise _refused(path, picture)
        if "transparency" in picture.info or (_alpha(picture) and picture.getchannel("A").getextrema() != (255, 255)):
            raise PictureError(f"{path} has transparent pixels, which MATLAB blackens", "flatten it to RGB first")
        return np.array(picture.convert(picture.mode.removesuffix("A")))


SKIMAGE = Reader("skimage", read_as_skimage)
OPENCV = Reader("opencv", read_as_opencv)
PILLOW = Reader("pillow", read_as_pillow)
MATLAB = Reader("matlab", read_as_matlab)


def read_floats(path: Path) -> npt.NDArray[np.floating[Any]]:
    """A floating prediction from an .npy file: H x W x 3 or H x W, RGB, nominally in 0 .. 1 and not yet clamped.

    Returns: float32 or float64.

    Raises: PictureError where it is no such array, or holds what is not finite.
    """
    with decoding(path):
        if path.stat().st_size > 32 * most_pixels():
            raise PictureError(f"{path} is too large to decode safely", "crop it first")
        picture = decode_npy(path.read_bytes())
    if picture.dtype.kind != "f":
        raise PictureError(f"{path} holds {picture.dtype}", "save floats in 0 .. 1, or 8 bits as a PNG")
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] > 4):
        raise PictureError(f"{path} is of shape {picture.shape}", "save H x W x 3")
    with np.errstate(over="ignore"):  # of 80 or 128 bits
        floats: npt.NDArray[np.floating[Any]] = picture.astype(np.float64 if picture.dtype.itemsize > 4 else np.float32)
    if not np.isfinite(floats).all():
        raise PictureError(f"{path} holds what is not finite", "find where the NaN or infinity comes from")
    return floats


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture as Pillow opens it; what goes wrong with it is a PictureError."""
    with decoding(path), Image.open(path) as picture:
        yield picture


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Raise PictureError, which says why, where a file cannot be decoded in the block, or is none."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # it may give bytes without end, or never any
            raise PictureError(f"{path} cannot be decoded", "it is a pipe or a device, no file")
        if path.is_file() and path.stat().st_size == 0:
            raise PictureError(f"{path} cannot be decoded", "the file is empty")
        yield
    except PictureError:
        raise
    except Exception as error:  # each decoder raises kinds of its own
        raise PictureError(f"{path} cannot be decoded", _reason(error)) from error


def _reason(error: Exception) -> str:
    """Why a file could not be decoded, for people."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if isinstance(cause, Image.DecompressionBombError):
        return "it has too many pixels to be decoded safely"
    text = (str(cause).splitlines() or [""])[0]
    unknown = isinstance(cause, UnidentifiedImageError) or "can not" in text
    return "it is no picture, or a damaged one" if unknown or not text else text[:200]


def _several_frames(path: Path) -> PictureError:
    return PictureError(f"{path} has several frames", "keep one picture per file")


def _refused(path: Path, picture: Image.Image) -> PictureError:
    kinds = {"1": "is a 1-bit picture", "P": "has a palette", "PA": "has a palette", "CMYK": "is of CMYK colours"}
    if _is_packed(picture):
        return PictureError(f"{path} {kinds.get(picture.mode, 'is no 8-bit picture')}", _AS_RGB)
    if _is_turned_tiff(picture):
        return PictureError(f"{path} is a TIFF with a turned picture", "save it upright")
    return PictureError(f"{path} {kinds.get(picture.mode, f'is of mode {picture.mode}')}", _AS_RGB)


def _is_packed(picture: Image.Image) -> bool:
    """Whether the file's samples are not the 8 bits that Pillow makes of them, such as `RGB;16B` and `L;4`."""
    tiles = picture.tile if isinstance(picture, ImageFile) else []
    return any(";" in str(tile.args) for tile in tiles)


def _alpha(picture: Image.Image) -> bool:
    return picture.mode in ("LA", "RGBA")


def _is_turned_tiff(picture: Image.Image) -> bool:
    """Readers do not agree on it: scikit-image and MATLAB leave it so, Pillow turns it, OpenCV 5.0 fails."""
    return picture.format == "TIFF" and picture.getexif().get(_ORIENTATION, 1) != 1
