"""Checking a dataset against its own manifest, and against the photos that it was made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, PairReader, Side
from deblurbench.dataset.kernels import opened_kernels, read_kernel
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, DatasetId, DisorderError, Record
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.sheets import SHEETS
from deblurbench.dataset.sums import check_sums
from deblurbench.errors import DatasetError, PictureError
from deblurbench.images.codec import SUFFIXES
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place
from deblurbench.progress import progress

_PICTURES = (*SUFFIXES, ".npy", ".tar", ".parquet", "data.mdb")
_AT_ONCE = 64  # pictures that wait to be compared


def verify(path: Path | str, *, pixels: bool = False, workers: int = 1, quiet: bool = False) -> list[str]:
    """Everything that is wrong with a dataset, one line each; an empty list where all is well.

    Every file is compared with `SHA256SUMS`; pictures, where `pixels` are asked for, with their pixel hashes instead:
    pixels are the contract, bytes are not.

    Args:
        path: the dataset folder or URL.
        pixels: decode every picture and compare its pixel hash.
        workers: threads that decode.
        quiet: show no progress.

    Raises: UsageError, DatasetError where it cannot be opened at all.
    """
    dataset = open_dataset(path)
    fmt = find_format(dataset.format)
    told = _read_manifest(dataset, fmt)
    missing, strays = _compare_files(dataset, told.files)
    problems = [*told.problems, *_check_kernels(dataset.place, told.kernels)]
    problems += [f"{name}: missing" for name in missing] + [f"{name}: not in {MANIFEST}" for name in strays]
    if dataset.format != "adopted":
        known = {*missing, KERNELS}  # what is wrong with them is said already
        problems += check_sums(dataset.place, lambda n: n not in known and not (pixels and n.endswith(_PICTURES)))
    if pixels:
        problems += _check_pixels(dataset, fmt, set(missing), workers, quiet)
    return problems


class _Told(NamedTuple):
    """What the manifest says: what is wrong with it, and the kernels and picture files that there should be."""

    problems: list[str]
    kernels: set[str]
    files: set[str]


def _read_manifest(dataset: Dataset, fmt: Format) -> _Told:
    identity, counts, ordered = DatasetId(), Counter[str](), True
    told = _Told([], set(), set())
    for record in dataset.records():
        counts[record.split] += 1
        told.kernels.update(record.kernels)
        if not fmt.sharded:
            told.files.update(fmt.files(record.split, [record], 0))
        try:
            identity.add(record)
        except DisorderError:
            ordered = False
    for split, shards in dataset.shards.items():
        told.files.update(fmt.files(split, [], shards))
    if not ordered:
        told.problems.append(f"{MANIFEST}: its lines are not sorted by pair id, each once")
    elif identity.hex() != dataset.id:
        told.problems.append(f"{MANIFEST}: its hashes do not give the dataset id of {COMMIT_MARK}")
    for split in sorted(dataset.splits.keys() | counts.keys()):
        said = dataset.splits.get(split, 0)
        if counts[split] != said:
            told.problems.append(f"{split}: {counts[split]} pairs in {MANIFEST}, {said} in {COMMIT_MARK}")
    return told


def _check_kernels(place: Place, wanted: set[str]) -> Iterator[str]:
    if not wanted and not place.exists(KERNELS):
        return
    try:
        with opened_kernels(place, KERNELS) as kernels:
            for name in sorted(wanted.union(kernels)):
                try:
                    read_kernel(kernels, name)
                except DatasetError as error:
                    yield f"{KERNELS}: {error.message}"
    except DatasetError as error:
        yield error.message.removeprefix(f"{place}/")


def _compare_files(dataset: Dataset, expected: set[str]) -> tuple[list[str], list[str]]:
    """The picture files or shards that should be there and are not, and those that are there and should not be."""
    if dataset.format == "adopted":  # its pictures lie elsewhere, beside others
        return [], []
    found = set(dataset.place.names())
    pictures = {name for name in found if name.endswith(_PICTURES) and name not in SHEETS}
    return sorted(expected - found), sorted(pictures - expected)


def _check_pixels(dataset: Dataset, fmt: Format, missing: set[str], workers: int, quiet: bool) -> list[str]:
    def there(split: str, records: Iterable[Record]) -> bool:
        return missing.isdisjoint(fmt.files(split, records, dataset.shards.get(split, 0)))

    problems: list[str] = []
    whole = [split for split, count in dataset.splits.items() if count and (not fmt.sharded or there(split, []))]
    total = 2 * sum(dataset.splits[split] for split in whole)
    # Decoding and hashing release the interpreter lock, so threads suffice.
    with ThreadPoolExecutor(workers) as pool, progress("verify", total, "pictures", quiet=quiet) as bar:
        for split in whole:
            with closing(fmt.reader(dataset.place, split)) as reader:
                records = (r for r in dataset.records(split) if fmt.sharded or there(split, [r]))
                jobs = ((reader, record, side) for record in records for side in SIDES)
                while some := list(islice(jobs, _AT_ONCE)):
                    problems += filter(None, pool.map(_check_picture, some))
                    bar.step(len(some))
    return problems


def _check_picture(job: tuple[PairReader, Record, Side]) -> str | None:
    reader, record, side = job
    name = f"{record.split}/{side}/{record.name}.png"
    try:
        same = pixel_hash(reader.read(record, side)) == record.pixels(side)
    except PictureError as error:
        return f"{name}: {error}"
    return None if same else f"{name}: its pixels are not those of {MANIFEST}"
