"""Pictures from files and into files. At the disk's edge a picture is uint8, H x W x 3, RGB."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from deblurbench.errors import PictureError
from deblurbench.files import replacing

Picture = npt.NDArray[np.uint8]
"""uint8, H x W x 3, RGB, 0 .. 255."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})

# `read_rgb` itself refuses what Pillow finds too large to be safe. (Set once, here: changing the filters around
# each call would not be safe in threads.)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

# Level 1 writes several times faster than Pillow's default for a few per cent more bytes.
_PNG_LEVEL = 1


def read_rgb(path: Path) -> Picture:
    """Decode a picture upright (EXIF orientation applied) as uint8 H x W x 3 RGB.

    Grey and palette pictures become RGB; an alpha channel is dropped where it is opaque everywhere.

    Raises:
        PictureError: the file is missing, damaged, too large, has several frames, real transparency,
            CMYK colours or more than 8 bits.
    """
    try:
        with Image.open(path) as file:
            if file.width * file.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
                raise Image.DecompressionBombError("more pixels than Pillow's limit")
            if getattr(file, "n_frames", 1) != 1:
                raise PictureError(f"{path} has several frames", "keep one picture per file")
            return np.array(_to_rgb(ImageOps.exif_transpose(file), path), dtype=np.uint8)
    except PictureError:
        raise
    except FileNotFoundError as error:
        raise PictureError(f"{path} does not exist") from error
    except PermissionError as error:
        raise PictureError(f"{path} may not be read", "check its permissions") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise PictureError(f"{path} is not a picture that can be decoded", "replace or remove it") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path} is too large to decode safely", "crop or shrink it first") from error
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise PictureError(f"{path} cannot be decoded ({error})", "replace or remove it") from error


def _to_rgb(picture: Image.Image, path: Path) -> Image.Image:
    if picture.mode in ("1", "P", "PA", "LA", "RGBA"):
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() != (255, 255):
            raise PictureError(f"{path} has transparent pixels", "flatten it to RGB first")
    elif picture.mode not in ("RGB", "L"):
        raise PictureError(f"{path} is of mode {picture.mode}", "convert it to 8-bit RGB first")
    return picture.convert("RGB")


def write_png(path: Path, picture: Picture) -> None:
    """Write uint8 H x W x 3 as PNG, whole or not at all. Its pixels are the promise, not its bytes."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is uint8 H x W x 3, not {picture.dtype} {picture.shape}")
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", compress_level=_PNG_LEVEL)


def list_pictures(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """All files of these suffixes below `folder`, as paths relative to it, sorted by their POSIX form.

    Hidden files and folders are left out.
    """
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    return sorted((p for p in found if not any(part.startswith(".") for part in p.parts)), key=lambda p: p.as_posix())
