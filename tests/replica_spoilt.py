"""What can be wrong with the bytes of a picture's file: made from a good picture, with the reasons to refuse it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from replica_photos import SMALLEST, Stored, encode, stored

from deblurbench.images.codec import decode
from deblurbench.images.dhash import dhash, distance


class File(NamedTuple):
    """Bytes and what a server calls them: `type` goes behind `image/`."""

    data: bytes
    type: str


Spoil = Callable[[Stored], File]


def _image(picture: Stored) -> Image.Image:
    return Image.open(io.BytesIO(picture.data)).convert("RGB")


def _jpeg(change: Callable[[Image.Image], Image.Image]) -> Spoil:
    return lambda picture: File(encode(change(_image(picture)), "jpeg"), "jpeg")


def _png(change: Callable[[Image.Image], Image.Image], type: str = "png") -> Spoil:  # noqa: A002
    return lambda picture: File(encode(change(_image(picture)), type), type)


def _too_small(image: Image.Image) -> Image.Image:
    scale = (SMALLEST - 1) / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bomb_png(picture: Stored) -> File:
    """A picture of 3.6 gigapixels in a few hundred bytes: whoever believes its header runs out of memory."""
    header = _chunk(b"IHDR", struct.pack(">2I5B", 60_000, 60_000, 8, 2, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress(picture.dhash.encode() + bytes(100_000)))
    return File(b"\x89PNG\r\n\x1a\n" + header + data + _chunk(b"IEND", b""), "png")


def _bomb_jpeg(picture: Stored) -> File:
    """A JPEG whose frame header claims 65,500 x 65,500 pixels."""
    data = bytearray(encode(_image(picture), "jpeg"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">2H", 65_500, 65_500)
    return File(bytes(data), "jpeg")


def _cut(picture: Stored) -> File:
    data = encode(_image(picture), "jpeg")
    return File(data[: len(data) * 2 // 3], "jpeg")


def _wrong_crc(picture: Stored) -> File:
    data = bytearray(encode(_image(picture), "png"))
    data[len(data) // 2] ^= 0x55
    return File(bytes(data), "png")


def _gif(picture: Stored) -> File:
    return File(encode(_image(picture).quantize(64), "gif"), "gif")


def _animated(picture: Stored) -> File:
    image = _image(picture)
    flipped = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return File(encode(image, "png", save_all=True, append_images=[flipped], duration=100), "png")


def _transparent(picture: Stored) -> File:
    image = _image(picture)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return File(encode(image, "png"), "png")


def _deep(picture: Stored) -> File:
    grey = np.asarray(_image(picture).convert("L")).astype(np.uint16) * 257
    return File(encode(Image.fromarray(grey), "png"), "png")


def _zip(picture: Stored) -> File:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("../../photo.jpg"), picture.data)
    return File(buffer.getvalue(), "jpeg")


def _noise(picture: Stored) -> File:
    return File(np.random.default_rng(int(picture.dhash, 16)).bytes(20_000), "jpeg")


def _oriented(picture: Stored) -> File:
    """Lying on its side, with the EXIF orientation that puts it upright again."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return File(encode(_image(picture).transpose(Image.Transpose.ROTATE_90), "jpeg", exif=exif), "jpeg")


def near_copy(picture: Stored, number: int) -> Stored:
    """The same photo made larger, brighter or encoded anew: other bytes, a difference hash 0 to 2 bits away."""
    image = _image(picture)
    changes = (
        lambda: image.resize((image.width * 9 // 8, image.height * 9 // 8), Image.Resampling.BICUBIC),
        lambda: image.point(lambda value: min(255, value + 4)),
        lambda: image,
    )
    for change in changes[number % 3 :]:
        data = encode(change(), "jpeg", quality=88 if number % 2 else 78)
        copy = decode(data, "a copy")
        if distance(dhash(copy), picture.dhash) <= 2:
            break
    return stored(copy, "png") if data == picture.data else Stored(data, "jpeg", *copy.shape[1::-1], dhash(copy))


# Why the file is refused (see `Fault.why`), and what is done to it; no reason: it is good after all.
SPOILT: dict[str, tuple[tuple[str, ...], Spoil]] = {
    "1x1": (("too-small",), _jpeg(lambda image: image.resize((1, 1)))),
    "too-small": (("too-small",), _jpeg(_too_small)),
    "blurred": (("blurred",), _jpeg(lambda image: image.filter(ImageFilter.GaussianBlur(6)))),
    "bomb-png": (("too-many-pixels",), _bomb_png),
    "bomb-jpeg": (("too-many-pixels",), _bomb_jpeg),
    "cut": (("damaged",), _cut),
    "wrong-crc": (("damaged",), _wrong_crc),
    "gif": (("not-a-picture", "animated", "unusable", "content-type"), _gif),
    "animated": (("animated",), _animated),
    "cmyk": (("unusable",), _jpeg(lambda image: image.convert("CMYK"))),
    "16-bit": (("unusable",), _deep),
    "transparent": (("unusable",), _transparent),
    "zip": (("not-a-picture",), _zip),
    "noise": (("not-a-picture",), _noise),
    "as-png": ((), _png(lambda image: image)),
    "as-webp": ((), _png(lambda image: image, "webp")),
    "grey": ((), _jpeg(lambda image: image.convert("L"))),
    "oriented": ((), _oriented),
}
