"""Finishing a dataset: manifest, kernels, recipe, cards, sheets, checksums and, last of all, the commit mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import tomli_w

from deblurbench.dataset.card import CARDS, DatasetFacts, write_cards
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.gopro import GoPro, refuse_clashes
from deblurbench.dataset.kernels import Taps, opened_kernels, write_kernels
from deblurbench.dataset.leaks import LEAKS, leak_lines, leak_report, write_leaks
from deblurbench.dataset.manifest import (
    COMMIT_MARK,
    KERNELS,
    MANIFEST,
    DatasetId,
    DisorderError,
    Record,
    manifest_records,
    record_line,
)
from deblurbench.dataset.plan import Part
from deblurbench.dataset.reader import SCHEMA, Mark, MarkedRecipe
from deblurbench.dataset.recipe import RECIPE, Recipe
from deblurbench.dataset.report import REPORT, BuildReport, LeftOut, Shortfall, write_report
from deblurbench.dataset.sheets import SHEETS, write_sheets
from deblurbench.dataset.sums import SUMS, write_sums
from deblurbench.errors import DatasetError
from deblurbench.files import json_text
from deblurbench.places import Place
from deblurbench.versions import versions

FILES = (COMMIT_MARK, MANIFEST, KERNELS, RECIPE, REPORT, LEAKS, *CARDS, *SHEETS, SUMS)
"""All files of a dataset that are no pictures."""


@dataclass(frozen=True)
class Finished:
    """A dataset whose pictures are all there: what its description needs beside the records.

    Attributes:
        recipe: as resolved.
        plan_hash: what tells whether another build is of the same settings.
        format, shards: how the pictures lie, and in how many shards each split.
        part: where it is one part of a build.
        left_out: the photos that it does without, in any order; some may be there twice.
        options: what chose among the photos beside the recipe.
        about: what its recipe's author says of it, Markdown.
    """

    recipe: Recipe
    plan_hash: str
    format: str
    shards: dict[str, int]
    part: Part | None
    left_out: list[LeftOut]
    options: str = ""
    about: str = ""


def commit(
    place: Place,
    finished: Finished,
    records: Callable[[], Iterable[Record]],
    kernels: Callable[[], Iterable[tuple[str, Taps]]],
) -> list[str]:
    """Write all files that describe a dataset; the commit mark comes last.

    Returns: what people should know of it, lines: photos left out, counts not reached, leaks.

    Args:
        place: where its pictures are.
        finished: what is known of it.
        records: gives every record, split by split in the order of the pair ids.
        kernels: gives every kernel that they name, with its id, once, in the order of the records.

    Raises: DatasetError where it has no pair, unless it is one part of a build: others may have some.
    """
    left_out = sorted(set(finished.left_out), key=lambda photo: (photo.name, photo.reason))
    identity, counts = _write_manifest(place, records)
    if not counts and finished.part is None:
        reasons = Counter(photo.reason for photo in left_out).most_common(1)
        hint = f"{len(left_out)} photos were left out: {reasons[0][0]}" if reasons else "add photos"
        raise DatasetError(f"{place} has no pair", hint)
    layout = find_format(finished.format)
    if isinstance(layout, GoPro):
        refuse_clashes(layout, manifest_records(place))
    with place.writing(KERNELS) as temporary, temporary.open("wb") as file:
        write_kernels(file, kernels())
    recipe = finished.recipe
    place.write_text(RECIPE, tomli_w.dumps(recipe.tables()))
    splits = {split.name: counts[split.name] for split in recipe.splits}
    report = BuildReport(
        options=finished.options, splits=splits, shortfalls=_shortfalls(recipe, counts), left_out=tuple(left_out)
    )
    write_report(place, report)
    facts = DatasetFacts(
        recipe=recipe,
        dataset_id=identity,
        counts=splits,
        format=finished.format,
        shards=finished.shards,
        report=report,
        about=finished.about,
    )
    leaks = leak_report(lambda: manifest_records(place))
    write_leaks(place, leaks)
    write_cards(place, facts, lambda: manifest_records(place))
    _write_sheets(place, facts)
    mark = Mark(
        schema=SCHEMA,
        dataset_id=identity,
        recipe=MarkedRecipe(name=recipe.name, version=recipe.version),
        plan_hash=finished.plan_hash,
        format=finished.format,
        shards=finished.shards,
        part=str(finished.part) if finished.part else None,
        splits=splits,
        versions=versions(),
    )
    write_sums(place)
    place.write_text(COMMIT_MARK, json_text(mark.model_dump(mode="json", by_alias=True, exclude_none=True)))
    return [*_notes(report), *leak_lines(leaks)]


def _notes(report: BuildReport) -> Iterator[str]:
    if report.left_out:
        first, count = report.left_out[0], len(report.left_out)
        what = "1 photo was left out:" if count == 1 else f"{count:,} photos were left out, such as"
        yield f"{what} {first.name}: {first.reason} (see {REPORT})"
    for split, short in report.shortfalls.items():
        yield f"shortfall: {split} has {short.made:,} of the {short.wanted:,} pairs that the recipe wants"


def _shortfalls(recipe: Recipe, made: Counter[str]) -> dict[str, Shortfall]:
    wanted = {split.name: split.count for split in recipe.splits if split.count is not None}
    return {n: Shortfall(made=made[n], wanted=count) for n, count in wanted.items() if made[n] < count}


def _write_manifest(place: Place, records: Callable[[], Iterable[Record]]) -> tuple[str, Counter[str]]:
    """Write the manifest; returns the dataset id and how many pairs each split has."""
    try:
        return _write_ordered(place, records())
    except DisorderError:  # a photo's name begins with another one's: rare, and then memory is spent on it
        pass
    try:
        return _write_ordered(place, sorted(records(), key=lambda record: record.pair))
    except DisorderError as error:
        raise DatasetError(f"{place} would have {error} twice", "start anew: --overwrite") from error


def _write_ordered(place: Place, records: Iterable[Record]) -> tuple[str, Counter[str]]:
    identity, counts = DatasetId(), Counter[str]()
    with place.writing(MANIFEST) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            identity.add(record)
            counts[record.split] += 1
            file.write(record_line(record) + "\n")
    return identity.hex(), counts


def _write_sheets(place: Place, facts: DatasetFacts) -> None:
    fmt = find_format(facts.format)
    readers = {split: fmt.reader(place, split) for split, count in facts.counts.items() if count}
    try:
        with opened_kernels(place, KERNELS) as kernels:
            write_sheets(
                place,
                facts,
                lambda: manifest_records(place),
                lambda record, side: readers[record.split].read(record, side),
                kernels,
            )
    finally:
        for reader in readers.values():
            reader.close()
