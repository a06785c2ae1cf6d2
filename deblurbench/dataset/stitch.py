"""Whole pictures from the tiles of a split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.tiles import stitch
from deblurbench.errors import UsageError, nearest
from deblurbench.files import make_folder, refuse_inside
from deblurbench.images.codec import Picture, read_rgb, write_png
from deblurbench.progress import progress


def stitch_split(data: Path, split: str, tiles: Path, out: Path, *, quiet: bool = False) -> int:
    """Put pictures named as a split's tiles together, one PNG per shot, in the folder `out`; returns how many.

    Raises: UsageError where the split was not cut by a grid, PictureError where a tile is missing or of another size.
    """
    dataset = open_dataset(data)
    if split not in dataset.splits:
        raise UsageError(f"{data} has no split {split!r}", nearest(split, dataset.splits))
    for folder in (data, tiles):
        refuse_inside(out, folder, "OUT")
    make_folder(out)
    count = 0
    with progress("stitch", dataset.splits[split], "tiles", quiet=quiet) as bar:
        for name, group in groupby(dataset.records(split), key=_whole):
            if name is None:
                raise UsageError(f"the split {split} of {data} was not cut by a grid", "there is nothing to stitch")
            records = list(group)
            write_png(out / f"{name}.png", stitch(_tiles(records, tiles), str((records[0].tile or {})["of"])))
            bar.step(len(records))
            count += 1
    return count


def _whole(record: Record) -> str | None:
    """The name of the picture that a tile is of."""
    if record.tile is None or "turns" in record.tile:
        return None
    return record.name.removesuffix(f"-y{record.tile['y']}x{record.tile['x']}")


def _tiles(records: list[Record], folder: Path) -> Iterator[tuple[int, int, Picture]]:
    for record in records:
        tile = record.tile or {}
        picture = read_rgb(folder / f"{record.name}.png")
        yield int(tile["y"]), int(tile["x"]), picture
