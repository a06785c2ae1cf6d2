"""The pairs that training may see: the splits `train` and `val`, in memory as uint8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DatasetError, RunError
from deblurbench.images.codec import Picture
from deblurbench.progress import progress

TrainingSplit = Literal["train", "val"]


@dataclass(frozen=True, eq=False)
class Pair:
    """A blurred and a sharp picture, uint8 H x W x 3 of one shape."""

    name: str
    blur: Picture
    sharp: Picture

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.sharp.shape[0], self.sharp.shape[1]


def read_pairs(dataset: Dataset, split: TrainingSplit, *, quiet: bool = False) -> list[Pair]:
    """All pairs of `train` or `val`, sorted by name.

    There is no way to ask for a test split: what is trained or selected on test pictures proves nothing.

    Raises: RunError where the split is missing or empty, DatasetError where the two sides differ in size.
    """
    if split not in ("train", "val"):
        raise ValueError(f"training does not read the split {split!r}")
    if not dataset.splits.get(split):
        raise RunError(f"{dataset.place} has no {split} split", "training needs train and val")
    pairs = []
    pictures = dataset.reader(split)
    with progress(f"read {split}", dataset.splits[split], "pairs", quiet=quiet) as bar:
        for record in dataset.records(split):
            pair = Pair(record.name, pictures.read(record, "blur"), pictures.read(record, "sharp"))
            if pair.blur.shape != pair.sharp.shape:
                raise DatasetError(f"the two pictures of {record.pair} differ in size", "build the dataset again")
            pairs.append(pair)
            bar.step()
    pictures.close()
    return pairs
