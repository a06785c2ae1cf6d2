"""The columns of a track's table, and what stands in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeGuard

from deblurbench.leaderboard.site.words import amount, count, decibels, duration, gain, similarity
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.words import ADDED
from deblurbench.runs.cost import SIZES

DASH = "\u2013"


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: its text, a smaller line below it, and the number that it is sorted by, if any."""

    text: str
    small: str = ""
    value: float | None = None

    @property
    def sort(self) -> str:
        """The number as an attribute, with as many digits as matter."""
        return "" if self.value is None else f"{self.value:.10g}"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: by which style sheet, scripts and addresses know it.
        title: in the head of the table; `unit` stands behind it.
        about: what it is, for whoever asks.
        group: under which it stands in the choice of columns.
        cell: what stands there of a row.
        is_shown: whether it is shown until the reader chooses; `on_phone`, on narrow screens too.
        is_number: aligned by its digits, and sorted from high to low first unless `low_first`.
    """

    key: str
    title: str
    about: str
    group: str
    cell: Callable[[Row], Cell]
    unit: str = ""
    is_shown: bool = False
    on_phone: bool = False
    is_number: bool = True
    low_first: bool = False


def rank_cell(row: Row) -> Cell:
    """`3`, and below it `2-4` where a method cannot be told apart from others."""
    if row.rank is None:
        return Cell("\u2014")
    return Cell(str(row.rank), small=rank_range(row), value=row.rank)


def rank_range(row: Row) -> str:
    """`2-4`, the ranks that a method may have; empty where there is but one."""
    return "" if row.first_rank == row.last_rank else f"{row.first_rank}{DASH}{row.last_rank}"


def _interval(low: float | None, high: float | None, show: Callable[[float | None], str]) -> str:
    return "" if low is None or high is None else f"{show(low)} to {show(high)}"


def _psnr(row: Row) -> Cell:
    small = _interval(row.psnr_low_db, row.psnr_high_db, lambda value: decibels(value, 2))
    return Cell(decibels(row.psnr_db), small, row.psnr_db)


def _gain(row: Row) -> Cell:
    if row.reference == "blurred":
        return Cell(decibels(0.0), value=0.0)
    small = _interval(row.gain_low_db, row.gain_high_db, lambda value: gain(value, 2))
    return Cell(gain(row.gain_db), small, row.gain_db)


def _budget(row: Row) -> Cell:
    """What its training took, as far as its log tells."""
    if row.epochs is None and row.crops is None and row.training_seconds is None:
        return Cell("")
    parts = [duration(row.training_seconds)] if row.training_seconds is not None else []
    small = [f"{count(row.epochs)} epochs"] if row.epochs is not None else []
    small += [f"{count(row.crops)} crops"] if row.crops is not None else []
    small += ["shipped weights"] if row.shipped else []
    return Cell(" ".join(parts) or "known in part", ", ".join(small), row.training_seconds)


def _number(show: Callable[[float], str], of: Callable[[Row], float | None]) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = of(row)
        return Cell("") if value is None else Cell(show(value), value=value)

    return cell


def _giga(field: str) -> Callable[[Row], float | None]:
    def of(row: Row) -> float | None:
        value = getattr(row, field)
        return None if value is None else value / 1e9

    return of


def _text(of: Callable[[Row], str]) -> Callable[[Row], Cell]:
    return lambda row: Cell(of(row))


def _cost_columns() -> list[Column]:
    small, large = (size.replace("x", "\u00d7") for size in SIZES)
    columns = []
    for size, label, shown in ((SIZES[0], small, True), (SIZES[1], large, False)):
        where = f"of one picture of {label} pixels"
        columns += [
            Column(
                f"macs_{size}",
                "GMAC",
                f"10\u2079 multiply-adds {where}",
                "Cost",
                _number(amount, _giga(f"macs_{size}")),
                unit=label,
                is_shown=shown,
                low_first=True,
            ),
            Column(
                f"seconds_{size}",
                "Seconds",
                f"the time {where}, on the device that it was measured on",
                "Cost",
                _number(amount, attrgetter(f"seconds_{size}")),
                unit=label,
                is_shown=shown,
                low_first=True,
            ),
            Column(
                f"memory_{size}",
                "MB",
                f"the peak of memory in 10\u2076 bytes beyond the loaded model, {where}",
                "Cost",
                _number(amount, attrgetter(f"memory_mb_{size}")),
                unit=label,
                low_first=True,
            ),
        ]
    return columns


def table_columns(is_ssim_added: bool = False) -> list[Column]:
    """All but the method's own and those of the kinds of blur; `is_ssim_added`: beside what the protocol defines."""
    return [
        Column(
            "psnr",
            "PSNR",
            "the mean over the pictures, higher is better; below it the 95 % interval of the mean",
            "Result",
            _psnr,
            unit="dB",
            is_shown=True,
            on_phone=True,
        ),
        Column(
            "gain",
            "Gain",
            "how much better than the blurred pictures; below it its 95 % interval",
            "Result",
            _gain,
            unit="dB",
            is_shown=True,
            on_phone=True,
        ),
        Column(
            "ssim",
            "SSIM+" if is_ssim_added else "SSIM",
            "the mean over the pictures, higher is better" + f"; +: {ADDED}" * is_ssim_added,
            "Result",
            lambda row: Cell(similarity(row.ssim), value=row.ssim),
            is_shown=True,
        ),
        Column(
            "parameters",
            "Parameters",
            "of its network",
            "Cost",
            _number(lambda value: count(int(value)), lambda row: row.parameters),
            is_shown=True,
            low_first=True,
        ),
        *_cost_columns(),
        Column(
            "split_seconds",
            "Seconds",
            "the mean time of a picture of this track, on the device that it ran on",
            "Cost",
            _number(amount, lambda row: row.seconds_per_picture),
            unit="per picture",
            low_first=True,
        ),
        Column(
            "measured_on",
            "Measured on",
            "the device of the cost; figures of different devices are not to be compared",
            "Cost",
            lambda row: Cell(row.measured_on or row.device, row.cost_note),
            is_number=False,
        ),
        Column(
            "budget",
            "Training",
            "the time that its training took, epochs and crops of pictures that it saw",
            "Origin",
            _budget,
            is_shown=True,
            low_first=True,
        ),
        Column(
            "status",
            "Status",
            "rerun: its code was run; rescored: somebody's pictures were scored",
            "Origin",
            _text(lambda row: row.status),
            is_shown=True,
            is_number=False,
        ),
        Column(
            "training_data",
            "Trained on",
            "what its makers say that it was trained on; nobody checks it",
            "Origin",
            _text(lambda row: row.training_data),
            is_number=False,
        ),
        Column(
            "licence",
            "Licence",
            "of its code or weights, as its makers say",
            "Origin",
            _text(lambda row: row.licence),
            is_number=False,
        ),
        Column(
            "predictions",
            "Predictions",
            "the beginning of the hash of its restored pictures",
            "Origin",
            _text(lambda row: row.predictions_sha256[:12]),
            is_number=False,
        ),
    ]


def kind_columns(labels: Sequence[str], gains: dict[str, Sequence[float]]) -> list[Column]:
    """A column of each kind of blur: the mean gain there."""

    def cell_at(place: int) -> Callable[[Row], Cell]:
        def cell(row: Row) -> Cell:
            if row.reference == "blurred":
                return Cell(decibels(0.0, 2), value=0.0)
            values = gains.get(row.method)
            return Cell("") if values is None else Cell(gain(values[place], 2), value=values[place])

        return cell

    return [
        Column(f"kind{place}", label, f"the mean gain on {label}", "Kinds of blur", cell_at(place), unit="gain, dB")
        for place, label in enumerate(labels)
    ]


def is_finite(value: float | None) -> TypeGuard[float]:
    """Whether there is a number to draw."""
    return value is not None and math.isfinite(value)
