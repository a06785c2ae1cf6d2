"""EXIF of a picture that has been turned upright: what cameras wrote, without what has become untrue.

A block of EXIF is a small TIFF file: a header, then a table of tags whose last entry is followed by the place of the
next table, the one of the thumbnail. (Exif 2.32, section 4.5; TIFF 6.0, section 2.)
"""

from __future__ import annotations

import struct

_PREFIX = b"Exif\0\0"  # of JPEG's form; PNG's has none
_ORIENTATION = 0x0112
_ENTRY = 12  # bytes
_SHORT = 3  # TIFF's number for 16-bit values


def upright(block: bytes) -> bytes | None:
    """The block with the orientation set to upright and without its thumbnail; None where it is no EXIF.

    All other bytes stay in their places, since makers' own notes point to places in the block.
    """
    data = bytearray(block.removeprefix(_PREFIX))
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None:
        return None
    try:
        magic, table = struct.unpack_from(f"{order}HI", data, 2)
        (count,) = struct.unpack_from(f"{order}H", data, table)
        end = table + 2 + _ENTRY * count
        if magic != 42 or end > len(data):
            return None
        for entry in range(table + 2, end, _ENTRY):
            tag, kind, values = struct.unpack_from(f"{order}HHI", data, entry)
            if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
                struct.pack_into(f"{order}H", data, entry + 8, 1)
        if end + 4 <= len(data):
            struct.pack_into(f"{order}I", data, end, 0)
    except struct.error:
        return None
    return bytes(data)
