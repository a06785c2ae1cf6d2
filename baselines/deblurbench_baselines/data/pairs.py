"""The pairs that training may see: those of the splits `train` and `val`, in memory as uint8."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DatasetError, RunError
from deblurbench.files import sha256_text
from deblurbench.images.codec import Picture
from deblurbench.progress import progress, say

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
    """All pairs of `train` or `val`, sorted by name; see `held_out_scenes` where a dataset has no `val`.

    There is no way to ask for a test split: what is trained or selected on test pictures proves nothing.

    Raises: RunError where there is nothing to train or to select on, DatasetError where the two sides differ in size.
    """
    if split not in ("train", "val"):
        raise ValueError(f"training does not read the split {split!r}")
    if not dataset.splits.get("train"):
        raise RunError(f"{dataset.place} has no train split", "training needs train and val")
    held_out = held_out_scenes(dataset)
    if held_out and split == "val":
        say(f"{dataset.place} has no val split: {len(held_out)} of its train scenes are held out", quiet=quiet)
    source = "train" if held_out else split
    records = [r for r in dataset.records(source) if not held_out or (r.scene in held_out) == (split == "val")]
    pairs = []
    with (
        closing(dataset.reader(source)) as pictures,
        progress(f"read {split}", len(records), "pairs", quiet=quiet) as bar,
    ):
        for record in records:
            pair = Pair(record.name, pictures.read(record, "blur"), pictures.read(record, "sharp"))
            if pair.blur.shape != pair.sharp.shape:
                raise DatasetError(f"the two pictures of {record.pair} differ in size", "build the dataset again")
            pairs.append(pair)
            bar.step()
    return pairs


def held_out_scenes(dataset: Dataset) -> frozenset[str]:
    """The scenes of `train` that are not trained but selected on; none where the dataset has a `val`.

    Some datasets were published without one, GoPro among them. Whole scenes then, drawn by the hashes of their names,
    until they have a tenth of the pairs.

    Raises: RunError where `train` is a single scene: its pictures are alike.
    """
    if dataset.splits.get("val"):
        return frozenset()
    counts = Counter(record.scene for record in dataset.records("train"))
    if len(counts) < 2:
        hint = "training needs some to select on: add a val split, or scenes"
        raise RunError(f"{dataset.place} has no val split, and a single scene in train", hint)
    chosen: list[str] = []
    for scene in sorted(counts, key=sha256_text)[:-1]:
        chosen.append(scene)
        if 10 * sum(counts[c] for c in chosen) >= counts.total():
            break
    return frozenset(chosen)
