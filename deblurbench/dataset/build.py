"""Building: a plan becomes a dataset folder, the same one for any number of workers and restarts."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

import numpy as np
import tomli_w

from deblurbench.dataset.card import CARDS, write_cards
from deblurbench.dataset.manifest import (
    COMMIT_MARK,
    KERNELS,
    MANIFEST,
    Record,
    dataset_id,
    parse_record,
    read_manifest,
    record_line,
    write_manifest,
)
from deblurbench.dataset.names import SPLIT_NAME
from deblurbench.dataset.plan import Plan, PlannedPhoto
from deblurbench.dataset.reader import SCHEMA, Dataset, Mark, MarkedRecipe, open_dataset, read_mark
from deblurbench.errors import DatasetError, DeblurbenchError, PictureError
from deblurbench.files import (
    PART,
    clear,
    locked,
    make_folder,
    refuse_foreign,
    replacing,
    write_json,
    write_text,
)
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress, say
from deblurbench.versions import versions

JOURNAL = "build.journal"
RECIPE = "recipe.toml"
_FILES = "|".join(map(re.escape, (COMMIT_MARK, JOURNAL, KERNELS, MANIFEST, RECIPE, *CARDS)))
_OURS = re.compile(rf"{_FILES}|({SPLIT_NAME.pattern})/(sharp|blur)/[^/]+\.png")


def build(plan: Plan, out: Path, *, workers: int = 1, overwrite: bool = False, quiet: bool = False) -> Dataset:
    """Build the plan's dataset in the folder `out`, or finish it where an earlier build stopped.

    Args:
        plan: what to build.
        out: the dataset folder.
        workers: processes; the pixels do not depend on it.
        overwrite: start anew where `out` holds a dataset.
        quiet: show no progress.

    Raises:
        UsageError: `out` holds something else, or cannot be written.
        DatasetError: `out` holds another plan's dataset, or another build is at work in it.
        PictureError: a photo cannot be read; what is built so far stays for the next try.
    """
    _check_owner(out, overwrite)
    make_folder(out)
    with locked(out):
        if overwrite:
            clear(out, JOURNAL, COMMIT_MARK)
        state = _read_state(out)
        if state.plan_hash not in (None, plan.hash()):
            raise DatasetError(f"{out} holds a dataset of other settings", "choose another --out, or --overwrite")
        if state.finished and all(file.is_file() for pair in plan.pairs for file in _files(out, pair.pair)):
            say(f"{out} is already built", quiet=quiet)
            return open_dataset(out)
        _build_pairs(plan, out, state.known, workers, quiet)
        return open_dataset(out)


@dataclass(frozen=True)
class _State:
    """What an earlier build left: the hash of its plan, and the pairs that it says it made."""

    plan_hash: str | None
    known: Mapping[str, Record]
    finished: bool


def _check_owner(out: Path, overwrite: bool) -> None:
    """Refuse to build into a folder that is no dataset's, or to clear one that holds anything else."""
    if out.is_dir():
        started = any((out / name).exists() for name in (COMMIT_MARK, JOURNAL))
        if overwrite or not started:
            refuse_foreign(out, _OURS if started else re.compile(""))


def _read_state(out: Path) -> _State:
    if (out / COMMIT_MARK).is_file():
        records = read_manifest(out / MANIFEST)
        return _State(read_mark(out).plan_hash, {r.pair: r for r in records}, finished=True)
    if not (out / JOURNAL).is_file():
        return _State(None, {}, finished=False)
    first, *lines = (out / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    known = {}
    for line in lines:
        with contextlib.suppress(DatasetError):  # a line that a kill cut short: that pair is made again
            record = parse_record(line, JOURNAL)
            known[record.pair] = record
    return _State(first or None, known, finished=False)


def _build_pairs(plan: Plan, out: Path, known: Mapping[str, Record], workers: int, quiet: bool) -> None:
    for part in out.rglob(f".*{PART}"):
        part.unlink(missing_ok=True)  # a worker of the killed build may just be finishing it
    for split in plan.recipe.splits:
        for side in ("sharp", "blur"):
            (out / split.name / side).mkdir(parents=True, exist_ok=True)
    # The journal is rewritten whole before the work goes on, so that a cut line never stays inside it.
    write_text(out / JOURNAL, "".join(f"{line}\n" for line in [plan.hash(), *map(record_line, known.values())]))
    (out / COMMIT_MARK).unlink(missing_ok=True)  # only now: killed at any moment, the folder is known as ours
    total = sum(1 for _ in plan.pairs)
    records: list[Record] = []
    with (out / JOURNAL).open("a", encoding="utf-8") as journal, progress("build", total, "pairs", quiet=quiet) as bar:
        for made in _each_photo(plan.photos, out, known, workers):
            _remember(journal, (r for r in made if known.get(r.pair) != r))
            records += made
            bar.step(len(made))
    _finish(plan, out, records)


def _remember(journal: IO[str], records: Iterable[Record]) -> None:
    journal.writelines(record_line(r) + "\n" for r in records)
    journal.flush()


def _each_photo(
    photos: tuple[PlannedPhoto, ...], out: Path, known: Mapping[str, Record], workers: int
) -> Iterator[list[Record]]:
    """Build each photo's pairs, in this process or in workers, and yield them as they come."""
    jobs = [(p, {pair.pair: known[pair.pair] for pair in p.pairs if pair.pair in known}) for p in photos if p.pairs]
    if min(workers, len(jobs)) <= 1:
        yield from (_build_photo(photo, out, before) for photo, before in jobs)
        return
    context = multiprocessing.get_context("spawn")  # the same on all systems, and safe beside threads
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context, initializer=_start_worker) as pool:
        try:
            with _interrupts_held():
                futures = [pool.submit(_build_photo, photo, out, before) for photo, before in jobs]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            hint = "use fewer --workers; the same command goes on"
            raise DeblurbenchError("a worker process died, perhaps for lack of memory", hint) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers start, so that none of them meets it before it can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _build_photo(planned: PlannedPhoto, out: Path, known: Mapping[str, Record]) -> list[Record]:
    """Make the pairs of one photo; those that are there already, pixel for pixel, are kept."""
    missing = [pair for pair in planned.pairs if not _is_built(out, known.get(pair.pair))]
    records = [known[pair.pair] for pair in planned.pairs if pair not in missing]
    if missing:
        sharp = planned.sharp()
        for pair in missing:
            blurred, record = planned.make(pair, sharp)
            sharp_file, blur_file = _files(out, pair.pair)
            write_png(sharp_file, sharp)
            write_png(blur_file, blurred)
            records.append(record)
    return records


def _is_built(out: Path, record: Record | None) -> bool:
    if record is None:
        return False
    sharp, blur = _files(out, record.pair)
    try:
        return pixel_hash(read_rgb(sharp)) == record.sharp_sha256 and pixel_hash(read_rgb(blur)) == record.blur_sha256
    except PictureError:
        return False


def _files(out: Path, pair: str) -> tuple[Path, Path]:
    split, _, name = pair.partition("/")
    return out / split / "sharp" / f"{name}.png", out / split / "blur" / f"{name}.png"


def _finish(plan: Plan, out: Path, records: list[Record]) -> None:
    """Write everything that describes the pictures; the commit mark comes last."""
    if len(records) != len({r.pair for r in records}):
        raise DeblurbenchError("a pair was built twice", "please report this")
    kernels = {kernel.id: kernel.taps for kernel in (pair.draw().kernel for pair in plan.pairs)}
    with replacing(out / KERNELS) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{id_: kernels[id_] for id_ in sorted(kernels)})
    write_manifest(out / MANIFEST, records)
    write_text(out / RECIPE, tomli_w.dumps(plan.recipe.tables()))
    identity = dataset_id(records)
    write_cards(out, plan.recipe, identity, records)
    mark = Mark(
        schema=SCHEMA,
        dataset_id=identity,
        recipe=MarkedRecipe(name=plan.recipe.name, version=plan.recipe.version),
        plan_hash=plan.hash(),
        splits=plan.counts(),
        versions=versions(),
    )
    write_json(out / COMMIT_MARK, mark.model_dump(mode="json", by_alias=True))
    (out / JOURNAL).unlink()
