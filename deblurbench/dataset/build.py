"""Building: a plan becomes a dataset, the same one for any number of workers, machines and restarts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from deblurbench.dataset.commit import FILES, Finished, commit
from deblurbench.dataset.executors import Executor, run_jobs
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import Format
from deblurbench.dataset.journal import JOURNAL, PLAN, ShardJournal
from deblurbench.dataset.manifest import COMMIT_MARK
from deblurbench.dataset.names import SPLIT_NAME
from deblurbench.dataset.plan import LeftOut, Plan
from deblurbench.dataset.reader import Dataset, open_dataset, read_mark
from deblurbench.dataset.shard import ShardJob, build_shard
from deblurbench.errors import DatasetError, UsageError
from deblurbench.files import PART, clear, locked, make_folder, refuse_foreign
from deblurbench.places import Place
from deblurbench.progress import progress, say

_SMALL_SHARD = 16  # pairs: where every picture is a file of its own, small shards keep all workers busy to the end
_PICTURES = (
    rf"({SPLIT_NAME.pattern})/(sharp|blur)/[^/]+\.(png|qoi|npy)",
    rf"({SPLIT_NAME.pattern})/[^/]+_\d{{2,}}_\d{{2}}/(sharp|blur|blur_[^/]+)/[^/]+\.png",
    rf"({SPLIT_NAME.pattern})-\d{{5}}\.(tar|parquet)",
    rf"({SPLIT_NAME.pattern})_(sharp|blur)\.lmdb/(data\.mdb|lock\.mdb|meta_info\.txt)",
)
OURS = re.compile("|".join([*map(re.escape, FILES), rf"{JOURNAL}/[^/]+", *_PICTURES]))
"""What may lie in a dataset folder: one that holds anything else is never cleared."""


def build(
    plan: Plan,
    out: Path | str,
    *,
    workers: int = 1,
    executor: Executor = "local",
    scheduler: str | None = None,
    engine: str = "auto",
    fmt: str | None = None,
    about: str = "",
    overwrite: bool = False,
    quiet: bool = False,
) -> Dataset:
    """Build the plan's dataset in `out`, or finish it where an earlier build stopped.

    Args:
        plan: what to build.
        out: the dataset folder, or a URL for the formats that allow one.
        workers: processes on this machine; the pixels do not depend on it, nor on the next three.
        executor, scheduler: `dask` and the address of a cluster, to work there.
        engine: what convolves.
        fmt: the format in which the pictures lie; the recipe's where not given.
        about: what the recipe's author says of it, Markdown, for the card.
        overwrite: start anew where `out` holds a dataset.
        quiet: show no progress.

    Raises:
        UsageError: `out` holds something else, or cannot be written.
        DatasetError: `out` holds another plan's dataset, or another build is at work in it; no photo could be used.
    """
    how = _How(workers, executor, scheduler, engine, quiet)
    place, form = Place(out), find_format(fmt or plan.recipe.format)
    if not form.sharded:
        place.local(f"the format {form.name}")
    part = str(plan.part) if plan.part else None
    with claim(place, f"{plan.hash()} {form.name} {part}", overwrite=overwrite):
        if place.exists(COMMIT_MARK):
            mark = read_mark(place)
            if (mark.plan_hash, mark.format, mark.part) != (plan.hash(), form.name, part):
                raise _other_settings(place)
            lost = _lost(place, form)
            if not lost:
                say(f"{place} is already built", quiet=how.quiet)
            else:
                _repair(plan, place, form, how, lost)
        else:
            shards = _build_shards(plan, place, form, how)
            for note in _commit(plan, place, form, shards, about):
                say(note, quiet=quiet)
        place.remove(JOURNAL)
    return open_dataset(out)


@dataclass(frozen=True)
class _How:
    """How the work is done: nothing in the result depends on it."""

    workers: int
    executor: Executor
    scheduler: str | None
    engine: str
    quiet: bool


@contextmanager
def claim(place: Place, identity: str, *, overwrite: bool = False) -> Iterator[Place]:
    """Be the only one who builds in a place, and leave a mark that tells whose it is until the commit mark does.

    Args:
        place: the dataset folder or URL.
        identity: what must be equal for a build to go on; a finished dataset is not asked.
        overwrite: clear it first, where it holds a dataset and nothing else.

    Raises: UsageError where it holds anything else, DatasetError where it holds an unfinished build of other settings.
    """
    _check_owner(place, overwrite)
    if place.folder is not None:
        make_folder(place.folder)
    with locked(place.folder) if place.folder is not None else nullcontext():
        if overwrite:
            _clear(place)
        if place.exists(PLAN) and place.read_text(PLAN) != identity:
            raise _other_settings(place)
        if not place.exists(COMMIT_MARK):
            place.write_text(PLAN, identity)
        if place.folder is not None:
            for temporary in place.folder.rglob(f".*{PART}"):
                temporary.unlink(missing_ok=True)  # a worker of the killed build may just be finishing it
        yield place


def _other_settings(place: Place) -> DatasetError:
    return DatasetError(f"{place} holds a dataset of other settings", "choose another --out, or --overwrite")


def _check_owner(place: Place, overwrite: bool) -> None:
    """Refuse to build into a place that is no dataset's, or to clear one that holds anything else."""
    started = place.exists(COMMIT_MARK) or place.exists(PLAN)
    if place.folder is None:
        if not started and place.names():
            raise UsageError(f"{place} holds other files and is left alone", "choose another --out")
    elif place.folder.is_dir() and (overwrite or not started):
        refuse_foreign(place.folder, OURS if started else re.compile(""))


def _clear(place: Place) -> None:
    if place.folder is not None:
        clear(place.folder, JOURNAL, COMMIT_MARK)
    else:
        place.remove("")


def shard_jobs(plan: Plan, place: Place, fmt: Format, engine: str) -> Iterator[ShardJob]:
    """The shards of a plan, split by split in the order of their names."""
    for split in sorted(plan.recipe.splits, key=lambda split: split.name):
        degradations = tuple(plan.recipe.open_blurs(split))
        pairs = fmt.shard_pairs if fmt.sharded else _SMALL_SHARD
        size = max(1, pairs // (split.pairs_per_photo or 1))
        photos = list(plan.photos_of(split))
        for index, start in enumerate(range(0, len(photos), size)):
            of_shard = tuple(map(plan.prepared, photos[start : start + size]))
            yield ShardJob(place, fmt.name, split, index, degradations, of_shard, plan.recipe.seed, engine)


def _build_shards(plan: Plan, place: Place, fmt: Format, how: _How) -> dict[str, int]:
    """Build every shard; returns how many each split has."""
    shards = {split.name: 0 for split in plan.recipe.splits}

    def jobs() -> Iterator[ShardJob]:
        for job in shard_jobs(plan, place, fmt, how.engine):
            shards[job.split.name] += 1
            yield job

    with progress("build", sum(plan.counts().values()), "photos", quiet=how.quiet) as bar:
        for done in _run(jobs(), place, fmt, how):
            bar.step(done)
    return shards


def _run(jobs: Iterable[ShardJob], place: Place, fmt: Format, how: _How) -> Iterator[int]:
    alone = fmt.single_writer or place.url.startswith("memory:")  # another process would have a memory of its own
    workers = 1 if alone else how.workers
    return run_jobs(build_shard, jobs, workers=workers, executor=how.executor, scheduler=how.scheduler)


def _commit(plan: Plan, place: Place, fmt: Format, shards: dict[str, int], about: str) -> list[str]:
    """Write everything that describes the pictures, from the journals of the shards."""
    ordered = sorted(shards, key=lambda split: f"{split}/")  # as the pair ids sort
    journals = [ShardJournal(place, split, index, appends=False) for split in ordered for index in range(shards[split])]
    left_out = [*plan.left_out, *(LeftOut(name=n, reason=r) for j in journals for n, r in j.read()[1].items())]
    finished = Finished(
        recipe=plan.recipe,
        plan_hash=plan.hash(),
        format=fmt.name,
        shards=shards if fmt.sharded else {},
        part=plan.part,
        left_out=left_out,
        about=about,
    )
    return commit(
        place,
        finished,
        lambda: (record for journal in journals for of in journal.read()[0].values() for record in of),
        lambda: (item for journal in journals for item in journal.kernels()),
    )


def _lost(place: Place, fmt: Format) -> set[str]:
    """What a finished dataset has lost: raw hashes of the photos whose pictures, or splits whose shards are missing."""
    dataset = open_dataset(place)
    there = set(place.names())
    lost = set()
    if fmt.sharded:
        for split, shards in dataset.shards.items():
            if not there.issuperset(fmt.files(split, dataset.records(split), shards)):
                lost.add(split)
        return lost
    for record in dataset.records():
        if not there.issuperset(fmt.files(record.split, [record], 0)):
            lost.add(record.photo.raw_sha256)
    return lost


def _repair(plan: Plan, place: Place, fmt: Format, how: _How, lost: set[str]) -> None:
    """Make again what a finished dataset has lost; all that describes it stays true."""
    place.remove(JOURNAL)
    jobs = (
        job
        for job in shard_jobs(plan, place, fmt, how.engine)
        if job.split.name in lost or any(photo.photo.raw_sha256 in lost for photo in job.photos)
    )
    for _ in _run(jobs, place, fmt, how):
        pass
