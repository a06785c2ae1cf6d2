"""The pairs that training may see: those of the splits `train` and `val`, in memory as uint8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DatasetError, RunError
from deblurbench.files import sha256_text
from deblurbench.images.codec import Picture
from deblurbench.progress import progress, say
from deblurbench_baselines.training.settings import Folds


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


class Parts(NamedTuple):
    """What is trained on and what is selected on: lines of the manifest sorted by pair id, without a common scene."""

    train: list[Record]
    val: list[Record]


def training_parts(dataset: Dataset, folds: Folds | None = None, *, quiet: bool = False) -> Parts:
    """The pairs of `train` and those of `val`; see `held_out_scenes` where a dataset has no `val`.

    With folds, the scenes of both splits are dealt out anew. There is no way to ask for a test split: what is trained
    or selected on test pictures proves nothing.

    Raises: RunError where there is nothing to train or to select on.
    """
    if not dataset.splits.get("train"):
        raise RunError(f"{dataset.place} has no train split", "training needs train and val")
    if folds is not None:
        return _fold(dataset, folds)
    held_out = held_out_scenes(dataset)
    if not held_out:
        return Parts(list(dataset.records("train")), list(dataset.records("val")))
    say(f"{dataset.place} has no val split: {len(held_out)} of its train scenes are held out", quiet=quiet)
    records = list(dataset.records("train"))
    return Parts([r for r in records if r.scene not in held_out], [r for r in records if r.scene in held_out])


def _fold(dataset: Dataset, folds: Folds) -> Parts:
    """Scenes in the order of their names' hashes, dealt out one by one: parts differ by one scene at most."""
    splits = [split for split in ("train", "val") if dataset.splits.get(split)]
    records = sorted((r for split in splits for r in dataset.records(split)), key=lambda record: record.pair)
    scenes = sorted({record.scene for record in records}, key=sha256_text)
    if len(scenes) < folds.count:
        hint = f"use --folds {len(scenes)} or less" if len(scenes) > 1 else "cross-validation needs scenes"
        raise RunError(f"{dataset.place} has {len(scenes)} scenes to train on, too few for {folds.count} folds", hint)
    held_out = set(scenes[folds.fold - 1 :: folds.count])
    return Parts([r for r in records if r.scene not in held_out], [r for r in records if r.scene in held_out])


def spread(records: Sequence[Record], most: int) -> list[Record]:
    """At most so many of the records, evenly spaced, the first among them."""
    count = min(most, len(records))
    return [records[i * len(records) // count] for i in range(count)]


def read_pairs(dataset: Dataset, records: Sequence[Record], label: str, *, quiet: bool = False) -> list[Pair]:
    """The pictures of these pairs, in their order; `label` is what progress calls them.

    Raises: PictureError for one that cannot be read, DatasetError where the two sides differ in size.
    """
    pairs = []
    with progress(f"read {label}", len(records), "pairs", quiet=quiet) as bar:
        for split, of in groupby(records, key=lambda record: record.split):
            with closing(dataset.reader(split)) as pictures:
                for record in of:
                    pair = Pair(record.name, pictures.read(record, "blur"), pictures.read(record, "sharp"))
                    if pair.blur.shape != pair.sharp.shape:
                        raise DatasetError(
                            f"the two pictures of {record.pair} differ in size", "build the dataset again"
                        )
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
