"""`reported/*.csv`: numbers of papers and of makers' pages, each with its source.

A row is listed on the track whose `reported` names its benchmark, apart from what was measured and without a rank.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.errors import DeblurbenchError, nearest
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.submission_file import first_error
from deblurbench.leaderboard.track import Track

REPORTED = "reported"

COLUMNS = (
    "method", "year", "benchmark", "train_set", "psnr_db", "ssim", "params_m", "macs_g", "tier", "source", "protocol",
)  # fmt: skip
"""Of the file. `params_m` is in millions, `macs_g` in 10^9; what a source does not say is empty."""

_KEYS = {"about.training_data": "train_set", "mean": "psnr_db", "parameters": "params_m", "gmacs": "macs_g"}


def read_reported(board: Path, tracks: Mapping[str, Track]) -> dict[str, list[Reported]]:
    """The rows of all files, by the name of the track that they belong to, in the order of files and rows.

    Raises: DeblurbenchError where two tracks claim a benchmark, or naming file and line: a cell that is not as it
        should be, a benchmark that no track names, a row that stands there twice.
    """
    track_of = _benchmarks(tracks)
    rows: dict[str, list[Reported]] = {name: [] for name in tracks}
    seen: dict[tuple[str, ...], str] = {}
    for file in sorted((board / REPORTED).glob("*.csv")):
        for line, cells in _lines(file):
            place = f"{file}:{line}"
            if (first := seen.setdefault(tuple(cells), place)) != place:
                raise DeblurbenchError(f"{place}: it is the row of {first} again", "remove one of them")
            row = dict(zip(COLUMNS, cells, strict=True))
            if row["benchmark"] not in track_of:
                hint = f"a track names its benchmarks in `reported`; {nearest(row['benchmark'], track_of)}"
                raise DeblurbenchError(f"{place}: benchmark: no track has {row['benchmark']!r}", hint)
            one = _reported(place, row, track_of[row["benchmark"]])
            rows[one.track].append(one)
    return rows


def _benchmarks(tracks: Mapping[str, Track]) -> dict[str, str]:
    """Which track each benchmark belongs to."""
    found: dict[str, str] = {}
    for name, track in tracks.items():
        for benchmark in track.file.reported:
            if (other := found.setdefault(benchmark, name)) != name:
                raise DeblurbenchError(
                    f"reported: the tracks {other} and {name} both name {benchmark!r}", "keep it in one of them"
                )
    return found


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, with the numbers of the lines that they end on; empty lines are left out."""
    try:
        reader = csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise DeblurbenchError(f"{file}:1: the columns are not those of a file of reported numbers", _header())
        for cells in reader:
            if cells and len(cells) != len(COLUMNS):
                what = f"{len(cells)} cells under {len(COLUMNS)} columns"
                raise DeblurbenchError(f"{file}:{reader.line_num}: {what}", "quote a cell that has a comma")
            if cells:
                yield reader.line_num, cells
    except OSError as error:
        raise DeblurbenchError(f"cannot read {file}: {error.strerror}", "restore it") from error
    except UnicodeDecodeError as error:
        raise DeblurbenchError(f"{file} is not UTF-8", _header()) from error
    except csv.Error as error:
        raise DeblurbenchError(f"{file}:{reader.line_num}: {error}", _header()) from error


def _header() -> str:
    return f"a CSV file with the columns {','.join(COLUMNS)}"


def _reported(place: str, row: Mapping[str, str], track: str) -> Reported:
    """A row as a submission. Raises DeblurbenchError naming `place` and the column that is wrong."""
    facts: dict[str, Any] = {
        "track": track,
        "method": row["method"],
        "about": {"training_data": row["train_set"]},
        "mean": {"psnr_db": _number(place, row, "psnr_db"), "ssim": _number(place, row, "ssim")},
        "year": _whole(place, row, "year"),
        "parameters": _whole(place, row, "params_m", millions=True),
        "gmacs": _number(place, row, "macs_g"),
        "protocol": row["protocol"] or None,
        "tier": row["tier"],
        "source": row["source"],
    }
    try:
        return Reported.model_validate(facts)
    except ValidationError as error:
        key, _, what = first_error(error).partition(": ")
        raise DeblurbenchError(
            f"{place}: {_KEYS.get(key, key)}: {what}", "see leaderboard/reported/README.md"
        ) from None


def _number(place: str, row: Mapping[str, str], column: str) -> float | None:
    try:
        return float(row[column]) if row[column] else None
    except ValueError:
        raise DeblurbenchError(
            f"{place}: {column}: {row[column]!r} is no number", "what a source does not say is left empty"
        ) from None


def _whole(place: str, row: Mapping[str, str], column: str, *, millions: bool = False) -> int | None:
    """A count that is written as such, or in millions."""
    number = _number(place, row, column)
    if number is None:
        return None
    count = number * 1e6 if millions else number
    if not math.isfinite(count) or not (millions or count.is_integer()):
        raise DeblurbenchError(f"{place}: {column}: {row[column]!r} is no count", "write it in digits")
    return round(count)
