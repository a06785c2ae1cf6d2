"""The scores of one method, as `deblurbench score --csv` and `run-baseline` write them."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.scoring.reports.csv_file import BLURRED

_KEYS = ("protocol", "name", "split")
_NO_METRICS = (*_KEYS, "samples")  # samples: how many numbers a picture has, for pooled means
_MOST_BYTES, _MOST_COLUMNS = 1 << 28, 1000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LARGEST = 1e12  # no metric of a picture comes near; sums of such numbers stay finite


class Track(NamedTuple):
    """What numbers must share to be compared: the protocol's id, and the split ("" in a file that has none)."""

    protocol: str
    split: str

    def __str__(self) -> str:
        return f"{self.protocol}, {self.split}" if self.split else self.protocol


@dataclass(frozen=True)
class Scores:
    """All numbers of one method.

    Attributes:
        label: what the method is called.
        tracks: by track, picture name and metric, the number; `inf` for equal pictures, None where it is not defined.
        metrics: the names of the columns that hold numbers, in the order of the file.
    """

    label: str
    tracks: Mapping[Track, Mapping[str, Mapping[str, float | None]]]
    metrics: tuple[str, ...]


def shown(text: str, limit: int = 200) -> str:
    """A foreign text for people: one line, no control or direction characters, at most `limit` long."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= limit else f"{clean[: limit // 2]}...{clean[len(clean) - limit // 2 + 3 :]}"


def read_scores(path: Path, label: str) -> Scores:
    """Read a CSV file: columns `protocol`, `name` and one per metric, perhaps `split`, `samples` and `blurred_*`.

    A column without any number is no metric. Raises UsageError where there is no such file, DeblurbenchError, naming
    file and line, where it is not what it should be: a cell that is no number, a picture that stands there twice.
    """
    lines = _lines(path)
    _, header = next(lines, (1, []))
    _check_header(path, header)
    rows = list(lines)
    if not rows:
        raise _damaged(path, 1, "there are no scores below the header")
    for line, cells in rows:
        if len(cells) != len(header):
            raise _damaged(path, line, f"{len(cells)} cells under {len(header)} columns")
    columns = {name: place for place, name in enumerate(header) if name not in _NO_METRICS}
    columns = {name: place for name, place in columns.items() if any(_is_number(cells[place]) for _, cells in rows)}
    if not any(not name.startswith(BLURRED) for name in columns):
        raise _damaged(path, 1, "no column holds numbers of a metric")
    places = {name: header.index(name) for name in _KEYS if name in header}
    tracks: dict[Track, dict[str, dict[str, float | None]]] = {}
    for line, cells in rows:
        track = Track(
            *(_word(path, line, cells[places[key]]) if key in places else "" for key in ("protocol", "split"))
        )
        name, pictures = cells[places["name"]], tracks.setdefault(track, {})
        if not name or name in pictures:
            raise _damaged(path, line, f"{shown(name)!r} stands there twice" if name else "a picture without a name")
        pictures[name] = {metric: _value(path, line, metric, cells[place]) for metric, place in columns.items()}
    return Scores(label, tracks, tuple(name for name in columns if not name.startswith(BLURRED)))


def read_text(path: Path) -> str:
    """A table's text. Raises OSError, UnicodeDecodeError, and DeblurbenchError where it is larger than any table."""
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)  # a device may have no end
    if len(data) > _MOST_BYTES:
        raise DeblurbenchError(
            f"{shown(str(path))} has more than {_MOST_BYTES >> 20} MiB", "that is no table of scores"
        )
    return data.decode("utf-8-sig")


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with the numbers of their lines."""
    try:
        text = read_text(path)
    except UnicodeDecodeError as error:
        raise DeblurbenchError(f"{shown(str(path))} is no table of scores: it is not UTF-8") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read {shown(str(path))}: {reason}", "make it with `score --csv`") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise _damaged(path, reader.line_num, str(error)) from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    for key in ("protocol", "name"):
        if key not in header:
            raise _damaged(path, 1, f"no column {key!r}", "it must be as `deblurbench score --csv` writes it")
    if len(header) > _MOST_COLUMNS:
        raise _damaged(path, 1, f"{len(header)} columns, of which no more than {_MOST_COLUMNS} can be compared")
    for name in header:
        _word(path, 1, name)
        if header.count(name) > 1:
            raise _damaged(path, 1, f"two columns {shown(name)!r}")


def _word(path: Path, line: int, text: str) -> str:
    """A name that is printed and written into tables as it stands: no control characters, no formula."""
    if len(text) > 100 or not text.isprintable() or not text[:1].isalnum():
        raise _damaged(path, line, f"{shown(text, 60)!r} is no name of a protocol, split or metric")
    return text


def _is_number(text: str) -> bool:
    return text in ("inf", "nan") or _NUMBER.fullmatch(text) is not None


def _value(path: Path, line: int, metric: str, text: str) -> float | None:
    if not text:
        return None
    value = float(text) if _is_number(text) else math.nan
    if math.isnan(value) or (abs(value) > _LARGEST and text != "inf"):
        raise _damaged(
            path, line, f"{metric} is {shown(text, 60)!r}", "it must be a number, inf, or empty (not defined)"
        )
    return value


def _damaged(path: Path, line: int, what: str, hint: str = "") -> DeblurbenchError:
    return DeblurbenchError(f"{shown(str(path))}:{line}: {what}", hint)
