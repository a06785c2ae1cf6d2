"""Making again what a finished dataset has lost, so that all that describes it stays true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from deblurbench.dataset.formats.format import Format
from deblurbench.dataset.journal import JOURNAL
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.shard import ShardJob, holds, shard_file
from deblurbench.dataset.sums import renew_sums
from deblurbench.errors import DatasetError
from deblurbench.places import Place

_LOST = f"{JOURNAL}/lost"
"""The names of the files that are being made again: a killed repair goes on."""


def repair(place: Place, fmt: Format, jobs: Iterable[ShardJob], build: Callable[[Iterable[ShardJob]], object]) -> bool:
    """Make the picture files of a finished dataset again that are missing; False where none is.

    Args:
        place, fmt: where it lies, and in which format.
        jobs: all its shards.
        build: builds some of them.

    Raises: DatasetError where they come out otherwise; then they stay missing.
    """
    dataset = open_dataset(place)
    lost = missing_files(dataset, fmt)
    if place.exists(_LOST):
        lost |= set(place.read_text(_LOST).splitlines())
    else:
        place.remove(JOURNAL)  # of the build
    if not lost:
        return False
    photos = set() if fmt.sharded else set(_photos_of(dataset, fmt, lost))
    lost |= {name for record in dataset.records() if _photo(record) in photos for name in _files(fmt, record)}
    place.write_text(_LOST, "".join(f"{name}\n" for name in sorted(lost)))
    build(_only(jobs, fmt, lost, photos))
    wrong = _first_wrong(dataset, fmt, lost)
    if wrong is not None:
        for name in lost:
            place.remove(name)
        place.remove(JOURNAL)
        hint = "its photos are not the same, or libraries are not: start anew with --overwrite"
        raise DatasetError(f"{place} has lost files, and {wrong} does not come out as its manifest says", hint)
    renew_sums(place, lost)
    return True


def missing_files(dataset: Dataset, fmt: Format) -> set[str]:
    """The names of the picture files of a finished dataset that are not there."""
    there = set(dataset.place.names())
    if fmt.sharded:
        named = (name for split, shards in dataset.shards.items() for name in fmt.files(split, [], shards))
    else:
        named = (name for record in dataset.records() for name in _files(fmt, record))
    return {name for name in named if name not in there}


def refuse_lost(dataset: Dataset, fmt: Format) -> None:
    """Raise DatasetError where a finished dataset that no build can complete has lost picture files."""
    lost = missing_files(dataset, fmt)
    if lost:
        what = f"{dataset.place} has lost {len(lost)} files, such as {min(lost)}"
        raise DatasetError(what, "start anew: --overwrite")


def _files(fmt: Format, record: Record) -> Iterator[str]:
    return fmt.files(record.split, [record], 0)


def _photo(record: Record) -> tuple[str, str]:
    return record.split, record.photo.raw_sha256


def _photos_of(dataset: Dataset, fmt: Format, files: set[str]) -> Iterator[tuple[str, str]]:
    """The photos, each with its split, that have any of some files."""
    return (_photo(record) for record in dataset.records() if not files.isdisjoint(_files(fmt, record)))


def _only(jobs: Iterable[ShardJob], fmt: Format, files: set[str], photos: set[tuple[str, str]]) -> Iterator[ShardJob]:
    """The shards of some files or, where a picture is a file, of some photos."""
    for job in jobs:
        if fmt.sharded and shard_file(job, fmt) in files:
            yield job
        some = tuple(photo for photo in job.photos if (job.split.name, photo.photo.raw_sha256) in photos)
        if some:
            yield replace(job, photos=some)


def _first_wrong(dataset: Dataset, fmt: Format, files: set[str]) -> str | None:
    """The first pair with a picture in any of some files that is not the one that the manifest says."""
    for split, shards in {**dict.fromkeys(dataset.splits, 0), **dataset.shards}.items():
        if fmt.sharded and files.isdisjoint(fmt.files(split, [], shards)):
            continue
        with closing(fmt.reader(dataset.place, split)) as reader:
            for record in dataset.records(split):
                if (fmt.sharded or not files.isdisjoint(_files(fmt, record))) and not holds(reader, record):
                    return record.pair
    return None
