"""A built dataset, opened for reading.

`open_dataset` here gives the dataset as it lies on disk: its records, files and pictures. What people train with is
`deblurbench.open_dataset(path_or_name, split)`, which gives the tensors of one split (see `dataset.torch_pairs`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from deblurbench.config import Config
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import PairReader, Side
from deblurbench.dataset.manifest import COMMIT_MARK, Record, manifest_records
from deblurbench.dataset.names import RecipeName, Sha256, SplitName, share_of
from deblurbench.errors import DatasetError, UsageError, nearest
from deblurbench.files import canonical_json, parse_json
from deblurbench.images.codec import Picture
from deblurbench.places import Place

SCHEMA: Literal[1] = 1
_FLAT = ("png", "qoi")  # the formats whose pictures are, by split and side, in one folder each


@dataclass(frozen=True)
class PairFiles:
    """One pair of a split on disk: its name, and two picture files that `read_rgb` reads, uint8 RGB."""

    name: str
    blur: Path
    sharp: Path


@dataclass(frozen=True)
class Dataset:
    """A finished dataset. Made by `open_dataset`.

    Attributes:
        place: where it lies.
        id: the dataset id.
        recipe, recipe_version: what it was built of.
        splits: how many pairs each split has.
        format: how its pictures lie (see `formats`).
        shards: of the formats of one file per shard: how many each split has.
        root: of an adopted dataset: the folder that its pictures lie in, as seen from `place`.
    """

    place: Place
    id: str
    recipe: str
    recipe_version: int
    splits: Mapping[str, int]
    format: str = "png"
    shards: Mapping[str, int] = field(default_factory=dict)
    root: str | None = None
    _readers: dict[tuple[int, str], PairReader] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_readers": {}}

    @property
    def path(self) -> Path:
        """The dataset folder. Raises UsageError where it is a URL."""
        return self.place.local("this")

    @property
    def test_splits(self) -> list[str]:
        """The names of all test splits that have pairs, sorted."""
        return sorted(name for name, count in self.splits.items() if count and share_of(name) == "test")

    def check_split(self, split: str) -> None:
        """Raise UsageError, suggesting the nearest name, where there is no such split."""
        if split not in self.splits:
            raise UsageError(f"{self.place} has no split {split!r}", nearest(split, self.splits))

    def records(self, split: str | None = None) -> Iterator[Record]:
        """The lines of the manifest, or those of one split, sorted by pair id; they are read as they are asked for.

        Raises: UsageError for an unknown split, DatasetError where the manifest is missing or damaged.
        """
        if split is None:
            return manifest_records(self.place)
        self.check_split(split)
        return (record for record in manifest_records(self.place) if record.split == split)

    def reader(self, split: str) -> PairReader:
        """A reader of the pictures of a split, which the caller closes. Raises UsageError for an unknown split."""
        self.check_split(split)
        return find_format(self.format).reader(self.place, split)

    def read(self, record: Record, side: Side) -> Picture:
        """One picture, uint8 H x W x 3. Raises PictureError naming it where it is missing or damaged."""
        key = (os.getpid(), record.split)  # open files are not shared with a forked process
        if key not in self._readers:
            self._readers[key] = self.reader(record.split)
        return self._readers[key].read(record, side)

    def folder(self, split: str, side: Side) -> Path:
        """The folder that holds all the `blur` or all the `sharp` pictures of a split, and nothing else.

        Raises: UsageError for a format that has no such folder.
        """
        if self.format not in _FLAT:
            raise self._needs_files()
        return self.path / split / side

    def pairs(self, split: str) -> list[PairFiles]:
        """The pairs of a split as picture files, sorted by name.

        Raises: UsageError for an unknown split, and for a format in which a picture is no picture file of its own.
        """
        return [
            PairFiles(record.name, self._file(record, "blur"), self._file(record, "sharp"))
            for record in self.records(split)
        ]

    def _file(self, record: Record, side: Side) -> Path:
        if record.files is not None and self.root is not None:
            name = record.files.sharp if side == "sharp" else record.files.blur
            return (Place(self.path / self.root) / name).local("an adopted dataset")
        name_or_none = find_format(self.format).picture(record, side)
        if name_or_none is None or name_or_none.endswith(".npy"):
            raise self._needs_files()
        return self.path / name_or_none

    def _needs_files(self) -> UsageError:
        hint = f"convert it first: deblurbench export {self.place} OUT --format png"
        return UsageError(f"this needs picture files, and {self.place} is of the format {self.format}", hint)


class MarkedRecipe(Config):
    """The recipe that `dataset.json` names."""

    name: RecipeName
    version: int


class Mark(Config):
    """`dataset.json`: what a finished dataset is."""

    schema_: Literal[1] = Field(alias="schema")
    dataset_id: Sha256
    recipe: MarkedRecipe
    plan_hash: Sha256 | None = None
    format: str = "png"  # one of `formats.FORMATS`, or `adopted`
    shards: dict[SplitName, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(default_factory=dict)
    part: str | None = None  # `I/N` where it is one part of a build that `merge-datasets` will join
    root: str | None = None  # of an adopted dataset: the folder that its pictures lie in
    complete: bool | None = None  # of an adopted dataset: whether it has the published number of pairs
    splits: dict[SplitName, Annotated[int, Field(ge=0)]]
    versions: dict[str, str] = Field(default_factory=dict)


def read_mark(where: Place | Path | str) -> Mark:
    """A dataset's `dataset.json`. Raises DatasetError where it is missing or damaged."""
    place = _place(where)
    file = f"{place}/{COMMIT_MARK}"
    try:
        return Mark.model_validate_json(canonical_json(parse_json(place.read_text(COMMIT_MARK))), strict=True)
    except OSError as error:
        raise DatasetError(f"cannot read {file}", error.strerror or str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    except ValueError as error:
        what = f"it is not JSON: {error}"
    raise DatasetError(f"{file} is damaged ({what})", "build it again: --overwrite")


def _place(where: Place | Path | str) -> Place:
    return where if isinstance(where, Place) else Place(where)


def open_dataset(where: Place | Path | str) -> Dataset:
    """Open a dataset: a folder, or a URL that fsspec knows.

    Raises: UsageError where there is no folder, DatasetError where its build is unfinished or it is damaged.
    """
    place = _place(where)
    if place.folder is not None and not place.folder.is_dir():
        raise UsageError(f"no dataset folder {place}", "make one with `deblurbench build-dataset`")
    if not place.exists(COMMIT_MARK):
        raise DatasetError(
            f"{place} is no finished dataset (it has no {COMMIT_MARK})",
            "run the same `deblurbench build-dataset` again to finish it",
        )
    mark = read_mark(place)
    try:
        find_format(mark.format)
    except UsageError as error:
        raise DatasetError(f"{place}/{COMMIT_MARK}: {error.message}", "update deblurbench") from error
    splits, shards = dict(mark.splits), dict(mark.shards)
    name, version = mark.recipe.name, mark.recipe.version
    return Dataset(place, mark.dataset_id, name, version, splits, mark.format, shards, mark.root)
