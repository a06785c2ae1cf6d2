"""Sheets: pictures at their full scale in rows, each with a caption, and kernels drawn large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from deblurbench.images.codec import Picture

Colour = tuple[int, int, int]

_GAP = 6
_LINE = 20
_FONT = 13
_SMALL = 12
_SMALL_LINE = 16
_TITLE = 17
_DARK: Colour = (24, 24, 28)
_BOX: Colour = (46, 46, 54)  # of a kernel, whose taps go from here to white


@dataclass(frozen=True)
class Cell:
    """One picture (uint8 H x W x 3) and the line under it; on a `Section`'s sheet, several lines."""

    picture: Picture
    caption: str


@dataclass(frozen=True)
class Section:
    """Cells under a heading."""

    heading: str
    cells: Sequence[Cell]


def contact_sheet(titles: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = "") -> Picture:
    """Lay out rows of equally sized pictures; uint8 H x W x 3, dark text on white."""
    height, width = rows[0][0].picture.shape[:2]
    top = _LINE * (2 if title else 1) + _GAP
    size = (_GAP + len(titles) * (width + _GAP), top + len(rows) * (height + _LINE + _GAP))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT)
    if title:
        draw.text((_GAP, _GAP // 2), title, fill="black", font=font)
    for i, text in enumerate(titles):
        draw.text((_GAP + i * (width + _GAP), top - _LINE), text, fill="black", font=font)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            corner = (_GAP + x * (width + _GAP), top + y * (height + _LINE + _GAP))
            sheet.paste(Image.fromarray(cell.picture), corner)
            draw.text((corner[0], corner[1] + height + 2), cell.caption, fill="black", font=font)
    return np.array(sheet)


def section_sheet(title: str, sections: Sequence[Section], columns: int, *, dark: bool = False) -> Picture:
    """Lay out sections of cells, `columns` beside each other; uint8 H x W x 3.

    Pictures may differ in size: each stands in the upper left of its place, as large as the largest of its section.
    Text that is too long for its place loses its middle.
    """
    ground, ink, faint = (_DARK, (240, 240, 240), (170, 170, 178)) if dark else ((255,) * 3, (0,) * 3, (90, 90, 96))
    gap = 3 * _GAP
    places = [_place(section) for section in sections]
    width = gap + columns * (max(place[1] for place in places) + gap)
    top = 2 * _GAP + 2 * _LINE
    heights = [_LINE + _GAP + -(-len(s.cells) // columns) * (p[0] + gap) for s, p in zip(sections, places, strict=True)]
    sheet = Image.new("RGB", (width, top + sum(heights)), ground)
    draw = ImageDraw.Draw(sheet)
    head, font, small = (ImageFont.load_default(size) for size in (_TITLE, _FONT + 1, _SMALL))
    draw.text((gap, 2 * _GAP), _fit(title, width - 2 * gap, head), fill=ink, font=head)
    for section, (step_y, step_x), height in zip(sections, places, heights, strict=True):
        draw.text((gap, top), _fit(section.heading, width - 2 * gap, font), fill=ink, font=font)
        for i, cell in enumerate(section.cells):
            x, y = gap + i % columns * (step_x + gap), top + _LINE + _GAP + i // columns * (step_y + gap)
            sheet.paste(Image.fromarray(cell.picture), (x, y))
            y += cell.picture.shape[0] + 4
            for n, line in enumerate(cell.caption.split("\n")):
                draw.text((x, y + n * _SMALL_LINE), _fit(line, step_x, small), fill=faint if n else ink, font=small)
        top += height
    return np.array(sheet)


def _place(section: Section) -> tuple[int, int]:
    """Height and width of what every cell of a section gets, its caption included."""
    heights = [cell.picture.shape[0] + 4 + _SMALL_LINE * (cell.caption.count("\n") + 1) for cell in section.cells]
    return max(heights, default=0), max((cell.picture.shape[1] for cell in section.cells), default=0)


def _fit(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, or as much of its beginning and end as there is room for."""
    shown, kept = text, len(text)
    while kept > 1 and font.getlength(shown) > width:
        kept -= 1
        shown = f"{text[: kept - kept // 2].rstrip()}...{text[len(text) - kept // 2 :].lstrip()}"
    return shown


def side_by_side(left: Picture, right: Picture, height: int, width: int, gap: int = 4) -> Picture:
    """Two pictures of at most height x width beside each other on grey, each centred in its half."""
    sheet = np.full((height, 2 * width + gap, 3), 225, dtype=np.uint8)
    sheet[:, width : width + gap] = 255
    for start, picture in ((0, left), (width + gap, right)):
        rows, columns = picture.shape[:2]
        top, first = (height - rows) // 2, start + (width - columns) // 2
        sheet[top : top + rows, first : first + columns] = picture
    return sheet


def kernel_grid(kernels: Sequence[npt.NDArray[np.integer]], rows: int, columns: int, side: int) -> Picture:
    """A grid of kernels in a dark square of `side` pixels, in C order.

    Each tap is a square of pixels (of kernels larger than their place, the largest of several taps is one pixel).
    Brightness is the square root of the tap over the kernel's largest, so that faint taps show.
    """
    sheet = np.full((side, side, 3), _DARK, dtype=np.uint8)
    gap = 0 if len(kernels) == 1 else 2
    room = max(1, (side + gap) // max(rows, columns) - gap)
    for i, taps in enumerate(kernels[: rows * columns]):
        drawn = _enlarged(taps, room)
        y, x = i // columns * (room + gap), i % columns * (room + gap)
        height, width = drawn.shape[:2]
        y, x = y + (room - height) // 2, x + (room - width) // 2
        sheet[y : y + height, x : x + width] = drawn
    return sheet


def _enlarged(taps: npt.NDArray[np.integer], room: int) -> Picture:
    """A kernel, at most room x room x 3."""
    merged = -(-max(taps.shape) // room)
    if merged > 1:
        padded = np.pad(taps, [(0, -size % merged) for size in taps.shape])
        taps = padded.reshape(padded.shape[0] // merged, merged, -1, merged).max(axis=(1, 3))
    share = np.sqrt(taps / max(1, int(taps.max())))[..., None]
    box = np.array(_BOX)
    drawn = np.rint(box + (255 - box) * share).astype(np.uint8)
    zoom = max(1, room // max(taps.shape))
    return drawn.repeat(zoom, axis=0).repeat(zoom, axis=1)


def middle(picture: Picture, height: int, width: int) -> Picture:
    """The central height x width part of a picture, or all of it where it is smaller."""
    top, left = (max(0, (have - want) // 2) for have, want in zip(picture.shape, (height, width), strict=False))
    return picture[top : top + height, left : left + width]
