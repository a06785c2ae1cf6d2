"""Joining the parts of a build: the same dataset, with the same id, as one machine would have made."""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from pathlib import Path

from deblurbench.dataset.build import claim
from deblurbench.dataset.card import about_in
from deblurbench.dataset.commit import Finished, commit
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, Made
from deblurbench.dataset.journal import JOURNAL
from deblurbench.dataset.kernels import Taps, opened_kernels, used_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, Record, manifest_records
from deblurbench.dataset.plan import Part
from deblurbench.dataset.reader import Dataset, Mark, open_dataset, read_mark
from deblurbench.dataset.recipe import read_resolved
from deblurbench.dataset.repair import refuse_lost
from deblurbench.dataset.report import read_report
from deblurbench.errors import DatasetError, UsageError
from deblurbench.files import refuse_inside, sha256_text
from deblurbench.places import Place
from deblurbench.progress import progress, say


def merge(parts: Sequence[Path], out: Path, *, overwrite: bool = False, quiet: bool = False) -> Dataset:
    """Join all parts of one build (`build-dataset --shard I/N`) in the folder `out`.

    Pictures that are files of their own are linked where the disk allows it, else copied, and every file is what one
    machine would have made. In the formats of several pairs per file the files are written anew, with other borders.

    Raises: UsageError where the parts are not those of one build or one is missing, `out` cannot be written or lies in
        a part; DatasetError where a part is unfinished or damaged.
    """
    marks = [_mark(part) for part in parts]
    for part in parts:
        refuse_inside(out, part, "OUT")
    _check_parts(parts, marks)
    sources = [Place(part) for part in parts]
    fmt, recipe = find_format(marks[0].format), read_resolved(sources[0])
    plan_hash = marks[0].plan_hash or ""
    if fmt.sharded:
        plan_hash = sha256_text(f"merge {plan_hash}")  # no build may take the shards for its own and repair them
    with claim(Place(out), f"merge {plan_hash} {fmt.name}", overwrite=overwrite) as place:
        if place.exists(COMMIT_MARK):
            _check_finished(place, fmt, plan_hash)
            say(f"{out} is already merged", quiet=quiet)
        else:
            reports = [read_report(source) for source in sources]
            shards = _bring(sources, fmt, place, marks, quiet)
            finished = Finished(
                recipe=recipe,
                plan_hash=plan_hash,
                format=fmt.name,
                shards=shards,
                part=None,
                left_out=[photo for report in reports for photo in report.left_out],
                options=reports[0].options,
                about=about_in(sources[0]),
            )
            for note in commit(
                place, finished, lambda: (record for record, _ in _records(sources)), lambda: _kernels(sources)
            ):
                say(note, quiet=quiet)
        place.remove(JOURNAL)
    return open_dataset(out)


def _mark(part: Path) -> Mark:
    open_dataset(part)  # says what is missing
    return read_mark(Place(part))


def _check_parts(parts: Sequence[Path], marks: Sequence[Mark]) -> None:
    found = []
    for part, mark in zip(parts, marks, strict=True):
        if mark.part is None or mark.plan_hash is None:
            hint = "parts come from `build-dataset --shard I/N`"
            raise UsageError(f"{part} is a whole dataset, no part of one", hint)
        if (mark.plan_hash, mark.format) != (marks[0].plan_hash, marks[0].format):
            raise UsageError(f"{part} is of another build than {parts[0]}", "build all parts with the same settings")
        try:
            found.append(Part.parse(mark.part))
        except ValueError as error:
            raise DatasetError(f"{part}/{COMMIT_MARK} is damaged: part", "build that part again") from error
    count = found[0].count
    missing = sorted(set(range(1, count + 1)) - {part.index for part in found if part.count == count})
    if missing:
        raise UsageError(f"the part {missing[0]}/{count} is missing ({len(missing)} of {count} are)", "name all parts")
    if len(found) != count:
        raise UsageError("a part is named twice", "name each part once")


def _check_finished(place: Place, fmt: Format, plan_hash: str) -> None:
    mark = read_mark(place)
    if (mark.plan_hash, mark.format, mark.part) != (plan_hash, fmt.name, None):
        raise DatasetError(f"{place} holds another dataset", "choose another OUT, or --overwrite")
    refuse_lost(open_dataset(place), fmt)


def _bring(sources: Sequence[Place], fmt: Format, place: Place, marks: Sequence[Mark], quiet: bool) -> dict[str, int]:
    """Bring all pictures to their new place; returns how many shards each split has, in the formats of shards."""
    shards = dict.fromkeys(marks[0].splits, 0)
    with progress("merge", sum(sum(mark.splits.values()) for mark in marks), "pairs", quiet=quiet) as bar:
        for split, records in groupby(_records(sources), key=lambda item: item[0].split):
            for index, shard in enumerate(_chunks(records, fmt.shard_pairs)):
                _put(fmt, place, split, index, shard)
                shards[split] = index + 1
                bar.step(len(shard))
    return shards if fmt.sharded else {}


def _records(sources: Sequence[Place]) -> Iterator[tuple[Record, Place]]:
    """All records, in the order of their pair ids, each with the place it comes from."""

    def of(source: Place) -> Iterator[tuple[Record, Place]]:
        return ((record, source) for record in manifest_records(source))

    return heapq.merge(*map(of, sources), key=lambda item: item[0].pair)


def _chunks(records: Iterator[tuple[Record, Place]], size: int) -> Iterator[list[tuple[Record, Place]]]:
    while chunk := list(islice(records, size)):
        yield chunk


def _put(fmt: Format, place: Place, split: str, index: int, shard: list[tuple[Record, Place]]) -> None:
    """Bring the pictures of some pairs to their new place."""
    if fmt.picture(shard[0][0], "sharp") is None:  # no file of its own
        readers = {source.url: fmt.reader(source, split) for _, source in shard}
        made = (Made(record, *(readers[source.url].read(record, side) for side in SIDES)) for record, source in shard)
        for _ in fmt.write(place, split, index, made):
            pass
        for reader in readers.values():
            reader.close()
        return
    for record, source in shard:
        for name in fmt.files(split, [record], 0):
            _link(source.local("a part") / name, place.local("a merged dataset") / name)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if not source.is_file():
            raise DatasetError(f"{source} is missing", "build that part again") from error
        shutil.copyfile(source, target)


def _kernels(sources: Sequence[Place]) -> Iterator[tuple[str, Taps]]:
    with ExitStack() as stack:
        kernels = {source.url: stack.enter_context(opened_kernels(source, KERNELS)) for source in sources}
        yield from used_kernels((record, kernels[source.url]) for record, source in _records(sources))
