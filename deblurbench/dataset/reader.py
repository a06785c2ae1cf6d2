"""A built dataset, opened for reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from deblurbench.config import Config
from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST, Record, read_manifest
from deblurbench.dataset.names import RecipeName, Sha256, SplitName
from deblurbench.errors import DatasetError, UsageError, nearest
from deblurbench.files import canonical_json, read_json

SCHEMA: Literal[1] = 1


@dataclass(frozen=True)
class PairFiles:
    """One pair of a split on disk: `blur` and `sharp` are PNG files of the same name, uint8 RGB."""

    name: str
    blur: Path
    sharp: Path


@dataclass(frozen=True)
class Dataset:
    """A finished dataset folder. Made by `open_dataset`."""

    path: Path
    id: str
    recipe: str
    recipe_version: int
    splits: Mapping[str, int]

    @property
    def test_splits(self) -> list[str]:
        """The names of all test splits that have pairs, sorted."""
        return sorted(name for name, count in self.splits.items() if count and name.partition("-")[0] == "test")

    def folder(self, split: str, side: str) -> Path:
        """The folder that holds the `blur` or the `sharp` pictures of a split."""
        return self.path / split / side

    def pairs(self, split: str) -> list[PairFiles]:
        """The pairs of a split, sorted by name. Raises UsageError for an unknown split."""
        if split not in self.splits:
            raise UsageError(f"{self.path} has no split {split!r}", nearest(split, self.splits))
        names = [record.name for record in self.records() if record.split == split]
        return [
            PairFiles(name, self.folder(split, "blur") / f"{name}.png", self.folder(split, "sharp") / f"{name}.png")
            for name in names
        ]

    def records(self) -> list[Record]:
        """The lines of the manifest, sorted by pair id."""
        return read_manifest(self.path / MANIFEST)


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
    format: str = "png"  # noqa: A003 - one of `formats.FORMATS`
    shards: dict[SplitName, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    part: str | None = None  # `I/N` where it is one part of a build that `merge-datasets` will join
    root: str | None = None  # of an adopted dataset: the folder that its pictures lie in
    complete: bool | None = None  # of an adopted dataset: whether it has the published number of pairs
    splits: dict[SplitName, Annotated[int, Field(ge=0)]]
    versions: dict[str, str] = Field(default_factory=dict)


def read_mark(path: Path) -> Mark:
    """A dataset folder's `dataset.json`. Raises DatasetError where it is damaged."""
    file = path / COMMIT_MARK
    try:
        return Mark.model_validate_json(canonical_json(read_json(file, DatasetError)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise DatasetError(
            f"{file} is damaged ({key}: {first['msg'].lower()})", "build it again: --overwrite"
        ) from None


def open_dataset(path: Path) -> Dataset:
    """Open a dataset folder.

    Raises: UsageError where there is no folder, DatasetError where its build is unfinished or it is damaged.
    """
    if not path.is_dir():
        raise UsageError(f"no dataset folder {path}", "make one with `deblurbench build-dataset`")
    if not (path / COMMIT_MARK).is_file():
        raise DatasetError(
            f"{path} is no finished dataset (it has no {COMMIT_MARK})",
            "run the same `deblurbench build-dataset` again to finish it",
        )
    mark = read_mark(path)
    return Dataset(path, mark.dataset_id, mark.recipe.name, mark.recipe.version, dict(mark.splits))
