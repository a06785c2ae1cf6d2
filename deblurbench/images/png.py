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

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
_LONGEST_CHUNK = 1 << 30  # the format ends at 2^31 - 1
_START = 8  # bytes


def encode_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file of uint8 H x W x 3, RGB, at least one pixel. Its pixels are the promise, not its bytes."""
    height, width = picture.shape[:2]
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB, deflate, usual filters, not interlaced
    data = memoryview(_compress(_filtered(picture)))
    parts = [SIGNATURE, *_chunk(b"IHDR", header)]
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


def _compress(rows: npt.NDArray[np.uint8]) -> bytes:
    """A zlib stream of the rows: by ISA-L where it is installed, else by the standard library.

    ISA-L's fast routine hashes the third byte of a stream from a register that nobody has set (2.31,
    igzip_icf_body_h1_gr_bt.asm, `.write_first_byte`), so that one picture in some ten thousand gets other bytes in
    another process. A flush after the first bytes leaves the start to its slow routine, which has no such fault.
    """
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compress(rows.data, 1)
    stream, data = isal_zlib.compressobj(1), rows.reshape(-1).data
    start = stream.compress(data[:_START]) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return b"".join([start, stream.compress(data[_START:]), stream.flush()])


def _chunk(kind: bytes, data: bytes | memoryview) -> Iterator[bytes | memoryview]:
    yield struct.pack(">I", len(data)) + kind
    yield data
    yield struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
