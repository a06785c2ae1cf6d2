"""Checking a dataset against its own manifest, and against the photos that it was made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, PairReader, Side
from deblurbench.dataset.kernels import opened_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, Record, dataset_id
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.sheets import SHEETS
from deblurbench.dataset.sums import check_sums
from deblurbench.errors import PictureError
from deblurbench.images.codec import SUFFIXES
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress

_PICTURES = (*SUFFIXES, ".qoi", ".npy", ".tar", ".parquet", ".mdb")
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
    missing, strays = _compare_files(dataset, fmt)
    problems = [*_check_identity(dataset), *_check_kernels(dataset)]
    problems += [f"{name}: missing" for name in missing] + [f"{name}: not in {MANIFEST}" for name in strays]
    if dataset.format != "adopted":
        known = {*missing, KERNELS}  # what is wrong with them is said already
        problems += check_sums(dataset.place, lambda n: n not in known and not (pixels and n.endswith(_PICTURES)))
    if pixels:
        problems += _check_pixels(dataset, fmt, set(missing), workers, quiet)
    return problems


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


def _compare_files(dataset: Dataset, fmt: Format) -> tuple[list[str], list[str]]:
    """The picture files or shards that should be there and are not, and those that are there and should not be."""
    if dataset.format == "adopted":  # its pictures lie elsewhere, beside others
        return [], []
    found = set(dataset.place.names())
    expected = {
        name
        for split, shards in {**dict.fromkeys(dataset.splits, 0), **dataset.shards}.items()
        for name in fmt.files(split, dataset.records(split), shards)
    }
    pictures = {name for name in found if name.endswith(_PICTURES) and name not in SHEETS}
    return sorted(expected - found), sorted(pictures - expected)


def _check_pixels(dataset: Dataset, fmt: Format, missing: set[str], workers: int, quiet: bool) -> list[str]:
    shards = dataset.shards
    whole = [
        s for s, n in dataset.splits.items() if n and not (fmt.sharded and missing & {*fmt.files(s, [], shards[s])})
    ]
    problems: list[str] = []
    total = 2 * sum(dataset.splits[split] for split in whole)
    # Decoding and hashing release the interpreter lock, so threads suffice.
    with ThreadPoolExecutor(workers) as pool, progress("verify", total, "pictures", quiet=quiet) as bar:
        for split in whole:
            with closing(fmt.reader(dataset.place, split)) as reader:
                there = (r for r in dataset.records(split) if fmt.sharded or not missing & {*fmt.files(split, [r], 0)})
                jobs = ((reader, record, side) for record in there for side in SIDES)
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
