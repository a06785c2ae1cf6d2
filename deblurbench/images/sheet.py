"""A contact sheet: rows of pictures under column titles, each with a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblurbench.images.codec import Picture

_GAP = 6
_LINE = 20
_FONT = 13


@dataclass(frozen=True)
class Cell:
    """One picture (uint8 H x W x 3) and the line under it."""

    picture: Picture
    caption: str


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


def middle(picture: Picture, height: int, width: int) -> Picture:
    """The central height x width part of a picture, or all of it where it is smaller."""
    top, left = (max(0, (have - want) // 2) for have, want in zip(picture.shape, (height, width), strict=False))
    return picture[top : top + height, left : left + width]
