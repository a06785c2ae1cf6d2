"""A loaded file: whether it is a picture, safe to decode, whole, large and sharp enough, and what is noted of it.

Nothing is believed that a server or a name says: the first bytes tell the format, and only the decoder of that format
ever sees the file. Its header has to promise few enough pixels before any is decoded, and all are decoded, once, by
the rules of `images.codec`, so that what passes here is a photo that `build-dataset` will take.

Taken are JPEG (also progressive, grey, and MPO, whose first picture is the photograph), PNG, WebP and TIFF. Pixels are
taken as they are stored: a colour profile such as Adobe RGB is not applied. Whatever follows the end of a picture is
neither read nor removed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Literal

from PIL import Image, UnidentifiedImageError
from pydantic import Field

from deblurbench.config import Config
from deblurbench.errors import FetchError, PictureError
from deblurbench.fetch.parts import check_parts
from deblurbench.images.codec import Picture, decode
from deblurbench.images.dhash import dhash
from deblurbench.images.sharpness import sharpness
from deblurbench.sources.online import one_line

Format = Literal["jpg", "png", "webp", "tif"]

_DECODERS: dict[Format, str] = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF"}
"""Pillow's names of the formats, by the suffix that such files get."""

# What else comes: (first bytes, where they begin, what it is).
_OTHERS = (
    (b"GIF8", 0, "a GIF"),
    (b"BM", 0, "a BMP"),
    (b"PK\x03\x04", 0, "a ZIP archive"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"Rar!", 0, "a RAR archive"),
    (b"7z\xbc\xaf", 0, "a 7-Zip archive"),
    (b"%PDF", 0, "a PDF document"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"qoif", 0, "a QOI picture"),
    (b"\x93NUMPY", 0, "a NumPy array"),
    (b"\xff\x0a", 0, "a JPEG XL picture"),
    (b"JXL ", 4, "a JPEG XL picture"),
    (b"jP  ", 4, "a JPEG 2000 picture"),
    (b"II+\0", 0, "a BigTIFF"),
    (b"MM\0+", 0, "a BigTIFF"),
    (b"\0\0\1\0", 0, "an icon"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"ftypavis", 4, "an AVIF picture"),
    (b"ftyphei", 4, "a HEIC picture"),
    (b"ftyphev", 4, "a HEIC picture"),
    (b"ftypmif1", 4, "a HEIC picture"),
    (b"ftyp", 4, "a video"),
    (b"\x1aE\xdf\xa3", 0, "a video"),
)
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_END = 8  # rows that a JPEG decoder decodes together, at least


class Checks(Config):
    """What a photo has to be.

    Attributes:
        min_side: pixels of its shorter side, at least.
        min_sharpness: see `images.sharpness`; 0.4 refuses pictures whose narrowest edges are 2.5 pixels wide.
        max_pixels: at most; larger ones are not decoded. Pillow's own limit, 89 million, holds beside it.
    """

    min_side: Annotated[int, Field(ge=1)] = 256
    min_sharpness: Annotated[float, Field(ge=0, le=1)] = 0.4
    max_pixels: Annotated[int, Field(ge=1)] = 80_000_000


class PhotoFacts(Config):
    """What is known of a photo that passed.

    Attributes:
        format: the suffix of such files: `jpg`, `png`, `webp` or `tif`.
        width, height: in pixels, of the upright picture.
        sharpness: 0 .. 1, see `images.sharpness`.
        dhash: its difference hash, 16 hex digits.
    """

    format: Format
    width: int
    height: int
    sharpness: float
    dhash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


def check_photo(path: Path, checks: Checks) -> PhotoFacts:
    """Judge a loaded file.

    Raises:
        FetchError: of the kind `not-a-picture`, `too-many-pixels`, `animated`, `damaged`, `unusable` (16 bits, CMYK,
            transparent), `too-small` or `blurred`; no bytes raise anything else.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    kind = _format_of(data)
    check_parts(data, kind)
    _check_header(data, kind, checks)
    picture = _decoded(data, kind)
    height, width = picture.shape[:2]
    sharp = sharpness(picture)
    if sharp < checks.min_sharpness:
        hint = f"its sharpness is {sharp:g}, less than {checks.min_sharpness:g}"
        raise FetchError("the picture is blurred everywhere", hint, kind="blurred")
    return PhotoFacts(format=kind, width=width, height=height, sharpness=sharp, dhash=dhash(picture))


def _format_of(data: bytes) -> Format:
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "tif"
    hint = "JPEG, PNG, WebP and TIFF are taken"
    raise FetchError(f"the file is {_looks_like(data)}", hint, kind="not-a-picture")


def _looks_like(data: bytes) -> str:
    if not data:
        return "empty"
    for first, where, what in _OTHERS:
        if data.startswith(first, where):
            return what
    text = data[:1024].lstrip(_BLANKS).lower()
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith((b"<", b"{", b"[")):
        return "text, such as XML or JSON"
    return "no picture that is known here"


def _check_header(data: bytes, kind: Format, checks: Checks) -> None:
    """What the header says of size and frames. Nothing is decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=[_DECODERS[kind]]) as picture:
            width, height = picture.size
            frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FetchError("the picture has far too many pixels", one_line(str(error)), kind="too-many-pixels") from error
    except Exception as error:  # on hostile bytes, decoders raise whatever comes
        why = "" if isinstance(error, UnidentifiedImageError) else one_line(str(error))
        raise FetchError("the file's header is damaged", why, kind="damaged") from error
    if width * height > checks.max_pixels:
        hint = f"more than {checks.max_pixels:,} in all are not decoded"
        raise FetchError(f"the picture has {width} x {height} pixels", hint, kind="too-many-pixels")
    if min(width, height) < checks.min_side:  # one of 1 x 80,000,000 would take gigabytes
        hint = f"its shorter side is to have {checks.min_side} at least"
        raise FetchError(f"the picture has {width} x {height} pixels", hint, kind="too-small")
    if frames != 1:
        raise FetchError("the file holds several pictures", kind="animated")


def _decoded(data: bytes, kind: str) -> Picture:
    try:
        picture = decode(data, "the file")
    except PictureError as error:
        # What the codec refuses by a rule of its own has no cause; behind damage there is a decoder's complaint.
        why = "damaged" if error.__cause__ else "unusable"
        raise FetchError(one_line(error.message), kind=why) from error
    if kind == "jpg" and _ends_grey(picture):
        raise FetchError("the file is damaged", "the end of the picture is missing", kind="damaged")
    return picture


def _ends_grey(picture: Picture) -> bool:
    """Whether a picture is plain medium grey at one side, not at the other one: what decoders put for lost data."""
    sides = ((picture[-_END:], picture[:_END]), (picture[:, -_END:], picture[:, :_END]))  # it may have been turned
    return any(bool((one == 128).all()) != bool((other == 128).all()) for one, other in sides)
