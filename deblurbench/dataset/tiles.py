"""Tiles: a large picture cut into pairs of one size, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from deblurbench.blur.values import Value, between, draw_value
from deblurbench.config import Config, Size, height_width
from deblurbench.draws import Draws
from deblurbench.errors import PictureError
from deblurbench.images.codec import Picture
from deblurbench.images.resize import resize


class Tile(NamedTuple):
    """One tile: what its name ends in, where it comes from (for the manifest), and its two pictures."""

    suffix: str
    place: dict[str, Any]
    sharp: Picture
    blurred: Picture


class Tiles(Config):
    """How pictures are cut, after the blur: a tile's blur knows what lies around it, as in a real photograph.

    Attributes:
        size: of each tile.
        mode: `grid` covers the picture, the last row and column moved in so that nothing is lost; `random` draws
            `count` places.
        count: of `random` tiles per blurred picture.
        flips, rotations: mirror each random tile left to right, turn it by a multiple of 90 degrees, as drawn; the
            blurred and the sharp one alike.
        zoom: scale the photo by this factor, or by one drawn from the range, before it is blurred.
    """

    size: Size
    mode: Literal["grid", "random"] = "grid"
    count: Annotated[int, Field(ge=1, le=10_000)] | None = None
    flips: bool = False
    rotations: bool = False
    zoom: Annotated[Value, AfterValidator(between(0.05, 4))] | None = None

    @model_validator(mode="after")
    def _check_mode(self) -> Tiles:
        height, width = height_width(self.size)
        if (self.mode == "random") != (self.count is not None):
            raise ValueError("random tiles have a count, a grid has none")
        if self.mode == "grid" and (self.flips or self.rotations):
            raise ValueError("the tiles of a grid are neither flipped nor turned: they are put together again")
        if self.rotations and height != width:
            raise ValueError("only square tiles can be turned")
        return self

    @property
    def per_picture(self) -> int | None:
        """How many tiles a picture gives; None where its size decides that."""
        return self.count

    def zoomed(self, picture: Picture, draws: Draws) -> Picture:
        """The picture, uint8 H x W x 3, scaled as drawn."""
        if self.zoom is None:
            return picture
        factor = draw_value(draws, self.zoom)
        height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
        return resize(picture, height, width)

    def cut(self, sharp: Picture, blurred: Picture, draws: Draws) -> Iterator[Tile]:
        """The tiles of a pair of pictures, uint8 H x W x 3, named after their places.

        Raises: PictureError where the picture is smaller than a tile.
        """
        height, width = height_width(self.size)
        size = (sharp.shape[0], sharp.shape[1])
        if size[0] < height or size[1] < width:
            raise PictureError(f"it has {size[1]} x {size[0]} pixels, a tile has {width} x {height}")
        for index, (y, x) in enumerate(self._corners(size, draws)):
            turns = draws.integer(0, 3) if self.rotations else 0
            flip = bool(self.flips and draws.integer(0, 1))
            place: dict[str, Any] = {"x": x, "y": y, "of": f"{size[1]}x{size[0]}"}
            if self.mode == "random":
                place |= {"turns": turns, "flip": flip}
            suffix = f"y{y}x{x}" if self.mode == "grid" else f"t{index}"
            both = (_turn(p[y : y + height, x : x + width], turns, flip) for p in (sharp, blurred))
            yield Tile(suffix, place, *both)

    def _corners(self, size: tuple[int, int], draws: Draws) -> list[tuple[int, int]]:
        height, width = height_width(self.size)
        if self.count is None:
            return [(y, x) for y in _starts(size[0], height) for x in _starts(size[1], width)]
        return [(draws.integer(0, size[0] - height), draws.integer(0, size[1] - width)) for _ in range(self.count)]


def _starts(size: int, tile: int) -> list[int]:
    return [*range(0, size - tile, tile), size - tile]


def _turn(tile: Picture, turns: int, flip: bool) -> Picture:
    turned = np.rot90(tile, turns)
    return np.ascontiguousarray(turned[:, ::-1] if flip else turned)


def stitch(tiles: Iterable[tuple[int, int, Picture]], size: Size) -> Picture:
    """Put a grid's tiles (y, x, uint8 h x w x 3) together to a picture of `size`; where they overlap, their mean.

    Raises: PictureError where they do not cover the picture.
    """
    height, width = height_width(size)
    total = np.zeros((height, width, 3), dtype=np.uint32)
    count = np.zeros((height, width, 1), dtype=np.uint32)
    for y, x, tile in tiles:
        bottom, right = y + tile.shape[0], x + tile.shape[1]
        if bottom > height or right > width:
            raise PictureError(f"a tile at {x}, {y} reaches beyond {size}", "is it the right dataset?")
        total[y:bottom, x:right] += tile
        count[y:bottom, x:right] += 1
    if not count.all():
        raise PictureError(f"the tiles do not cover {size}", "are all there?")
    return ((2 * total + count) // (2 * count)).astype(np.uint8)
