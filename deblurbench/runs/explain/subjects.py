"""The pictures on which a model is explained: of a dataset, or of folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from deblurbench.dataset.kernels import Taps, opened_kernels
from deblurbench.dataset.manifest import KERNELS
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError, UsageError
from deblurbench.images.codec import SUFFIXES, Picture, list_pictures, read_rgb
from deblurbench.progress import progress
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.known_blur import KnownBlur, read_blur
from deblurbench.runs.model import Model
from deblurbench.scoring.pictures.pairing import pair_folders

LIMIT = 3
"""Pictures of a group, unless more are asked for."""

_SMALLEST = 16  # pixels: of less there is no spectrum to speak of


@dataclass(frozen=True, eq=False)
class Subject:
    """A blurred picture and what is known of it.

    Attributes:
        group: what it is explained together with: the name of its split, or of its folder.
        name: its own.
        blurred, sharp, restored: uint8 H x W x 3.
        blur: the kernel that blurred it, where that is one known kernel.
    """

    group: str
    name: str
    blurred: Picture
    sharp: Picture | None = None
    blur: KnownBlur | None = None
    restored: Picture | None = None


def dataset_subjects(dataset: Dataset, splits: Sequence[str], limit: int = LIMIT) -> list[Subject]:
    """The first `limit` pairs of each of some splits (none named: of all test splits), with their kernels.

    Raises: UsageError for an unknown split and where there are no pairs, DatasetError where the dataset is damaged.
    """
    records = [record for split in splits or dataset.test_splits for record in islice(dataset.records(split), limit)]
    subjects = []
    with ExitStack() as stack:
        kernels: Mapping[str, Taps] = {}
        if any(record.kernels for record in records):  # an adopted dataset has none, and no file of them
            kernels = stack.enter_context(opened_kernels(dataset.place, KERNELS))
        for record in records:
            blurred, sharp = dataset.read(record, "blur"), dataset.read(record, "sharp")
            blur = read_blur(record, kernels) if len(record.kernels) == 1 else None
            subjects.append(Subject(record.split, record.name, blurred, sharp, blur))
    if not subjects:
        raise UsageError(f"{dataset.place} has no pictures in {', '.join(splits) or 'a test split'}", "name a --split")
    return _checked(subjects)


def folder_subjects(blurred: Path, sharp: Path | None = None, limit: int = LIMIT) -> list[Subject]:
    """The first `limit` pictures of a folder, or one picture; with the sharp ones of the same names, where given.

    Raises: UsageError where there is nothing to read, PictureError for a picture that cannot be read, and where a
        sharp picture has another size.
    """
    if blurred.is_file():
        if sharp is not None and not sharp.is_file():
            raise UsageError(f"{blurred} is a picture, and {sharp} is none", "name two pictures, or two folders")
        return _checked([_subject(blurred.parent.name, blurred, sharp)])
    if not blurred.is_dir():
        raise UsageError(f"no dataset, picture or folder {blurred}", "name a dataset folder, or a folder of pictures")
    if sharp is None:
        files = [blurred / name for name in list_pictures(blurred)[:limit]]
        pairs: Sequence[tuple[Path, Path | None]] = [(file, None) for file in files]
    else:
        found = pair_folders(blurred, sharp).pairs
        both: list[tuple[object, object]] = [(pair.prediction, pair.sharp) for pair in found]
        pairs = [(one, other) for one, other in both if isinstance(one, Path) and isinstance(other, Path)]
        pairs = pairs[:limit]
    if not pairs:
        what = f"no picture of {sharp} has a blurred one in {blurred}" if sharp else f"no pictures in {blurred}"
        raise UsageError(what, f"looked for {', '.join(sorted(SUFFIXES))}")
    return _checked([_subject(blurred.name, *pair) for pair in pairs])


def _subject(group: str, blurred: Path, sharp: Path | None) -> Subject:
    subject = Subject(group or "pictures", blurred.stem, read_rgb(blurred), read_rgb(sharp) if sharp else None)
    if subject.sharp is not None and subject.sharp.shape != subject.blurred.shape:
        height, width = subject.sharp.shape[:2]
        raise UsageError(
            f"{blurred} is {subject.blurred.shape[1]}x{subject.blurred.shape[0]} and {sharp} {width}x{height}",
            "a blurred picture and its sharp one have one size",
        )
    return subject


def _checked(subjects: list[Subject]) -> list[Subject]:
    for subject in subjects:
        if min(subject.blurred.shape[:2]) < _SMALLEST:
            raise UsageError(f"{subject.name} is too small", f"both sides need at least {_SMALLEST} pixels")
    return subjects


def check_kernels(model: Model, subjects: Sequence[Subject]) -> None:
    """Raise UsageError where a model is told kernels, and that of a subject is not known."""
    if not model.baseline.is_told(model.config):
        return
    for subject in subjects:
        if subject.blur is None or not subject.blur.can_be_told:
            raise UsageError(
                f"{model.baseline.name} is told the kernel of each picture, and that of {subject.name} is not known",
                "take a dataset that was built with one kernel per picture, or a blind model",
            )


def restorers(model: Model, subjects: Sequence[Subject]) -> list[Restorer]:
    """What restores each subject: the same for all, unless the model is told each one's kernel.

    Raises: as `check_kernels` and `Model.restorer`.
    """
    check_kernels(model, subjects)
    if not model.baseline.is_told(model.config):
        return [model.restorer()] * len(subjects)
    told = model.baseline.told_restorer(model.config)

    def with_kernel(known: KnownBlur) -> Restorer:
        return lambda picture: told(picture, known.kernel, known.light, camera=known.camera)

    return [with_kernel(subject.blur) for subject in subjects if subject.blur is not None]


def restored(
    subjects: Sequence[Subject], by: Sequence[Callable[[Picture], Picture]], *, quiet: bool = False
) -> list[Subject]:
    """The subjects with what the model makes of them."""
    done = []
    with progress("restore", len(subjects), "pictures", quiet=quiet) as bar:
        for subject, restorer in zip(subjects, by, strict=True):
            picture = restorer(subject.blurred)
            if picture.dtype != np.uint8 or picture.shape != subject.blurred.shape:
                raise RunError(f"the model returned {picture.dtype} {picture.shape}", "a restorer keeps type and shape")
            done.append(replace(subject, restored=picture))
            bar.step()
    return done
