"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables import words
from deblurbench.leaderboard.tables.cells import (
    cost_cells,
    cost_legend,
    escape,
    interval,
    ranks,
    training_cell,
)
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing


def markdown(dataset: str, standings: Sequence[Standing], most: int | None = None) -> str:
    """The tables of a dataset as Markdown, one per test split, with what was reported below.

    Args:
        dataset: its name.
        standings: of its tracks.
        most: how many rows of a table are shown, beside those of reference; None: all.
    """
    every = [row for standing in standings for row in standing.rows]
    parts = [f"# {dataset}\n"]
    for standing in standings:
        parts += _track(standing, most)
    parts += _legend(standings, every)
    parts += _methods(standings, most)
    parts += cost_legend(every)[:most]
    return "\n".join(parts)


def _track(standing: Standing, most: int | None) -> Iterator[str]:
    track = standing.contest.track
    yield f"## {escape(track.file.title)}\n"
    if track.file.about:
        yield f"{escape(track.file.about.strip())}\n"
    if rules := words.rules_of(track):
        yield f"Rules: {' '.join(map(escape, rules))}\n"
    if standing.rows:
        head = standing.rows[0]
        yield f"Protocol `{head.protocol}`, {words.measured_on(track)}, dataset `{head.dataset_id[:16]}`.\n"
        if standing.caution:
            yield f"**{standing.caution}**\n"
        ssim = "SSIM+" if words.adds_ssim(track) else "SSIM"
        measured = ("rank", "method", "PSNR dB", "95 %", "gain dB", "95 %", ssim, "status", "predictions")
        rows = [(row.reference != "", _measured(row)) for row in standing.rows]
        yield from _table(measured, "rlrrrrrll", rows, most)
    if standing.reported:
        yield "### Reported\n" if standing.rows else "Reported alone: nobody has added a measured submission yet.\n"
        reported = (
            "method",
            "year",
            "PSNR dB",
            "SSIM",
            "parameters",
            "GMAC",
            "trained on",
            "protocol",
            "tier",
            "source",
        )
        yield from _table(reported, "lrrrrrllll", [(False, _reported(one)) for one in standing.reported], most)


def _measured(row: Row) -> tuple[str, ...]:
    method = f"*{escape(row.method)}*" if row.reference else escape(row.method)
    return (
        ranks(row),
        method + ", told the kernel" * row.told + " ⚠ below blurred" * row.below_blurred,
        f"{row.psnr_db:.4f}",
        interval(row.psnr_low_db, row.psnr_high_db),
        f"{row.gain_db:+.4f}",
        interval(row.gain_low_db, row.gain_high_db, signed=True),
        "" if row.ssim is None else f"{row.ssim:.4f}",
        row.status,
        f"`{row.predictions_sha256[:12]}`" if row.predictions_sha256 else "",
    )


def _reported(one: Reported) -> tuple[str, ...]:
    return (
        escape(one.method),
        _shown(one.year),
        _shown(one.mean.psnr_db),
        _shown(one.mean.ssim),
        "" if one.parameters is None else f"{one.parameters:,}",
        _shown(one.gmacs),
        escape(one.about.training_data),
        f"`{one.protocol}`" if one.protocol else "",
        one.tier,
        escape(one.source),
    )


def _shown(value: float | None) -> str:
    """The digits of the source."""
    return "" if value is None else f"{value:.12g}"


def _methods(standings: Sequence[Standing], most: int | None) -> Iterator[str]:
    """What the methods cost and were trained on: once for all splits, unless it differs between them."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for standing in standings:
        for row in standing.rows:
            found.setdefault(row.method, {}).setdefault(_cells_of_method(row), row.split)
    rows = [
        (f"{escape(method)}, {split}" if len(several) > 1 else escape(method), *cells)
        for method, several in found.items()
        for cells, split in several.items()
        if any(cells)
    ]
    if rows:
        yield "## Methods\n"
        heads = ("method", "parameters", "training", "trained on", "licence", "GMAC", "seconds", "MB")
        yield from _table(heads, "lrlllrrr", [(False, row) for row in rows], most)


def _cells_of_method(row: Row) -> tuple[str, ...]:
    parameters = "" if row.parameters is None else f"{row.parameters:,}"
    return parameters, training_cell(row), escape(row.training_data), escape(row.licence), *cost_cells(row)


def _table(
    heads: Sequence[str], align: str, rows: Sequence[tuple[bool, tuple[str, ...]]], most: int | None
) -> Iterator[str]:
    """A table with an empty line behind it; of `rows` the first `most`, and those that are marked as of reference."""
    shown = [cells for place, (reference, cells) in enumerate(rows) if most is None or place < most or reference]
    yield _line(heads)
    yield "|" + "|".join({"l": "---", "r": "---:"}[side] for side in align) + "|"
    yield from map(_line, shown)
    if (more := len(rows) - len(shown)) > 0:
        yield f"\n... and {more:,} more row{'s' * (more != 1)}."
    yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(standings: Sequence[Standing], every: Sequence[Row]) -> Iterator[str]:
    if any(words.adds_ssim(standing.contest.track) for standing in standings if standing.rows):
        yield f"`+`: {words.ADDED}\n"
    if any(row.below_blurred for row in every):
        yield f"⚠ {words.BELOW}\n"
    if every:
        yield f"{words.RANKS}\n"
        yield f"In italics: {words.REFERENCE}\n"
    if words.has_told(standings):
        yield f"{words.TOLD}\n"
    if any(standing.reported for standing in standings):
        yield f"{words.REPORTED}\n"
