"""A picture with all that is to be kept when it is restored: its depth, its transparency, its colours' meaning, EXIF.

`read_rgb` is for pictures that are measured: 8 bits, opaque. Here are those that somebody wants back.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurbench.errors import PictureError
from deblurbench.files import replacing
from deblurbench.images import exif
from deblurbench.images.codec import check_still, decoder_of, longest_magic, most_pixels, said_of
from deblurbench.images.png import Chunk, encode_png

Levels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""uint8, 0 .. 255, or uint16, 0 .. 65535: H x W x 3, RGB."""

AnyLevels = TypeVar("AnyLevels", npt.NDArray[np.uint8], npt.NDArray[np.uint16])
"""The same, where what comes out is of the type that goes in."""

_ORIENTATION = 0x0112
_TOLD = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432)  # a TIFF's tags that say no layout: title, camera, ...
_TABLES = (34665, 34853)  # of more tags: the exposure's, the place's
_TURNS = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (-1, 1), 6: (-1, 0), 7: (1, 1), 8: (1, 0)}
_GREY = ("1", "L", "LA")
_CONVERT = "convert it to RGB of 8 or 16 bits first"


@dataclass(frozen=True)
class Original:
    """A picture, upright, and what its file says beside the pixels.

    Attributes:
        pixels: uint8 or uint16, H x W x 3, RGB; a grey picture has three equal channels.
        alpha: H x W of the same type; None where the picture is opaque everywhere.
        grey: whether the file holds one channel of light.
        exif: as in PNG's chunk `eXIf`, the orientation set to upright, without a thumbnail.
        profile: the ICC profile.
    """

    pixels: Levels
    alpha: Levels | None = None
    grey: bool = False
    exif: bytes | None = None
    profile: bytes | None = None

    def encode(self, restored: Levels) -> bytes:
        """A PNG file of what `pixels` have been restored to, uint8 or uint16 of their shape, with all the rest.

        A grey picture stays grey, as the mean of the three channels; the transparency is what it was.
        """
        planes: list[npt.NDArray[Any]] = [restored]
        if self.grey:
            planes = [np.rint(restored.mean(axis=2, keepdims=True, dtype=np.float64)).astype(restored.dtype)]
        if self.alpha is not None:
            alpha = self.alpha if self.alpha.dtype == restored.dtype else to_8_bits(self.alpha)
            planes.append(alpha[:, :, None])
        return encode_png(np.concatenate(planes, axis=2) if len(planes) > 1 else planes[0], self._beside())

    def _beside(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        if self.profile:
            chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(self.profile)))
        if self.exif:
            chunks.append((b"eXIf", self.exif))
        return chunks


def to_8_bits(levels: Levels) -> npt.NDArray[np.uint8]:
    """uint16 as uint8, rounded: 65535 becomes 255. uint8 stays."""
    if levels.dtype == np.uint8:
        return np.asarray(levels, dtype=np.uint8)
    return ((levels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def write_original(path: Path, original: Original, restored: Levels) -> None:
    """Write a PNG file of what a picture has been restored to, see `Original.encode`; whole or not at all."""
    data = original.encode(restored)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def read_original(path: Path) -> Original:
    """Decode a picture of 8 or 16 bits upright, with its transparency, EXIF and ICC profile.

    Raises:
        PictureError: the file is missing, damaged, has more than twice Pillow's limit of pixels, several frames, CMYK
            colours, or samples of another depth.
    """
    with said_of(str(path)), path.open("rb") as file:
        decoder = decoder_of(file.read(longest_magic()))
        file.seek(0)
        if decoder is None:
            return _by_pillow(file, str(path))
        if path.stat().st_size > 8 * most_pixels():
            raise Image.DecompressionBombError("more bytes than any picture needs")
        return _of_samples(decoder(file.read()), str(path))


def _by_pillow(file: BinaryIO, name: str) -> Original:
    with Image.open(file) as picture:  # which refuses more than twice its limit of pixels by itself
        check_still(picture, name)
        stored = str(picture.tile)  # before anything is decoded: then it is empty
        deep = ";16" in stored
        grey = picture.mode in _GREY or "I;16" in stored or "LA;16" in stored
        # Before EXIF is asked for, which loads a PNG: what is damaged fails once, and is half a picture from then on.
        # Of 16 bits, too: OpenCV would only grumble.
        picture.load()
        orientation, block = _exif(picture)
        profile = _profile(picture)
        samples = _deep_samples(picture, file, name) if deep else _samples(picture, name)
    found = _of_samples(_turned(samples, orientation), name, grey=grey)
    # A grey PNG file has room for a profile of grey alone; a grey JPEG may come with one of colours.
    keeps_grey = found.grey and (profile is None or profile[16:20] == b"GRAY")
    return Original(found.pixels, found.alpha, keeps_grey, block, profile)


def _exif(picture: Image.Image) -> tuple[int, bytes | None]:
    """How the decoded pixels are still to be turned, as EXIF's 1 .. 8, and the block to keep. Damaged EXIF is none."""
    with suppress(Exception):  # of its parser, on hostile bytes
        tags = picture.getexif()
        if picture.format == "TIFF":  # its layout is told by the same tags, and its decoders turn it themselves
            return 1, _of_tiff(tags)
        orientation = tags.get(_ORIENTATION)
        block = picture.info.get("exif")
        turned = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
        return turned, exif.upright(block) if block else None
    return 1, None


def _profile(picture: Image.Image) -> bytes | None:
    """The ICC profile. None where a TIFF's tag of that name holds numbers or a text."""
    profile = picture.info.get("icc_profile")
    return profile if profile and isinstance(profile, bytes) else None


def _of_tiff(tags: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    kept.update({tag: tags[tag] for tag in _TOLD if tag in tags})
    for table in _TABLES:
        if entries := tags.get_ifd(table):
            kept.get_ifd(table).update(entries)
    return exif.upright(kept.tobytes()) if len(kept) else None


def _samples(picture: Image.Image, name: str) -> npt.NDArray[Any]:
    """What Pillow decodes, 8 bits: H x W, or H x W x 2 (grey and alpha), 3 or 4."""
    clear = "transparency" in picture.info  # one colour, or an alpha for each of a palette
    if picture.mode in ("P", "PA") or (picture.mode == "RGB" and clear):
        return np.array(picture.convert("RGBA"))
    if picture.mode in ("1", "L") and clear:
        return np.array(picture.convert("LA"))
    if picture.mode == "1":
        return np.array(picture.convert("L"))
    if picture.mode not in ("L", "LA", "RGB", "RGBA"):
        raise PictureError(f"{name} is of mode {picture.mode}", _CONVERT)
    return np.array(picture)


def _deep_samples(picture: Image.Image, file: BinaryIO, name: str) -> npt.NDArray[Any]:
    """The same of 16 bits."""
    samples = _by_opencv(file, name, picture.size)
    clear = picture.info.get("transparency")
    if samples.ndim == 2 and isinstance(clear, int):  # one level, which OpenCV heeds in RGB alone
        return np.dstack([samples, np.where(samples == clear, 0, 65535).astype(np.uint16)])
    return samples


def _by_opencv(file: BinaryIO, name: str, size: tuple[int, int]) -> npt.NDArray[Any]:
    """16 bits per sample, of which Pillow keeps the upper 8: H x W, or H x W x 3 or 4 in RGB order."""
    import cv2

    file.seek(0)
    samples = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16 or samples.shape[1::-1] != size:
        raise PictureError(f"{name} has 16 bits per sample in a form that is not known", _CONVERT)
    if samples.ndim == 3:
        samples = samples[:, :, [2, 1, 0, 3][: samples.shape[2]]]
    return samples


def _turned(samples: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Upright, from one of EXIF's eight orientations."""
    quarter_turns, mirrored = _TURNS[orientation]
    turned = np.rot90(samples, quarter_turns)
    return turned[:, ::-1] if mirrored else turned


def _of_samples(samples: npt.NDArray[Any], name: str, grey: bool = False) -> Original:
    """A picture from samples of 1 to 4 channels."""
    planes = samples[:, :, None] if samples.ndim == 2 else samples
    if planes.ndim != 3 or planes.shape[2] not in (1, 2, 3, 4) or planes.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"{name} is of {samples.dtype} {samples.shape}", _CONVERT)
    channels = planes.shape[2]
    alpha = np.ascontiguousarray(planes[:, :, -1]) if channels in (2, 4) else None
    if alpha is not None and alpha.min() == np.iinfo(alpha.dtype).max:
        alpha = None
    light = planes[:, :, :3] if channels > 2 else np.repeat(planes[:, :, :1], 3, axis=2)
    return Original(np.ascontiguousarray(light), alpha, grey or channels < 3)
