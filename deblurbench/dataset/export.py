"""Exporting: the same pairs in another format. Pixel hashes, and the dataset id of all splits together, stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from deblurbench.config import parse
from deblurbench.dataset.adoption import REPORT as ADOPTED
from deblurbench.dataset.build import claim
from deblurbench.dataset.card import about_in
from deblurbench.dataset.commit import Finished, commit
from deblurbench.dataset.executors import run_jobs
from deblurbench.dataset.formats import FORMATS
from deblurbench.dataset.formats.files import PictureFiles
from deblurbench.dataset.formats.format import Format, Made, PairReader, Side
from deblurbench.dataset.formats.gopro import refuse_clashes
from deblurbench.dataset.journal import JOURNAL
from deblurbench.dataset.kernels import Taps, opened_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, Record, dataset_id
from deblurbench.dataset.reader import Dataset, open_dataset, read_mark
from deblurbench.dataset.recipe import RECIPE, Recipe, read_resolved
from deblurbench.dataset.repair import refuse_lost
from deblurbench.dataset.report import read_report
from deblurbench.errors import DatasetError, UsageError, nearest
from deblurbench.files import parse_json, refuse_inside, sha256_text
from deblurbench.images.codec import Picture
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place
from deblurbench.progress import progress, say

_PAIRS_AT_ONCE = 64  # per job, where a picture is a file: what a kill costs at most, per worker


@dataclass(frozen=True)
class ExportJob:
    """Some pairs of a split, which become a shard or a batch of files; picklable."""

    source: Place
    target: Place
    format: str
    split: str
    index: int
    records: tuple[Record, ...]


def export(
    source: Place | Path | str,
    out: Place | Path | str,
    fmt: str,
    *,
    splits: Collection[str] = (),
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Dataset:
    """Write a finished dataset, or some of its splits, in another format; an interrupted export goes on.

    Every picture's hash is checked on the way. Nothing is written into the source.

    Args:
        source: the dataset, a folder or a URL.
        out: where to; a URL for the formats that allow one.
        fmt: one of `formats.FORMATS`.
        splits: which ones; all where empty. Some of them are a dataset of their own, with an id of their own.
        workers: processes.
        overwrite: start anew where `out` holds a dataset.
        quiet: show no progress.

    Raises:
        UsageError: no such format or split, `out` lies in the source, is a URL or holds something else.
        DatasetError: the source is damaged, or `out` holds another dataset.
        PictureError: a picture of the source is missing or damaged.
    """
    if fmt not in FORMATS:
        raise UsageError(f"unknown format {fmt!r}", nearest(fmt, FORMATS))
    form, dataset = FORMATS[fmt], open_dataset(source)
    chosen = _choose(dataset, splits)
    place = out if isinstance(out, Place) else Place(out)
    _check(dataset, form, place, chosen)
    whole = len(chosen) == len(dataset.splits)
    identity = dataset.id if whole else dataset_id(_records(dataset, chosen))
    with claim(place, f"export {identity} {form.name}", overwrite=overwrite):
        if place.exists(COMMIT_MARK):
            return _finished(place, form, identity, quiet)
        total = sum(dataset.splits[split] for split in chosen)
        alone = form.single_writer or dataset.place.in_memory or place.in_memory
        with progress("export", total, "pairs", quiet=quiet) as bar:
            for done in run_jobs(export_shard, _jobs(dataset, place, form, chosen), workers=1 if alone else workers):
                bar.step(done)
        shards = {split: -(-dataset.splits[split] // form.shard_pairs) for split in chosen} if form.sharded else {}
        report = read_report(dataset.place)
        finished = Finished(
            recipe=_recipe(dataset, chosen),
            plan_hash=sha256_text(f"export {identity} {form.name}"),  # no build may take it for its own and repair it
            format=form.name,
            shards=shards,
            part=None,
            left_out=list(report.left_out),
            options=report.options,
            about=about_in(dataset.place),
        )
        commit(place, finished, lambda: _records(dataset, chosen), lambda: _kernels(dataset, chosen))
        place.remove(JOURNAL)
    return open_dataset(place)


def export_shard(job: ExportJob) -> int:
    """Write the pairs of a job, unless they are there already; returns how many it has."""
    form = FORMATS[job.format]
    mark = f"{JOURNAL}/{job.split}-{job.index:05d}"
    done = list(form.files(job.split, job.records, job.index + 1))[-1] if form.sharded else mark
    if not job.target.exists(done):
        reader = open_dataset(job.source).reader(job.split)
        try:
            for _ in form.write(job.target, job.split, job.index, _read(reader, job.records)):
                pass
        finally:
            reader.close()
        if not form.sharded:
            job.target.write_bytes(mark, b"")
    return len(job.records)


def _read(reader: PairReader, records: Iterable[Record]) -> Iterator[Made]:
    for record in records:
        yield Made(record, _picture(reader, record, "sharp"), _picture(reader, record, "blur"))


def _picture(reader: PairReader, record: Record, side: Side) -> Picture:
    picture = reader.read(record, side)
    if pixel_hash(picture) != record.pixels(side):
        hint = "see `deblurbench verify-dataset DIR --pixels`"
        raise DatasetError(f"the {side} picture of {record.pair} is not the one in the manifest", hint)
    if picture.dtype != "uint8":
        raise UsageError(f"{record.pair} has {picture.dtype} pictures", "datasets hold 8 bits: use it where it lies")
    return picture


def _choose(dataset: Dataset, splits: Collection[str]) -> list[str]:
    for split in splits:
        dataset.check_split(split)
    return [split for split in dataset.splits if not splits or split in splits]


def _check(dataset: Dataset, form: Format, place: Place, splits: Sequence[str]) -> None:
    """Refuse what cannot end well before anything is written."""
    if not form.sharded:
        place.local(f"the format {form.name}")
    part = read_mark(dataset.place).part
    if part is not None:
        raise UsageError(f"{dataset.place} is part {part} of a build", "join the parts first: merge-datasets")
    inputs = [dataset.place, *([Place(dataset.root)] if dataset.root is not None else [])]
    for source in inputs:
        if source.folder is not None and place.folder is not None:
            refuse_inside(place.folder, source.folder, "OUT")
            refuse_inside(source.folder, place.folder, "OUT")
        elif f"{place.url.rstrip('/')}/".startswith(f"{source.url.rstrip('/')}/"):
            raise UsageError(f"{place} lies inside the input {source}", "choose another OUT")
    if dataset_id(dataset.records()) != dataset.id:
        raise DatasetError(f"the manifest of {dataset.place} does not give its dataset id", "see verify-dataset")
    if isinstance(form, PictureFiles):
        refuse_clashes(form, _records(dataset, splits))


def _finished(place: Place, form: Format, identity: str, quiet: bool) -> Dataset:
    dataset = open_dataset(place)
    if (dataset.id, dataset.format) != (identity, form.name):
        raise DatasetError(f"{place} holds another dataset", "choose another OUT, or --overwrite")
    refuse_lost(dataset, form)
    say(f"{place} is already there", quiet=quiet)
    return dataset


def _records(dataset: Dataset, splits: Collection[str]) -> Iterator[Record]:
    """The records of some splits as they will be: whatever lay elsewhere lies in the dataset then."""
    wanted = set(splits)
    for record in dataset.records():
        if record.split in wanted:
            yield record.model_copy(update={"files": None}) if record.files else record


def _jobs(dataset: Dataset, place: Place, form: Format, splits: Collection[str]) -> Iterator[ExportJob]:
    size = form.shard_pairs if form.sharded else _PAIRS_AT_ONCE
    wanted = (record for record in dataset.records() if record.split in splits)
    for split, records in groupby(wanted, key=lambda record: record.split):
        index = 0
        while some := tuple(islice(records, size)):
            yield ExportJob(dataset.place, place, form.name, split, index, some)
            index += 1


def _kernels(dataset: Dataset, splits: Collection[str]) -> Iterator[tuple[str, Taps]]:
    if not dataset.place.exists(KERNELS):
        return
    used = {kernel for record in _records(dataset, splits) for kernel in record.kernels}
    with opened_kernels(dataset.place, KERNELS) as kernels:
        yield from ((name, kernels[name]) for name in kernels.files if name in used)


def _recipe(dataset: Dataset, splits: Collection[str]) -> Recipe:
    """The recipe of some splits; of an adopted dataset, which was built of none, what it comes to."""
    if not dataset.place.exists(RECIPE):
        return _adopted_recipe(dataset, splits)
    recipe = read_resolved(dataset.place)
    return recipe.model_copy(update={"splits": tuple(split for split in recipe.splits if split.name in splits)})


def _adopted_recipe(dataset: Dataset, splits: Collection[str]) -> Recipe:
    report = dataset.place.read_text(ADOPTED) if dataset.place.exists(ADOPTED) else "{}"
    found = parse_json(report)
    source = {"source": "pairs", "layout": found.get("layout", dataset.recipe), "variant": found.get("variant", "")}
    blur = {"family": "recorded", "variant": source["variant"], "light": "stored"}
    tables = {
        "schema": 1,
        "name": dataset.recipe,
        "version": dataset.recipe_version,
        "summary": f"The published dataset {dataset.recipe}, copied from where it was adopted.",
        "seed": 0,
        "sources": [source],
        "splits": [{"name": split, "blurs": [blur]} for split in splits],
    }
    return parse(Recipe, tables, f"{dataset.place}/{RECIPE}")
