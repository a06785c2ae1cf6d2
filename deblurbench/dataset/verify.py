"""Checking a dataset against its own manifest, and against the photos that it was made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, PairReader, Side
from deblurbench.dataset.kernels import opened_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, Record, dataset_id
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.sums import check_sums
from deblurbench.errors import PictureError
from deblurbench.images.codec import SUFFIXES
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress

_PICTURES = (*SUFFIXES, ".qoi", ".npy", ".tar", ".parquet", ".mdb")
_AT_ONCE = 64  # pictures that wait to be compared


def verify(path: Path | str, *, pixels: bool = False, workers: int = 1, quiet: bool = False) -> list[str]:
    """Everything that is wrong with a dataset, one line each; an empty list where all is well.

    Args:
        path: the dataset folder or URL.
        pixels: also decode every picture and compare its hash.
        workers: threads that decode.
        quiet: show no progress.

    Raises: UsageError, DatasetError where it cannot be opened at all.
    """
    dataset = open_dataset(path)
    fmt = find_format(dataset.format)
    problems = [*_check_identity(dataset), *_check_kernels(dataset), *_check_files(dataset, fmt)]
    if dataset.format != "adopted":
        problems += check_sums(dataset.place)
    if pixels:
        problems += _check_pixels(dataset, fmt, workers, quiet)
    return list(dict.fromkeys(problems))


def _check_identity(dataset: Dataset) -> Iterator[str]:
    if dataset_id(dataset.records()) != dataset.id:
        yield f"{MANIFEST}: its hashes do not give the dataset id of {COMMIT_MARK}"
    counts = Counter(record.split for record in dataset.records())
    for split in sorted(dataset.splits.keys() | counts.keys()):
        if counts[split] != dataset.splits.get(split, 0):
            yield f"{split}: {counts[split]} pairs in {MANIFEST}, {dataset.splits.get(split, 0)} in {COMMIT_MARK}"


def _check_kernels(dataset: Dataset) -> Iterator[str]:
    wanted = {kernel for record in dataset.records() for kernel in record.kernels}
    if not wanted and not dataset.place.exists(KERNELS):
        return
    try:
        with opened_kernels(dataset.place, KERNELS) as kernels:
            for name, taps in kernels.items():
                if not _is_intact(name, taps):
                    yield f"{KERNELS}: kernel {name[:12]} does not match its id"
            for missing in sorted(wanted - set(kernels.files)):
                yield f"{KERNELS}: kernel {missing[:12]} is missing"
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        yield f"{KERNELS}: cannot be read ({error})"


def _is_intact(name: str, taps: np.ndarray) -> bool:
    try:
        return bool(taps.dtype == np.int32 and Kernel(taps).id == name)
    except ValueError:
        return False


def _check_files(dataset: Dataset, fmt: Format) -> Iterator[str]:
    if dataset.format == "adopted":  # its pictures lie elsewhere, beside others
        return
    found = {name for name in dataset.place.names() if "/" in name or name.startswith(tuple(dataset.splits))}
    found = {name for name in found if name.endswith(_PICTURES)}
    expected = {
        name
        for split in dataset.splits
        for name in fmt.files(split, dataset.records(split), dataset.shards.get(split, 0))
    }
    for name in sorted(expected - found):
        yield f"{name}: missing"
    for name in sorted(found - expected):
        yield f"{name}: not in {MANIFEST}"


def _check_pixels(dataset: Dataset, fmt: Format, workers: int, quiet: bool) -> list[str]:
    readers = {split: fmt.reader(dataset.place, split) for split, count in dataset.splits.items() if count}
    problems: list[str] = []
    total = 2 * sum(dataset.splits.values())
    # Decoding and hashing release the interpreter lock, so threads suffice.
    with ThreadPoolExecutor(workers) as pool, progress("verify", total, "pictures", quiet=quiet) as bar:
        jobs = ((readers[record.split], record, side) for record in dataset.records() for side in SIDES)
        while some := list(islice(jobs, _AT_ONCE)):
            problems += filter(None, pool.map(_check_picture, some))
            bar.step(len(some))
    for reader in readers.values():
        reader.close()
    return problems


def _check_picture(job: tuple[PairReader, Record, Side]) -> str | None:
    reader, record, side = job
    name = f"{record.split}/{side}/{record.name}.png"
    try:
        same = pixel_hash(reader.read(record, side)) == record.pixels(side)
    except PictureError as error:
        return f"{name}: {error}"
    return None if same else f"{name}: its pixels are not those of {MANIFEST}"
