"""Restoring pictures: whole folders of them, or those of a dataset."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deblurbench.errors import PictureError
from deblurbench.files import check_target, make_folder
from deblurbench.images.codec import Picture, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.images.original import Levels, Original, read_original, to_8_bits, write_original
from deblurbench.progress import Progress, progress, say
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.composed import Composed, check_kept
from deblurbench.runs.inference import AUTO, WHOLE
from deblurbench.runs.jobs import Job


class Work(NamedTuple):
    """A blurred picture, what errors call it, and the PNG file that the result goes to."""

    name: str
    blurred: Picture
    target: Path


class Read(NamedTuple):
    """A picture that has been read, and the PNG file that the result goes to."""

    original: Original
    job: Job


def predict(restorer: Restorer, jobs: Sequence[Job], *, name: str = "this model", quiet: bool = False) -> None:
    """Restore pictures into folders that are made for them, showing progress.

    Results are PNG files with the depth, transparency, EXIF and ICC profile of what they restore; of 8 bits where
    `restorer`, which notes call by its `name`, has no more. A picture that cannot be read does not stop the others.

    Raises: UsageError for a folder or a file that cannot be written; PictureError, in the end, where pictures cannot
        be read; RunError where the memory does not suffice.
    """
    composed = restorer if isinstance(restorer, Composed) else Composed([restorer], WHOLE)
    for folder in sorted({job.target.parent for job in jobs}):
        make_folder(folder)
    for job in jobs:
        check_target(job.target)  # before the work, not after half of it
    failed: list[PictureError] = []
    with progress("predict", len(jobs), "pictures", quiet=quiet) as bar:
        notes = _Notes(name, quiet)
        for group in _groups(_readable(jobs, failed, bar, quiet), composed.inference.batch):
            _restore_group(composed, group, bar, notes)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        first = ", ".join(error.message for error in failed[:3])
        what = f"{len(failed)} of {len(jobs)} pictures are not restored ({first}{', ...' * (len(failed) > 3)})"
        others = "the others are; " if len(failed) < len(jobs) else ""
        raise PictureError(what, f"{others}replace or remove these, and go on with --skip-existing")


def _readable(jobs: Sequence[Job], failed: list[PictureError], bar: Progress, quiet: bool) -> Iterator[Read]:
    """The pictures that can be read, one after the other; errors of the others go into `failed`."""
    for job in jobs:
        try:
            yield Read(read_original(job.source), job)
        except PictureError as error:
            failed.append(error)
            if len(jobs) > 1:
                say(f"{error} (going on with the others)", quiet=quiet)
            bar.step()


def _groups(pictures: Iterator[Read], most: int) -> Iterator[list[Read]]:
    """At most so many neighbours of one shape and type."""
    for _, alike in groupby(pictures, key=lambda read: (read.original.pixels.shape, read.original.pixels.dtype)):
        while group := list(islice(alike, most)):
            yield group


def _restore_group(composed: Composed, group: Sequence[Read], bar: Progress, notes: _Notes) -> None:
    pixels = [read.original.pixels for read in group]
    if not composed.has_16_bits:
        notes.depth(pixels[0])
        pixels = [to_8_bits(levels) for levels in pixels]
    notes.tiles(composed, len(group), group[0])
    for read, restored in zip(group, composed.restore(pixels, bar.figures), strict=True):
        write_original(read.job.target, read.original, restored)
        bar.step()


class _Notes:
    """What is said once, however many pictures it is true of."""

    def __init__(self, name: str, quiet: bool) -> None:
        self._name, self._quiet, self._said = name, quiet, set[str]()

    def depth(self, pixels: Levels) -> None:
        """That 16 bits become 8."""
        if pixels.dtype != np.uint8:
            self._once("depth", f"{self._name} works with 8 bits: results of pictures of 16 bits have 8")

    def tiles(self, composed: Composed, count: int, read: Read) -> None:
        """That tiles were chosen, unasked."""
        height, width = read.original.pixels.shape[:2]
        grid = composed.grid(count, height, width)
        if composed.inference.tile == AUTO and grid:
            where = f"{read.job.source} ({width} x {height})"
            self._once("tiles", f"{where} might not fit into the memory: restored in tiles of {grid.tile} pixels")

    def _once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            say(text, quiet=self._quiet)


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
        check_kept(restored, work.blurred, work.name)
        write_png(work.target, restored)
        hashes[work.target.name] = pixel_hash(restored)
        bar.step()
    return hashes, seconds / max(len(hashes), 1)
