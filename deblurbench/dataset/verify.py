"""Checking a dataset folder against its own manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, Record, dataset_id
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.errors import PictureError
from deblurbench.images.codec import list_pictures, read_rgb
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress


def verify(path: Path, *, pixels: bool = False, workers: int = 1, quiet: bool = False) -> list[str]:
    """Everything that is wrong with a dataset folder, one line each; an empty list where all is well.

    Args:
        path: the dataset folder.
        pixels: also decode every picture and compare its hash.
        workers: threads that decode.
        quiet: show no progress.

    Raises: UsageError, DatasetError where it cannot be opened at all.
    """
    dataset = open_dataset(path)
    records = dataset.records()
    problems = [*_check_identity(dataset, records), *_check_kernels(path, records), *_check_files(path, records)]
    if pixels:
        problems += _check_pixels(path, records, workers, quiet)
    return problems


def _check_identity(dataset: Dataset, records: list[Record]) -> Iterator[str]:
    if dataset_id(records) != dataset.id:
        yield f"{MANIFEST}: its hashes do not give the dataset id of {COMMIT_MARK}"
    counts = Counter(record.split for record in records)
    for split in sorted(dataset.splits.keys() | counts.keys()):
        if counts[split] != dataset.splits.get(split, 0):
            yield f"{split}: {counts[split]} pairs in {MANIFEST}, {dataset.splits.get(split, 0)} in {COMMIT_MARK}"


def _check_kernels(path: Path, records: list[Record]) -> Iterator[str]:
    try:
        with np.load(path / KERNELS, allow_pickle=False) as file:
            kernels = {name: file[name] for name in file.files}
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        yield f"{KERNELS}: cannot be read ({error})"
        return
    for name, taps in kernels.items():
        try:
            intact = taps.dtype == np.int32 and Kernel(taps).id == name
        except ValueError:
            intact = False
        if not intact:
            yield f"{KERNELS}: kernel {name[:12]} does not match its id"
    for missing in sorted({r.kernel for r in records} - kernels.keys()):
        yield f"{KERNELS}: kernel {missing[:12]} is missing"


def _check_files(path: Path, records: list[Record]) -> Iterator[str]:
    expected = {Path(r.split, side, f"{r.name}.png") for r in records for side in ("sharp", "blur")}
    found = set(list_pictures(path))
    for file in sorted(expected - found):
        yield f"{file.as_posix()}: missing"
    for file in sorted(found - expected):
        yield f"{file.as_posix()}: not in {MANIFEST}"


def _check_pixels(path: Path, records: list[Record], workers: int, quiet: bool) -> list[str]:
    jobs = [
        (Path(r.split, side, f"{r.name}.png"), expected)
        for r in records
        for side, expected in (("sharp", r.sharp_sha256), ("blur", r.blur_sha256))
    ]
    jobs = [job for job in jobs if (path / job[0]).is_file()]  # missing ones are named already

    def check(job: tuple[Path, str]) -> str | None:
        file, expected = job
        try:
            same = pixel_hash(read_rgb(path / file)) == expected
        except PictureError as error:
            return f"{file.as_posix()}: {error}"
        return None if same else f"{file.as_posix()}: its pixels are not those of {MANIFEST}"

    problems = []
    # Decoding and hashing release the interpreter lock, so threads suffice.
    with ThreadPoolExecutor(workers) as pool, progress("verify", len(jobs), "pictures", quiet=quiet) as bar:
        for problem in pool.map(check, jobs):
            bar.step()
            if problem:
                problems.append(problem)
    return problems
