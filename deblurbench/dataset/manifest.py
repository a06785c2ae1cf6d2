"""The manifest: one JSON line per pair, from which every pixel can be checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from deblurbench.config import Config
from deblurbench.dataset.names import PairId, Sha256, SplitName
from deblurbench.errors import DatasetError
from deblurbench.files import canonical_json, parse_json, write_text
from deblurbench.places import Place

COMMIT_MARK = "dataset.json"
MANIFEST = "manifest.jsonl"
KERNELS = "kernels.npz"


class PhotoRecord(Config):
    """Where a pair's photo comes from; `frames`: the raw hashes of all frames, where it is a window of them.

    `title`: what its maker calls it, where that is known; licences up to CC BY 3.0 ask to pass it on.
    """

    source: str
    url: str
    author: str
    licence: str
    raw_sha256: Sha256
    title: str | None = None
    frames: tuple[Sha256, ...] | None = None


class PairPaths(Config):
    """Where the pictures of an adopted pair lie, relative to the folder that `dataset.json` names."""

    blur: str
    sharp: str


class Record(Config):
    """One line of the manifest. Hashes are hex SHA-256; `preparation`, `blur`, `camera`, `tile` as they were applied.

    `kernels`: the ids of all integer kernels used, in the operator's order; none for frame averages and recorded
    pairs. `blur` always says in which `light` it happened. `files`: of adopted pairs alone.
    `sharp_dhash`: the perceptual hash of the sharp picture, 16 hex digits (see `images.dhash`).
    """

    pair: PairId
    split: SplitName
    scene: str
    photo: PhotoRecord
    preparation: dict[str, Any]
    blur: dict[str, Any]
    kernels: tuple[Sha256, ...]
    camera: dict[str, Any] | None = None
    tile: dict[str, Any] | None = None
    seed: int
    sharp_sha256: Sha256
    blur_sha256: Sha256
    sharp_dhash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    files: PairPaths | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if self.pair.partition("/")[0] != self.split:
            raise ValueError("a pair's id begins with its split")
        return self

    def pixels(self, side: str) -> str:
        """The pixel hash of its `sharp` or its `blur` picture."""
        return self.sharp_sha256 if side == "sharp" else self.blur_sha256

    @property
    def name(self) -> str:
        """The pair's name inside its split."""
        return self.pair.partition("/")[2]


class DisorderError(Exception):
    """Records do not come sorted by pair id, each once."""


class DatasetId:
    """The dataset id of records that come sorted by pair id, each once: none of them is kept."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._last = ""

    def add(self, record: Record) -> None:
        """The next record. Raises DisorderError."""
        if record.pair <= self._last:
            raise DisorderError(record.pair)
        self._last = record.pair
        self._digest.update(_identity_line(record).encode())

    def hex(self) -> str:
        """The id of the records so far."""
        return self._digest.hexdigest()


def dataset_id(records: Iterable[Record]) -> str:
    """Hex SHA-256 of the lines `pair TAB sharp hash TAB blur hash LF`, sorted by code point."""
    return hashlib.sha256("".join(sorted(map(_identity_line, records))).encode()).hexdigest()


def _identity_line(record: Record) -> str:
    return f"{record.pair}\t{record.sharp_sha256}\t{record.blur_sha256}\n"


def record_line(record: Record) -> str:
    """A record as one line of canonical JSON, without the line end."""
    return canonical_json(record.as_dict())


def write_manifest(path: Path, records: Iterable[Record]) -> None:
    """Write the records, sorted by pair id, one line each."""
    write_text(path, "".join(record_line(r) + "\n" for r in sorted(records, key=lambda r: r.pair)))


def manifest_records(place: Place) -> Iterator[Record]:
    """The records of a place's manifest, one by one. Raises DatasetError naming `file:line` where one is damaged."""
    try:
        with place.reading(MANIFEST) as file:
            for number, line in enumerate(file, 1):
                yield parse_record(line.decode("utf-8"), f"{place}/{MANIFEST}:{number}")
    except OSError as error:
        raise DatasetError(f"cannot read {place}/{MANIFEST}", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{place}/{MANIFEST} is damaged: it is not UTF-8", "build it again with --overwrite"
        ) from error


def parse_record(line: str, where: str) -> Record:
    """One line of a manifest. Raises DatasetError naming `where`."""
    try:
        return Record.model_validate_json(canonical_json(parse_json(line)), strict=True)
    except (ValidationError, ValueError) as error:
        raise DatasetError(f"{where} is damaged", "build the dataset again") from error
