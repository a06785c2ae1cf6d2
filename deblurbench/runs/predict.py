"""Restoring pictures: whole folders of them, or those of a dataset."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deblurbench.errors import RunError, UsageError
from deblurbench.files import make_folder, refuse_inside
from deblurbench.images.codec import SUFFIXES, Picture, list_pictures, read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import Progress, progress
from deblurbench.runs.baseline import Restorer

TILING = "none: whole pictures"


@dataclass(frozen=True)
class Job:
    """One picture to restore: where it is read and where the result goes."""

    source: Path
    target: Path


class Work(NamedTuple):
    """A blurred picture, what errors call it, and the PNG file that the result goes to."""

    name: str
    blurred: Picture
    target: Path


def refuse_existing(jobs: Iterable[Job]) -> None:
    """Raise UsageError where a result would take the place of a file."""
    for job in jobs:
        if job.target.exists():
            raise UsageError(f"{job.target} is there already", "choose another OUT, or --overwrite to replace it")


def predict(restorer: Restorer, jobs: Sequence[Job], *, quiet: bool = False) -> None:
    """Restore pictures into folders that are made for them, showing progress.

    Raises: UsageError for a folder that cannot be written, PictureError for a picture that cannot be read.
    """
    for folder in sorted({job.target.parent for job in jobs}):
        make_folder(folder)
    with progress("predict", len(jobs), "pictures", quiet=quiet) as bar:
        restore(restorer, (Work(str(job.source), read_rgb(job.source), job.target) for job in jobs), bar)


def restore(restorer: Restorer, pictures: Iterable[Work], bar: Progress) -> tuple[dict[str, str], float]:
    """Restore pictures; returns the pixel hash of each result by file name, and the mean seconds it took.

    The time is that of the restorer alone: no decoding, encoding or hashing.
    """
    hashes: dict[str, str] = {}
    seconds = 0.0
    for work in pictures:
        start = time.perf_counter()
        restored = restorer(work.blurred)
        seconds += time.perf_counter() - start
        _check(restored, work)
        write_png(work.target, restored)
        hashes[work.target.name] = pixel_hash(restored)
        bar.step()
    return hashes, seconds / max(len(hashes), 1)


def _check(restored: Picture, work: Work) -> None:
    if restored.dtype != np.uint8 or restored.shape != work.blurred.shape:
        what = f"{restored.dtype} {restored.shape} for uint8 {work.blurred.shape}"
        raise RunError(f"the baseline returned {what} ({work.name})", "a restorer keeps type and shape")


def plan_jobs(source: Path, out: Path) -> list[Job]:
    """Which files `predict` reads and writes: a picture, or every picture of a folder, subfolders too.

    Results are PNG files of the same names. A file goes to `out` itself where that is a `.png` name, else into it.

    Raises: UsageError where there is nothing to read, `out` is a folder that holds the input or lies in it, or
        two results would have one name.
    """
    if source.is_file():
        named = out.suffix.lower() in SUFFIXES and not out.is_dir()
        if named and out.suffix.lower() != ".png":
            raise UsageError(f"cannot write {out}", "results are PNG files: name it .png")
        if not named and out.resolve() == source.parent.resolve():
            raise UsageError(f"{out} is the folder of the input", "choose another OUT, or name the result")
        return [Job(source, out if named else out / source.with_suffix(".png").name)]
    if not source.is_dir():
        raise UsageError(f"no file or folder {source}", "name a picture or a folder of pictures")
    refuse_inside(out, source, "OUT")
    pictures = list_pictures(source)
    if not pictures:
        raise UsageError(f"no pictures in {source}", f"looked for {', '.join(sorted(SUFFIXES))} in it and below")
    targets: dict[Path, Path] = {}
    for picture in pictures:
        target = out / picture.with_suffix(".png")
        if target in targets:
            raise UsageError(f"{picture} and {targets[target]} would both become {target}", "rename one of them")
        targets[target] = picture
    return [Job(source / picture, target) for target, picture in targets.items()]
