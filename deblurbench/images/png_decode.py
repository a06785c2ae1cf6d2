"""Reading plain PNG fast: 8-bit RGB, neither interlaced nor transparent nor animated, and without a turning by EXIF.

All programs agree on the pixels of such a file. It is inflated by ISA-L and its filters are undone by compiled code, in
a quarter to a half of the time that Pillow takes. Whatever is not plain, or not whole, is left to other decoders: every
checksum and length is tested, and in doubt the answer is None. (PNG: ISO/IEC 15948.)
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from deblurbench.compiled import compiled
from deblurbench.images.codec import Picture, most_pixels
from deblurbench.images.png import SIGNATURE

WORTH_COMPILING = 200_000_000
"""Samples of the sharp pictures for which Pillow, pair by pair, loses more time than compiling takes."""

_HEADER = struct.Struct(">8s I4s 2I5B")  # signature; the first chunk's length, kind, width, height and codes
_KIND = struct.Struct(">I4s")
_PLAIN = (8, 2, 0, 0, 0)  # 8 bits, RGB, deflate, the usual filters, not interlaced
_HARMLESS = {b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt", b"bKGD"}
"""What may lie beside the pixels, and no reader changes them for."""


def read_plain_png(path: Path) -> Picture | None:
    """The pixels of a whole, plain PNG: uint8 H x W x 3, RGB. None for any other file, or where there is none."""
    try:
        if not path.is_file():  # a pipe, which nobody may ever write to
            return None
        with path.open("rb") as file:
            if _size(file.read(_HEADER.size)) is None or path.stat().st_size > 8 * most_pixels():
                return None
            file.seek(0)
            return decode_plain_png(file.read())
    except OSError:
        return None


def decode_plain_png(data: bytes) -> Picture | None:
    """The same of a file's bytes."""
    size = _size(data)
    stream = _stream(data) if size else None
    if size is None or stream is None:
        return None
    code = compiled("deblurbench.images.png_unfilter", "unfilter", WORTH_COMPILING)
    return _decode(stream, *size, code) if code else _by_pillow(data)


def is_long_enough(data: bytes) -> bool:
    """Whether a PNG file's bytes hold all that its chunks' lengths claim, up to the last chunk."""
    start = len(SIGNATURE)
    while start + _KIND.size <= len(data):
        length, kind = _KIND.unpack_from(data, start)
        start += _KIND.size + length + 4
        if kind == b"IEND":
            break
    return start <= len(data)


def _size(head: bytes) -> tuple[int, int] | None:
    """Width and height, if a file that begins like this may be plain."""
    if len(head) < _HEADER.size:
        return None
    signature, length, kind, width, height, *stored = _HEADER.unpack_from(head)
    plain = signature == SIGNATURE and (length, kind, tuple(stored)) == (13, b"IHDR", _PLAIN)
    return (width, height) if plain and 0 < width * height <= most_pixels() else None


def _stream(data: bytes) -> bytes | None:
    """The compressed rows, if all chunks are whole and harmless and come in order."""
    parts: list[memoryview] = []
    beside: list[memoryview] = []
    ended = False
    for kind, chunk in _chunks(data):
        if kind == b"IEND":
            return b"".join(parts) if len(beside) < 2 or _are_read(beside) else None
        if kind == b"IDAT" and not ended:
            parts.append(chunk[8:-4])
        elif kind not in _HARMLESS and (kind, beside) != (b"IHDR", []):
            return None
        else:
            beside.append(chunk)
            ended = bool(parts)
    return None


def _are_read(chunks: list[memoryview]) -> bool:
    """Whether Pillow, which refuses files for damage beside the pixels too, takes these chunks, the header first."""
    head = b"".join([SIGNATURE, *chunks, _KIND.pack(0, b"IDAT")])
    try:
        with Image.open(io.BytesIO(head), formats=["PNG"]):
            return True
    except Exception:  # kinds of its own
        return False


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and bytes of each chunk, up to the first whose length or checksum is wrong."""
    view, crc32 = memoryview(data), _library().crc32
    start = len(SIGNATURE)
    while start + _KIND.size <= len(data):
        length, kind = _KIND.unpack_from(data, start)
        end = start + _KIND.size + length
        if int.from_bytes(data[end : end + 4]) != crc32(view[start + 4 : end]) or end + 4 > len(data):
            return
        yield kind, view[start : end + 4]
        start = end + 4


def _decode(stream: bytes, width: int, height: int, code: ModuleType) -> Picture | None:
    expected = height * (1 + 3 * width)
    if stream[:1] > b"\x7f" or int.from_bytes(stream[:2]) % 31:  # a header that zlib refuses, and ISA-L does not
        return None
    library = _library()
    inflater = library.decompressobj()
    try:
        rows = inflater.decompress(stream, expected + 1)  # never more than that, whatever the stream makes of itself
    except library.error:
        return None
    if len(rows) != expected or not inflater.eof or inflater.unused_data:
        return None
    picture = np.empty((height, width, 3), np.uint8)
    filtered = np.frombuffer(rows, np.uint8).reshape(height, -1)
    return picture if code.unfilter(filtered, picture) else None


def _by_pillow(data: bytes) -> Picture | None:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            return np.array(picture)
    except Exception:  # other decoders will say what is wrong
        return None


def _library() -> ModuleType:
    """ISA-L where it is installed, else the standard library's zlib."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib
