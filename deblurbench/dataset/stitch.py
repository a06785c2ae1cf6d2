"""Whole pictures from the tiles of a split."""

from __future__ import annotations

from itertools import groupby
from math import prod
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from deblurbench.config import Config, Size, height_width
from deblurbench.dataset.manifest import MANIFEST, Record
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_resolved
from deblurbench.dataset.tiles import Tiles, stitch
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.files import make_folder, refuse_inside
from deblurbench.images.codec import Picture, read_rgb, write_png
from deblurbench.progress import progress


def stitch_split(data: Path, split: str, tiles: Path, out: Path, *, quiet: bool = False) -> int:
    """Put pictures named as a split's tiles together, one PNG per shot, in the folder `out`; returns how many.

    Raises: UsageError where the split was not cut by a grid, PictureError where a tile is missing or of another size,
        DatasetError where the dataset is damaged.
    """
    dataset = open_dataset(data)
    dataset.check_split(split)
    grid = read_resolved(dataset.place).split(split).tiles
    if grid is None or grid.mode != "grid":
        raise UsageError(f"the split {split} of {data} was not cut by a grid", "there is nothing to stitch")
    for folder in (data, tiles):
        refuse_inside(out, folder, "OUT")
    make_folder(out)
    count = 0
    with progress("stitch", dataset.splits[split], "tiles", quiet=quiet) as bar:
        cut = ((record, _spot(record, data)) for record in dataset.records(split))
        for name, group in groupby(cut, key=lambda item: _whole(*item)):
            of_whole = list(group)
            size = _size(name, [spot for _, spot in of_whole], grid)
            pictures = ((spot.y, spot.x, _tile(tiles / f"{record.name}.png", grid)) for record, spot in of_whole)
            write_png(out / f"{name}.png", stitch(pictures, size))
            bar.step(len(of_whole))
            count += 1
    return count


class _Spot(Config):
    """Where a tile lies, and the size of the whole: `tile` of a manifest line."""

    x: Annotated[int, Field(ge=0)]
    y: Annotated[int, Field(ge=0)]
    of: Size


def _spot(record: Record, data: Path) -> _Spot:
    try:
        return _Spot.model_validate(record.tile)
    except ValidationError as error:
        raise DatasetError(
            f"{data}/{MANIFEST}: {record.pair} says no place of its tile", "see verify-dataset"
        ) from error


def _whole(record: Record, spot: _Spot) -> str:
    """The name of the picture that a tile is of."""
    return record.name.removesuffix(f"-y{spot.y}x{spot.x}")


def _size(name: str, spots: list[_Spot], grid: Tiles) -> str:
    """The size of a whole picture, which its tiles can cover."""
    size = spots[0].of
    if any(spot.of != size for spot in spots) or prod(height_width(size)) > len(spots) * prod(height_width(grid.size)):
        raise PictureError(f"the {len(spots)} tiles of {name} do not cover {size}", "are all in the manifest?")
    return size


def _tile(file: Path, grid: Tiles) -> Picture:
    picture = read_rgb(file)
    if picture.shape[:2] != height_width(grid.size):
        height, width = picture.shape[:2]
        raise PictureError(f"{file} has {width} x {height} pixels, a tile {grid.size}", "restore tiles as they are")
    return picture
