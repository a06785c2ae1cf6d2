"""Tables as CSV: one row per method, full digits, nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

from deblurbench.files import csv_text
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing

_FORMULA = re.compile(r"(^|;\s*)([=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")  # wide signs, too

REPORTED_COLUMNS = (
    "track", "dataset", "split", "status", "method", "year", "psnr_db", "ssim", "parameters", "gmacs",
    "training_data", "protocol", "tier", "source",
)  # fmt: skip


def measured_csv(standings: Iterable[Standing]) -> str:
    """The rows of all tracks. Columns: the fields of `Row`."""
    rows = (astuple(row) for standing in standings for row in standing.rows)
    return _text([field.name for field in fields(Row)], rows)


def reported_csv(standings: Iterable[Standing]) -> str:
    """What was reported on all tracks: a table of its own, since its numbers are of another kind."""
    rows = (
        [track.name, track.file.dataset, track.file.split, *_reported(one)]
        for standing in standings
        for track in [standing.contest.track]
        for one in standing.reported
    )
    return _text(REPORTED_COLUMNS, rows)


def _reported(one: Reported) -> list[Any]:
    return [
        one.status,
        one.method,
        one.year,
        one.mean.psnr_db,
        one.mean.ssim,
        one.parameters,
        one.gmacs,
        one.about.training_data,
        one.protocol,
        one.tier,
        one.source,
    ]


def _text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return csv_text(header, (map(safe_cell, row) for row in rows))


def safe_cell(value: Any) -> Any:
    """A value for a cell: text that begins as a formula does gets a quote sign before it; numbers stay.

    So does what comes after a semicolon: where the comma is the decimal sign, a spreadsheet begins a new cell there.
    """
    return _FORMULA.sub(r"\1'\2", value) if isinstance(value, str) else value
