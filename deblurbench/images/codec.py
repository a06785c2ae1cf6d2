"""Pictures from files and into files. At the disk's edge a picture is uint8, H x W x 3, RGB.

This is the one place that decodes and encodes. What a file holds is told by its first bytes, never by its name:
QOI and .npy go to decoders of their own, everything else to Pillow, and the same rules hold for all.

    png   read by everything; written nearly as fast as QOI, read in three times the time
    qoi   the fast lossless format (https://qoiformat.org): written and read in about the time of a JPEG decoder
    npy   uncompressed, NumPy's own format, version 1.0
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from deblurbench.errors import PictureError, UsageError, nearest
from deblurbench.files import replacing
from deblurbench.images.png import encode_png

Picture = npt.NDArray[np.uint8]
"""uint8, H x W x 3, RGB, 0 .. 255."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".qoi"})
"""What is looked for in folders. Not .npy: such files may hold anything, kernels for instance."""

# `read_rgb` itself refuses what Pillow finds too large to be safe, and odd tags matter to nobody where the pixels are
# whole. (Set once, here: changing the filters around each call would not be safe in threads.)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_DAMAGED = "replace or remove it"
_QOI_HEADER = struct.Struct(">4s2I2B")  # magic, width, height, channels, colour space


def read_rgb(path: Path) -> Picture:
    """Decode a picture upright (EXIF orientation applied) as uint8 H x W x 3 RGB.

    Grey and palette pictures become RGB; an alpha channel is dropped where it is opaque everywhere.

    Raises:
        PictureError: the file is missing, damaged, too large, has several frames, real transparency,
            CMYK colours or more than 8 bits.
    """
    with said_of(str(path)), path.open("rb") as file:
        head = file.read(longest_magic())
        file.seek(0)
        if decoder_of(head) is None:
            return _by_pillow(file, str(path))
        if path.stat().st_size > 8 * most_pixels():  # no codec of ours needs more
            raise Image.DecompressionBombError("more bytes than any picture needs")
        return _decode(file.read(), str(path))


def decode(data: bytes, name: str) -> Picture:
    """Decode the bytes of a file as `read_rgb` does; `name` is what an error calls it. Raises PictureError."""
    with said_of(name):
        return _decode(data, name)


def encode(picture: Picture, codec: str) -> bytes:
    """The bytes of a lossless file of uint8 H x W x 3: `png`, `qoi` or `npy`.

    Raises:
        ValueError: it is no such picture, or has no pixels.
        UsageError: no such codec.
    """
    if codec not in CODECS:
        raise UsageError(f"no codec is called {codec!r}", nearest(codec, CODECS))
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(f"a picture is uint8 H x W x 3, not {picture.dtype} {picture.shape}")
    return CODECS[codec].encode(np.ascontiguousarray(picture))


def write_picture(path: Path, picture: Picture) -> None:
    """Write uint8 H x W x 3, whole or not at all, by the codec that the file's suffix names: .png, .qoi, .npy."""
    _write(path, encode(picture, path.suffix.lower().removeprefix(".")))


def write_png(path: Path, picture: Picture) -> None:
    """Write uint8 H x W x 3 as PNG, whole or not at all. Its pixels are the promise, not its bytes."""
    _write(path, encode(picture, "png"))


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def list_pictures(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """All files of these suffixes below `folder`, as paths relative to it, sorted by their POSIX form.

    Hidden files and folders are left out.
    """
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    return sorted((p for p in found if not any(part.startswith(".") for part in p.parts)), key=lambda p: p.as_posix())


@contextmanager
def said_of(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a PictureError that names the picture."""
    try:
        yield
    except PictureError:
        raise
    except FileNotFoundError as error:
        raise PictureError(f"{name} does not exist") from error
    except PermissionError as error:
        raise PictureError(f"{name} may not be read", "check its permissions") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise PictureError(f"{name} is not a picture that can be decoded", _DAMAGED) from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"{name} is too large to decode safely", "crop or shrink it first") from error
    except Exception as error:  # on hostile bytes, decoders raise whatever comes
        raise PictureError(f"{name} cannot be decoded ({error})", _DAMAGED) from error


def _decode(data: bytes, name: str) -> Picture:
    decoder = decoder_of(data)
    if decoder is None:
        return _by_pillow(io.BytesIO(data), name)
    return _rgb_of(decoder(data), name)


def _by_pillow(file: BinaryIO, name: str) -> Picture:
    with Image.open(file) as picture:
        _check_size(picture.width, picture.height)
        check_still(picture, name)
        if any(";16" in str(tile) for tile in picture.tile):  # Pillow would drop the lower half without a word
            raise PictureError(f"{name} has 16 bits per sample", "convert it to 8-bit RGB first")
        ImageOps.exif_transpose(picture, in_place=True)
        return np.array(_to_rgb(picture, name), dtype=np.uint8)


def check_still(picture: Image.Image, name: str) -> None:
    """Raise PictureError where Pillow has opened something else than one still picture.

    PostScript is a program: Pillow would have Ghostscript run it, whatever the file is called.
    """
    if picture.format == "EPS":
        raise PictureError(f"{name} is a program in PostScript", "make a picture of pixels of it first")
    # A MPO holds several JPEGs, as phones and cameras write them; the first is the photograph.
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) != 1:
        raise PictureError(f"{name} has several frames", "keep one picture per file")


def _to_rgb(picture: Image.Image, name: str) -> Image.Image:
    if picture.mode in ("1", "P", "PA", "LA", "RGBA"):
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() != (255, 255):
            raise _transparent(name)
    elif picture.mode not in ("RGB", "L"):
        raise PictureError(f"{name} is of mode {picture.mode}", "convert it to 8-bit RGB first")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _rgb_of(samples: npt.NDArray[Any], name: str) -> Picture:
    """The same rules for what is an array already."""
    grey = samples.ndim == 2
    if samples.dtype != np.uint8 or not (grey or (samples.ndim == 3 and samples.shape[2] in (3, 4))):
        raise PictureError(f"{name} is of {samples.dtype} {samples.shape}", "convert it to 8-bit RGB first")
    if grey:
        return np.repeat(samples[:, :, None], 3, axis=2)
    if samples.shape[2] == 4 and samples[:, :, 3].min() != 255:
        raise _transparent(name)
    return np.ascontiguousarray(samples[:, :, :3])


def _transparent(name: str) -> PictureError:
    return PictureError(f"{name} has transparent pixels", "flatten it to RGB first")


def most_pixels() -> float:
    """How many pixels are safe to decode: Pillow's limit."""
    return Image.MAX_IMAGE_PIXELS or float("inf")


def _check_size(width: int, height: int) -> None:
    if width * height > most_pixels():
        raise Image.DecompressionBombError("more pixels than Pillow's limit")


def _encode_qoi(picture: Picture) -> bytes:
    try:
        import qoi
    except ImportError:  # no wheel for this machine: Pillow's, which is right and a hundred times as slow
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, format="QOI")
        return buffer.getvalue()
    return bytes(qoi.encode(picture))


def _decode_qoi(data: bytes) -> npt.NDArray[Any]:
    _, width, height, _, _ = _QOI_HEADER.unpack_from(data)
    _check_size(width, height)
    try:
        import qoi
    except ImportError:
        with Image.open(io.BytesIO(data)) as picture:
            return np.array(picture)
    return np.asarray(qoi.decode(data))


def _encode_npy(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, picture, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def decode_npy(data: bytes) -> npt.NDArray[Any]:
    """Only what the header says, and only where the data are of just its size: nothing is unpickled or allocated."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("its version is not 1.0")
    try:
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # NumPy's message may quote all of it
        raise ValueError("its header is damaged") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if len(shape) >= 2:
        _check_size(shape[1], shape[0])
    samples = np.frombuffer(data, dtype=np.uint8, offset=file.tell())
    if samples.size != math.prod(shape) * dtype.itemsize or not samples.size:
        raise ValueError(f"{samples.size} bytes do not make {dtype} {shape}")
    return samples.copy().view(dtype).reshape(shape, order="F" if by_columns else "C")


@dataclass(frozen=True)
class Codec:
    """How a lossless format is known, written and read; without a decoder of its own, Pillow reads it."""

    magic: bytes
    encode: Callable[[Picture], bytes]
    decode: Callable[[bytes], npt.NDArray[Any]] | None = None


CODECS = {
    "png": Codec(b"\x89PNG\r\n\x1a\n", encode_png),
    "qoi": Codec(b"qoif", _encode_qoi, _decode_qoi),
    "npy": Codec(b"\x93NUMPY", _encode_npy, decode_npy),
}
"""What pictures are written as, by name, which is also their files' suffix."""


def longest_magic() -> int:
    """How many bytes of a file's beginning `decoder_of` needs."""
    return max(len(codec.magic) for codec in CODECS.values())


def decoder_of(head: bytes) -> Callable[[bytes], npt.NDArray[Any]] | None:
    """What decodes a file that begins like this, or None where Pillow is to look at it."""
    return next((codec.decode for codec in CODECS.values() if codec.decode and head.startswith(codec.magic)), None)
