"""What an adopted dataset says about itself: `adopted.json` and a short card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from deblurbench.config import Config
from deblurbench.dataset.manifest import MANIFEST, Record
from deblurbench.errors import DatasetError
from deblurbench.files import canonical_json, read_json
from deblurbench.sources.layouts.layout import Layout

REPORT = "adopted.json"
CARD = "README.md"

_SHOWN = 20  # sentences of the card's lists


class Report(Config):
    """`adopted.json`: what was found, beside what was published.

    Attributes:
        layout, variant: which dataset, and which of its blurred pictures; `variant_chosen` is false where nobody named
            one, so that it is the layout's first.
        root: where it lies.
        dataset_id, splits: as in `dataset.json`.
        published: how many pairs each split has, as its authors say.
        complete: whether all of these are there, and no others.
        problems: what was left out, and why.
        warnings: what a person should look at.
    """

    layout: str
    variant: str
    variant_chosen: bool
    root: str
    dataset_id: str
    splits: dict[str, int]
    published: dict[str, int]
    complete: bool
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_report(folder: Path) -> Report:
    """The `adopted.json` of a dataset folder. Raises DatasetError where it is damaged."""
    try:
        return Report.model_validate_json(canonical_json(read_json(folder / REPORT, DatasetError)), strict=True)
    except ValidationError as error:
        raise DatasetError(f"{folder / REPORT} is damaged", "adopt the dataset again with --overwrite") from error


def shortfall(splits: Mapping[str, int], published: Mapping[str, int]) -> list[str]:
    """How the numbers of pairs differ from the published ones, one sentence per split; empty where they agree."""
    return [
        f"{split}: {splits.get(split, 0)} pairs, published are {published.get(split, 0)}"
        for split in sorted(splits.keys() | published.keys())
        if splits.get(split, 0) != published.get(split, 0)
    ]


def unchosen(layout: Layout, variant: str) -> str:
    """Which variant it is that nobody chose, and what the others are; empty where there are no others."""
    others = [f"`{name}` is {what}" for name, what in layout.variants.items() if name != variant]
    if not others:
        return ""
    return f"no --variant was given, so this is `{variant}`, {layout.variants[variant]}; {'; '.join(others)}"


def counts(records: Sequence[Record]) -> dict[str, int]:
    """How many pairs each split has, by its name."""
    return dict(sorted(Counter(record.split for record in records).items()))


def equal_pictures(records: Sequence[Record]) -> list[str]:
    """A warning where the blurred picture of a pair is its sharp one, pixel for pixel."""
    same = sorted(r.files.blur for r in records if r.files and r.sharp_sha256 == r.blur_sha256)
    if not same:
        return []
    return [f"{len(same)} of {len(records)} blurred pictures are their sharp ones, pixel for pixel, such as {same[0]}"]


def card(report: Report, layout: Layout) -> str:
    """The card: what it is, where it lies, how many pairs, what is odd, how to check it."""
    rows = "\n".join(
        f"| {split} | {report.splits.get(split, 0)} | {report.published.get(split, 0)} |"
        for split in sorted(report.splits.keys() | report.published.keys())
    )
    chosen = "" if report.variant_chosen or len(layout.variants) == 1 else " (the default: no --variant was given)"
    state = "complete" if report.complete else "NOT complete"
    return f"""# {report.layout}, adopted

{layout.title}, read where it lies: `{report.root}`. No picture was copied; licence and citation are the dataset's own.

Blurred pictures: `{report.variant}`{chosen}, {layout.variants[report.variant]}.

Dataset id: `{report.dataset_id}` ({state})

| split | pairs | published |
|---|---|---|
{rows}

`{MANIFEST}` names both files of each pair and what their pixels hash to. Check it with
`deblurbench verify-dataset DIR --pixels`.
{"".join(_section("Left out", report.problems))}{"".join(_section("To look at", report.warnings))}"""


def _section(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"\n## {title}\n\n"
        yield from (f"- {sentence}\n" for sentence in sentences[:_SHOWN])
        if len(sentences) > _SHOWN:
            yield f"- and {len(sentences) - _SHOWN} more: see `{REPORT}`\n"
