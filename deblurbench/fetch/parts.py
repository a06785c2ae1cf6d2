"""What picture files are made of, counted without decoding anything: few bytes can keep a decoder busy for hours.

A progressive JPEG may bring its pixels in any number of scans, each of which visits all of them, and its EXIF data in
any number of segments, each of which is copied with all before it; a PNG or JPEG may have millions of empty chunks or
segments; a TIFF may chain pictures without end, say that a picture has millions of strips, or bring a small one in a
tile of gigabytes. No camera and no program writes such files.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator

from deblurbench.errors import FetchError

MOST_PARTS = 1 << 16
"""Chunks of a PNG, segments of a JPEG, strips or tiles of a TIFF."""
MOST_SCANS = 100
"""Of a progressive JPEG; encoders write about ten. libtiff draws the line there, too."""
MOST_EXIF = 16
"""Segments of EXIF data in a JPEG; cameras write one."""
MOST_TILED = 1 << 26
"""Pixels of a tile of a TIFF, all of which are decoded however few of them are shown; usual are 65,536."""

# Neither a zero that was stuffed into a scan, nor a mark to restart at, nor filling.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN, _EXIF = 0xD9, 0xDA, 0xE1
_ALONE = (0x01, 0xD8)  # markers without a segment
_TILE_SIDES, _LONG = (322, 323), 4
_BYTES = (1, 2, 6, 7)  # types of a TIFF's values that stay what they are: one byte each


def check_parts(data: bytes, kind: str) -> None:
    """Refuse a file that is made of absurdly many parts; what else is wrong with it is for the decoder to say.

    Args:
        data: the file.
        kind: `jpg`, `png`, `tif` (with 32-bit offsets) or `webp`, whose parts are always few.

    Raises:
        FetchError: `damaged` for too many parts, `animated` for a TIFF with more than one picture.
    """
    if kind == "jpg":
        _check_jpeg(data)
    elif kind == "png":
        _check_count(_png_chunks(data), "chunks")
    elif kind == "tif":
        _check_tiff(data)


def _check_jpeg(data: bytes) -> None:
    scans = exif = 0
    for segments, (marker, place) in enumerate(_jpeg_markers(data), start=1):
        scans += marker == _SCAN
        if scans > MOST_SCANS:
            raise _too_many(MOST_SCANS, "scans")
        exif += marker == _EXIF and data.startswith(b"Exif\0", place + 2)
        if exif > MOST_EXIF:
            raise _too_many(MOST_EXIF, "segments of EXIF data")
        if segments > MOST_PARTS:
            raise _too_many(MOST_PARTS, "segments")


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """The markers up to the end of the first picture, or of the file, and where what follows each begins."""
    place = 2
    while (found := _JPEG_MARKER.search(data, place)) and data[found.end() - 1] != _END:
        marker, place = data[found.end() - 1], found.end()
        yield marker, place
        if marker not in _ALONE:
            place += int.from_bytes(data[place : place + 2], "big")


def _png_chunks(data: bytes) -> Iterator[int]:
    """The lengths of the chunks."""
    place = 8
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        yield length
        place += 12 + length


def _check_count(parts: Iterator[int], what: str) -> None:
    for count, _ in enumerate(parts, start=1):
        if count > MOST_PARTS:
            raise _too_many(MOST_PARTS, what)


def _check_tiff(data: bytes) -> None:
    order = "<" if data.startswith(b"II") else ">"
    try:
        (place,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, place)
        sides: dict[int, int] = {}
        for entry in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHI4s", data, place + 2 + 12 * entry)
            if count > MOST_PARTS and kind not in _BYTES:
                raise _too_many(MOST_PARTS, "values in one place")
            if tag in _TILE_SIDES:
                number = struct.unpack(f"{order}I", value) if kind == _LONG else struct.unpack(f"{order}HH", value)
                sides[tag] = max(sides.get(tag, 0), number[0])  # decoders differ in which of several counts
        if math.prod(sides.values()) > MOST_TILED:
            raise _too_many(MOST_TILED, "pixels in a tile")
        (following,) = struct.unpack_from(f"{order}I", data, place + 2 + 12 * entries)
    except struct.error:
        return  # it ends too early, which its decoder will notice
    if following:
        raise FetchError("the file holds several pictures", kind="animated")


def _too_many(most: int, what: str) -> FetchError:
    return FetchError(f"the file is made of more than {most:,} {what}", "no camera writes such files", kind="damaged")
