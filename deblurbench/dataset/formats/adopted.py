"""The pictures of an adopted dataset: read where they lie, never written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from deblurbench.dataset.formats.format import Format, Made, PairReader, Side
from deblurbench.dataset.manifest import COMMIT_MARK, Record
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.files import parse_json
from deblurbench.images.codec import Picture
from deblurbench.places import Place
from deblurbench.sources.layouts.read import read_picture

BITS = "bits"
"""The key of a record's `preparation` that says that its pictures have 16 bits per sample."""


class Adopted(Format):
    """Each record names its two files below the folder that `dataset.json` names as `root`."""

    name: ClassVar[str] = "adopted"
    sharded: ClassVar[bool] = False

    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Refused: the pictures are somebody else's. Raises UsageError."""
        raise UsageError("no dataset is written in the format adopted", "use png, or another format")

    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split. Raises DatasetError where `dataset.json` names no folder, or the folder is not there."""
        try:
            root = parse_json(place.read_text(COMMIT_MARK)).get("root")
        except (OSError, ValueError, AttributeError) as error:
            raise DatasetError(f"cannot read {place}/{COMMIT_MARK} ({error})", "adopt the dataset again") from error
        if not isinstance(root, str):
            raise DatasetError(f"{place}/{COMMIT_MARK} names no root", "adopt the dataset again")
        if not Path(root).is_dir():
            raise DatasetError(
                f"{root}, where the pictures of {place} lie, is not there", "bring it back, or adopt again"
            )
        return _AdoptedReader(Path(root))

    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """No file of the dataset's own folder."""
        return iter(())


class _AdoptedReader(PairReader):
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, record: Record, side: Side) -> Picture:
        if record.files is None:
            raise PictureError(f"the manifest does not say where {record.pair} lies", "adopt the dataset again")
        name = record.files.sharp if side == "sharp" else record.files.blur
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise PictureError(f"{name} of {record.pair} leads out of {self._root}", "adopt the dataset again")
        return read_picture(self._root / name, sixteen_bit=record.preparation.get(BITS) == 16)
