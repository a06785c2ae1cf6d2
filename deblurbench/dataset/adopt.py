"""Adopting a published dataset: a manifest of its pairs where they lie, with the hash of every picture."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deblurbench.dataset.adopt_journal import JOURNAL, AdoptJournal
from deblurbench.dataset.adoption import (
    CARD,
    REPORT,
    Report,
    card,
    counts,
    equal_pictures,
    read_report,
    shortfall,
    unchosen,
)
from deblurbench.dataset.executors import run_jobs
from deblurbench.dataset.formats.adopted import BITS, Adopted
from deblurbench.dataset.leaks import LEAKS, leak_lines, leak_report, write_leaks
from deblurbench.dataset.manifest import (
    COMMIT_MARK,
    MANIFEST,
    PairPaths,
    PhotoRecord,
    Record,
    dataset_id,
    parse_record,
    write_manifest,
)
from deblurbench.dataset.reader import SCHEMA, Mark, MarkedRecipe, read_mark
from deblurbench.errors import DatasetError, PictureError
from deblurbench.files import (
    canonical_json,
    clear,
    locked,
    make_folder,
    refuse_foreign,
    refuse_inside,
    safe_name,
    sha256_file,
    sha256_text,
    write_json,
    write_text,
)
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place
from deblurbench.progress import progress, say
from deblurbench.sources.layouts.find import find_pairs, variant_named
from deblurbench.sources.layouts.layout import Found, FoundPair, Layout
from deblurbench.sources.layouts.read import bits_per_sample, read_picture
from deblurbench.versions import versions

_OURS = re.compile("|".join(map(re.escape, (COMMIT_MARK, MANIFEST, REPORT, JOURNAL, LEAKS, CARD))))
_SHOWN = 20  # problems that are shown one by one
_NAME = 150  # characters of a pair's name


def adopt(
    layout: Layout,
    root: Path,
    out: Path,
    *,
    variant: str = "",
    workers: int = 1,
    allow_incomplete: bool = False,
    limit: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Report:
    """Write a dataset folder of the format `adopted` for the published dataset that lies in `root`.

    No picture is copied, and nothing is written below `root`. Killed, the same call goes on where it stopped.

    Args:
        layout: which dataset, see `sources.layouts.find.layout_named`.
        root: the folder that it lies in.
        out: the dataset folder to write.
        variant: which blurred pictures; empty for the layout's first, which is said.
        workers: processes that read and hash.
        allow_incomplete: leave out what has no counterpart or cannot be read, and list it, instead of stopping.
        limit: only the first pairs of each split.
        overwrite: start anew where `out` holds a dataset.
        quiet: show no progress; warnings are shown all the same.

    Raises:
        UsageError: `root` is not of this layout, `out` lies inside it or holds something else.
        DatasetError: pictures do not pair or cannot be read; `out` holds another dataset.
    """
    found = find_pairs(layout, root, variant)
    refuse_inside(out, root)
    if found.problems and not allow_incomplete:
        raise _refusal(root, found.problems)
    job = _Adoption(layout, Path(os.path.abspath(root)), variant_named(layout, variant), bool(variant), limit)
    _check_owner(out, overwrite)
    make_folder(out)
    with locked(out):
        if overwrite:
            clear(out, JOURNAL, COMMIT_MARK)
        pairs = _named(found.pairs, limit)
        if (out / COMMIT_MARK).is_file():
            _check_same(out, job, pairs)
            say(f"{out} is already adopted; `verify-dataset --pixels` checks it", quiet=quiet)
        else:
            records, unread = _hash_all(job, pairs, AdoptJournal(out, job.hash(), job.root), workers, quiet)
            if not records or (unread and not allow_incomplete):
                raise _refusal(root, unread)
            _commit(out, job, found._replace(problems=(*found.problems, *unread)), records)
        return read_report(out)


class _Adoption(NamedTuple):
    """What is adopted; picklable."""

    layout: Layout
    root: Path
    variant: str
    variant_chosen: bool
    limit: int | None

    def hash(self) -> str:
        return sha256_text(canonical_json([self.layout.name, self.variant, str(self.root), self.limit]))


class _Job(NamedTuple):
    """One pair to be read and hashed; picklable."""

    pair: str
    found: FoundPair
    adoption: _Adoption


class _Seen(NamedTuple):
    """What became of a job: a record, or why there is none."""

    job: _Job
    record: Record | None
    problem: str = ""


def pair_ids(pairs: Sequence[FoundPair]) -> list[str]:
    """The ids of the pairs, in their order: `<split>/<safe name>`.

    Names that would be one (on systems that ignore case, too) get 8 hex digits of the hash of their paths.
    """
    ids = [f"{pair.split}/{safe_name(pair.name, _NAME)}" for pair in pairs]
    often = Counter(map(str.casefold, ids))
    marks = [sha256_text(f"{pair.sharp}\n{pair.blur}")[:8] for pair in pairs]
    return [f"{i}-{mark}" if often[i.casefold()] > 1 else i for i, mark in zip(ids, marks, strict=True)]


def _named(pairs: Sequence[FoundPair], limit: int | None) -> dict[str, FoundPair]:
    """The pairs by id; with a limit only the first of each split."""
    taken: dict[str, FoundPair] = {}
    per_split: Counter[str] = Counter()
    for name, pair in zip(pair_ids(pairs), pairs, strict=True):
        per_split[pair.split] += 1
        if limit is None or per_split[pair.split] <= limit:
            taken[name] = pair
    return taken


def _check_owner(out: Path, overwrite: bool) -> None:
    """Refuse to write into a folder that is no dataset's, or to clear one that holds anything else."""
    if out.is_dir():
        started = any((out / name).exists() for name in (COMMIT_MARK, JOURNAL))
        if overwrite or not started:
            refuse_foreign(out, _OURS if started else re.compile(""))


def _check_same(out: Path, adoption: _Adoption, pairs: dict[str, FoundPair]) -> None:
    """Raise DatasetError where a finished dataset is not the one that would be adopted now."""
    if read_mark(Place(out)).plan_hash != adoption.hash():
        raise DatasetError(f"{out} holds another dataset", "choose another --out, or --overwrite")
    lines = (out / MANIFEST).read_text(encoding="utf-8").splitlines()
    before = {r.pair: r.files for r in (parse_record(line, MANIFEST) for line in lines)}
    now = {name: _paths(pair) for name, pair in pairs.items()}
    if before != now and not read_report(out).problems:
        raise DatasetError(f"the files of {adoption.root} are no longer those of {out}", "adopt anew with --overwrite")


def _refusal(root: Path, problems: Sequence[str]) -> DatasetError:
    """The error for pictures that do not pair; the first ones are said here."""
    for problem in problems[:_SHOWN]:
        say(problem)
    if len(problems) > _SHOWN:
        say(f"and {len(problems) - _SHOWN} more")
    what = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}, the first: {problems[0]}"
    return DatasetError(f"{root} has {what}", "complete it, or leave these out with --allow-incomplete")


def _hash_all(
    adoption: _Adoption, pairs: dict[str, FoundPair], journal: AdoptJournal, workers: int, quiet: bool
) -> tuple[list[Record], list[str]]:
    """The records of all pairs, those of an earlier call taken over; and what could not be read."""
    known = journal.begin({name: _paths(pair) for name, pair in pairs.items()})
    jobs = [_Job(name, pair, adoption) for name, pair in pairs.items() if name not in known]
    records, problems = list(known.values()), []
    with progress("adopt", len(pairs), "pairs", quiet=quiet, done=len(known)) as bar:
        for seen in run_jobs(_hash_pair, jobs, workers=min(workers, max(1, len(jobs)))):
            if seen.record is None:
                problems.append(seen.problem)
            else:
                records.append(seen.record)
                journal.add(seen.record)
            bar.step()
    return records, sorted(problems)


def _paths(pair: FoundPair) -> PairPaths:
    return PairPaths(blur=pair.blur, sharp=pair.sharp)


def _hash_pair(job: _Job) -> _Seen:
    """Read both pictures of a pair and hash them."""
    from deblurbench.images.dhash import dhash

    found, layout = job.found, job.adoption.layout
    files = [job.adoption.root / name for name in (found.sharp, found.blur)]
    try:
        sharp, blurred = (read_picture(file, sixteen_bit=layout.sixteen_bit) for file in files)
        raw = sha256_file(files[0])
    except (PictureError, OSError) as error:
        return _Seen(job, None, str(error))
    if sharp.shape != blurred.shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in (sharp, blurred))
        return _Seen(job, None, f"{found.sharp} and {found.blur} differ in size: {sizes}")
    preparation: dict[str, Any] = {BITS: 16} if max(map(bits_per_sample, files)) > 8 else {}
    record = Record(
        pair=job.pair,
        split=found.split,
        scene=found.scene,
        photo=PhotoRecord(source=f"adopted:{layout.name}", url="", author="", licence="", raw_sha256=raw),
        preparation=preparation,
        blur={"family": "recorded", "light": "recorded", "variant": job.adoption.variant, **found.facts},
        kernels=(),
        seed=0,
        sharp_sha256=pixel_hash(sharp),
        blur_sha256=pixel_hash(blurred),
        sharp_dhash=dhash(sharp),
        files=_paths(found),
    )
    return _Seen(job, record)


def _commit(out: Path, adoption: _Adoption, found: Found, records: Sequence[Record]) -> None:
    """Write what describes the pairs; the commit mark comes last."""
    layout, identity, splits = adoption.layout, dataset_id(records), counts(records)
    lacking = shortfall(splits, found.published)
    chosen = "" if adoption.variant_chosen else unchosen(layout, adoption.variant)
    leaks = leak_report(lambda: iter(records))
    report = Report(
        layout=layout.name,
        variant=adoption.variant,
        variant_chosen=adoption.variant_chosen,
        root=str(adoption.root),
        dataset_id=identity,
        splits=splits,
        published=dict(found.published),
        complete=not lacking and not found.problems,
        problems=found.problems,
        warnings=(
            *filter(None, [chosen]),
            *lacking,
            *found.notes,
            *equal_pictures(records),
            *layout.compare(adoption.root, found.pairs, adoption.variant),
            *map(str.strip, leak_lines(leaks)),
        ),
    )
    for warning in report.warnings:
        say(f"Warning: {warning}")
    write_manifest(out / MANIFEST, records)
    write_leaks(Place(out), leaks)
    write_json(out / REPORT, report.as_dict())
    write_text(out / CARD, card(report, layout))
    mark = Mark(
        schema=SCHEMA,
        dataset_id=identity,
        recipe=MarkedRecipe(name=dataset_name(layout, adoption.variant), version=1),
        plan_hash=adoption.hash(),
        format=Adopted.name,
        root=str(adoption.root),
        complete=report.complete,
        splits=splits,
        versions=versions(),
    )
    write_json(out / COMMIT_MARK, mark.model_dump(mode="json", by_alias=True, exclude_none=True))
    (out / JOURNAL).unlink()


def dataset_name(layout: Layout, variant: str) -> str:
    """The name of an adopted dataset: the layout's, and the variant's where there are several."""
    return layout.name if len(layout.variants) == 1 else f"{layout.name}-{variant}".replace("_", "-").lower()
