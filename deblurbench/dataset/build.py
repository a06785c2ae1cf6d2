"""Building: a plan becomes a dataset, the same one for any number of workers, machines and restarts."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from deblurbench.blur.engines import check_engine
from deblurbench.dataset.commit import FILES, Finished, commit
from deblurbench.dataset.executors import Executor, check_executor, run_jobs
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import Format
from deblurbench.dataset.journal import JOURNAL, PLAN, ShardJournal
from deblurbench.dataset.kernels import Taps, used_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, Record
from deblurbench.dataset.names import SPLIT_NAME
from deblurbench.dataset.plan import Plan
from deblurbench.dataset.reader import Dataset, open_dataset, read_mark
from deblurbench.dataset.repair import repair
from deblurbench.dataset.report import LeftOut
from deblurbench.dataset.shard import ShardJob, build_shard
from deblurbench.errors import DatasetError, UsageError
from deblurbench.files import LOCK, PART, locked, make_folder, refuse_foreign, refuse_inside
from deblurbench.places import Place
from deblurbench.progress import progress, say
from deblurbench.sources.photo import Source

_SMALL_SHARD = 16  # pairs: where every picture is a file of its own, small shards keep all workers busy to the end
_PICTURES = (
    rf"({SPLIT_NAME.pattern})/(sharp|blur)/[^/]+\.(png|qoi|npy)",
    rf"({SPLIT_NAME.pattern})/[^/]+_\d{{2,}}_\d{{2}}/(sharp|blur|blur_[^/]+)/[^/]+\.png",
    rf"({SPLIT_NAME.pattern})-\d{{5,}}\.(tar|parquet)",
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
    place = Place(out)
    form = check_request(place, plan.sources, fmt or plan.recipe.format, engine, executor, scheduler)
    part, plan_hash = str(plan.part) if plan.part else None, plan.hash()
    with claim(place, f"{plan_hash} {form.name} {part}", overwrite=overwrite):
        if place.exists(COMMIT_MARK):
            mark = read_mark(place)
            if (mark.plan_hash, mark.format, mark.part) != (plan_hash, form.name, part):
                raise _other_settings(place)
            jobs = shard_jobs(plan, place, form, engine)
            if not repair(place, form, jobs, lambda some: deque(_run(some, place, form, how), maxlen=0)):
                say(f"{place} is already built", quiet=quiet)
        else:
            shards = _build_shards(plan, place, form, how)
            for note in _commit(plan, plan_hash, place, form, shards, about):
                say(note, quiet=quiet)
        place.remove(JOURNAL)
    return open_dataset(out)


def check_request(
    place: Place,
    sources: Iterable[Source],
    fmt: str,
    engine: str = "auto",
    executor: Executor = "local",
    scheduler: str | None = None,
) -> Format:
    """The format that is meant; what `build` will refuse is refused, before any photo is looked at.

    Raises: UsageError for an unknown format or engine, a format that needs a folder, a cluster that is not named, or
        where the dataset would lie in a folder of photos, or one of these in it.
    """
    form = find_format(fmt)
    if not form.sharded:
        place.local(f"the format {form.name}")
    check_engine(engine)
    check_executor(executor, scheduler)
    for source in sources:
        path = getattr(source, "path", "")
        if path and place.folder is not None:
            refuse_inside(place.folder, Path(path))
            if place.folder.resolve() in Path(path).resolve().parents:
                raise UsageError(f"the photos {path} lie inside {place}", "choose another --out")
    return form


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
        elif place.exists(PLAN) and place.read_bytes(PLAN) != identity.encode():
            raise _other_settings(place)
        if not place.exists(COMMIT_MARK):
            place.write_text(PLAN, identity)
        if place.folder is not None:
            for temporary in place.folder.rglob(f".*{PART}"):
                temporary.unlink(missing_ok=True)  # a worker of the killed build may just be finishing it
        yield place


def _other_settings(place: Place) -> DatasetError:
    return DatasetError(f"{place} holds a dataset of other settings", "choose another --out, or --overwrite")


def _is_started(place: Place) -> bool:
    return place.exists(COMMIT_MARK) or place.exists(PLAN)


def _check_owner(place: Place, overwrite: bool) -> None:
    """Refuse to build into a place that is no dataset's, or to clear one that holds anything else."""
    started = _is_started(place)
    if started and not overwrite:
        return
    ours = OURS if started else re.compile("")
    if place.folder is None:
        for name in place.names():
            if not ours.fullmatch(name):
                raise UsageError(f"{place} holds other files ({name}) and is left alone", "choose another --out")
    elif place.folder.is_dir():
        refuse_foreign(place.folder, ours)


def _clear(place: Place) -> None:
    """Remove a dataset, or as much as there is of one; a kill leaves what is no dataset any more, and still ours."""
    if not _is_started(place):
        return
    place.write_text(PLAN, "being cleared")
    place.remove(COMMIT_MARK)
    names = place.names()
    if place.folder is not None:  # whole folders, empty ones too
        top = (entry.name for entry in place.folder.iterdir() if entry.name not in (LOCK, JOURNAL))
        names = [*top, *(name for name in names if name.startswith(f"{JOURNAL}/"))]
    for name in names:
        if name != PLAN:
            place.remove(name)


def shard_jobs(plan: Plan, place: Place, fmt: Format, engine: str) -> Iterator[ShardJob]:
    """The shards of a plan, split by split in the order of their names."""
    if place.folder is not None:
        place = Place(place.folder.absolute())  # workers elsewhere have other working directories
    for split in plan.recipe.splits:
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
    if fmt.single_writer or place.in_memory:
        return map(build_shard, jobs)
    return run_jobs(build_shard, jobs, workers=how.workers, executor=how.executor, scheduler=how.scheduler)


def _commit(plan: Plan, plan_hash: str, place: Place, fmt: Format, shards: dict[str, int], about: str) -> list[str]:
    """Write everything that describes the pictures, from the journals of the shards."""
    ordered = sorted(shards, key=lambda split: f"{split}/")  # as the pair ids sort
    journals = [ShardJournal(place, split, index, appends=False) for split in ordered for index in range(shards[split])]
    left_out = list(plan.left_out)
    for journal in journals:
        done = journal.read()
        if not done.complete:
            hint = "all workers must see the same folder; the same command goes on"
            raise DatasetError(f"{place} does not have all that was built", hint)
        left_out += [LeftOut(name=name, reason=reason) for name, reason in done.left_out.items()]
    finished = Finished(
        recipe=plan.recipe,
        plan_hash=plan_hash,
        format=fmt.name,
        shards=shards if fmt.sharded else {},
        part=plan.part,
        left_out=left_out,
        options=plan.options,
        about=about,
    )
    return commit(
        place,
        finished,
        lambda: (record for journal in journals for record in journal.records()),
        lambda: used_kernels(pair for journal in journals for pair in _with_kernels(journal)),
    )


def _with_kernels(journal: ShardJournal) -> Iterator[tuple[Record, Mapping[str, Taps]]]:
    with journal.kernels() as kernels:
        yield from ((record, kernels) for record in journal.records())
