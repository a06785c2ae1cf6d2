"""The pairs of a split as torch tensors, for people's own trainers: what `deblurbench.open_dataset` gives."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
import torch  # noqa: TID253 - this module is itself imported when `deblurbench.open_dataset` is asked for
import torch.utils.data  # noqa: TID253

from deblurbench.dataset import reader
from deblurbench.dataset.formats.format import PairReader
from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST, Record, parse_record
from deblurbench.errors import DatasetError, UsageError, nearest
from deblurbench.images.codec import Picture
from deblurbench.places import Place

DATA = Path("data")
"""Where `build-dataset` puts datasets by name."""

Transform = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""(blur, sharp) in, (blur, sharp) out: it sees both, so that a crop or a flip is the same for both."""


class PairTensors(NamedTuple):
    """One pair: tensors 3 x H x W, RGB, float32 in [0, 1] or uint8. The default collation stacks field by field."""

    blur: torch.Tensor
    sharp: torch.Tensor
    name: str


class PairDataset(torch.utils.data.Dataset[PairTensors]):
    """The pairs of one split, sorted by name: a map-style dataset for `torch.utils.data.DataLoader`.

    It works in any number of worker processes, forked or spawned: each opens what it needs for itself. What it keeps
    in memory is 8 bytes per pair, and the manifest where the dataset is a URL.

    Attributes:
        dataset: the dataset as it lies on disk.
        split: the split's name.
        transform: applied to (blur, sharp) as tensors; None for none.
        uint8: whether tensors are the stored values, uint8, rather than float32 in [0, 1].
    """

    def __init__(
        self, dataset: reader.Dataset, split: str, *, transform: Transform | None = None, uint8: bool = False
    ) -> None:
        dataset.check_split(split)
        self.dataset, self.split, self.transform, self.uint8 = dataset, split, transform, uint8
        self._manifest: bytes | None = None if dataset.place.folder else dataset.place.read_bytes(MANIFEST)
        self._offsets = self._find_lines()
        self._reader: tuple[int, PairReader] | None = None

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: SupportsIndex) -> PairTensors:
        """A pair; a negative index counts from the end.

        Raises: IndexError beyond the ends, TypeError for a slice (take `torch.utils.data.Subset`), PictureError where
            a picture is missing or damaged.
        """
        if isinstance(index, slice):
            raise TypeError("a pair dataset takes one index; for a part of it use torch.utils.data.Subset")
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"pair {position} of the {len(self)} of {self.split}")
        record = self.record(position)
        pictures = self._pictures()
        blur, sharp = (pictures.read(record, side) for side in ("blur", "sharp"))
        if blur.shape != sharp.shape:
            raise DatasetError(f"the two pictures of {record.pair} differ in size", "build the dataset again")
        tensors = self._tensor(blur), self._tensor(sharp)
        if self.transform is not None:
            tensors = self.transform(*tensors)
        return PairTensors(*tensors, record.name)

    def record(self, index: int) -> Record:
        """The pair's line in the manifest. Raises DatasetError where it is damaged."""
        where = f"{self.dataset.place}/{MANIFEST}"
        offset = int(self._offsets[index])
        if self._manifest is not None:
            line = self._manifest[offset : self._manifest.find(b"\n", offset) + 1 or None]
        else:
            with self.dataset.place.reading(MANIFEST) as file:
                file.seek(offset)
                line = file.readline()
        record = parse_record(line.decode("utf-8", errors="replace"), where)
        if record.split != self.split:
            raise DatasetError(f"{where} has changed since it was opened", "open the dataset again")
        return record

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_reader": None}

    def _tensor(self, picture: Picture) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
        return tensor if self.uint8 else tensor.to(torch.float32) / 255

    def _pictures(self) -> PairReader:
        """This process's reader: one that came with a fork shares its files' positions with the parent."""
        if self._reader is None or self._reader[0] != os.getpid():
            self._reader = os.getpid(), self.dataset.reader(self.split)
        return self._reader[1]

    def _find_lines(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where in the manifest the lines of the split begin, int64."""
        found, offset, number = [], 0, 0
        try:
            with self.dataset.place.reading(MANIFEST) as file:
                for line in file:
                    number += 1
                    if json.loads(line)["split"] == self.split:
                        found.append(offset)
                    offset += len(line)
        except OSError as error:
            raise DatasetError(f"cannot read {self.dataset.place}/{MANIFEST}", error.strerror or str(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DatasetError(f"{self.dataset.place}/{MANIFEST}:{number} is damaged", "build it again") from error
        return np.array(found, dtype=np.int64)


def open_dataset(
    path_or_name: str | Path, split: str | None = None, *, transform: Transform | None = None, uint8: bool = False
) -> PairDataset:
    """Open one split of a built dataset for training or evaluation, whatever its format.

    Args:
        path_or_name: a dataset folder, a URL such as `s3://bucket/set`, or a name: that of a folder in `data/`.
        split: `train`, `val`, `test` or `test-LABEL`.
        transform: maps the tensors (blur, sharp) to (blur, sharp), for augmentation: both are given so that both are
            changed alike. With several workers it must be picklable.
        uint8: give the stored values as uint8 instead of float32 in [0, 1].

    Raises: UsageError where there is no such dataset or split, DatasetError where it is unfinished or damaged.
    """
    dataset = reader.open_dataset(_find(path_or_name))
    if split is None:
        known = ", ".join(f"{name} ({count} pairs)" for name, count in dataset.splits.items())
        raise UsageError(f"which split of {dataset.place}?", f"one of {known}")
    return PairDataset(dataset, split, transform=transform, uint8=uint8)


def _find(path_or_name: str | Path) -> Place:
    """The place that is meant: a path where a dataset or any folder is, else a name in `data/`."""
    place = Place(path_or_name)
    name = str(path_or_name)
    if place.folder is None or isinstance(path_or_name, Path) or "/" in name or "\\" in name:
        return place
    if (place.folder / COMMIT_MARK).is_file() or not name:
        return place
    if (DATA / name).is_dir():
        return Place(DATA / name)
    if place.folder.is_dir():
        return place
    built = [file.parent.name for file in DATA.glob(f"*/{COMMIT_MARK}")]
    hint = nearest(name, built) if built else f"make it with `deblurbench build-dataset {name}`"
    raise UsageError(f"no dataset {name!r}, neither as a folder nor in {DATA}/", hint)
