"""What a table shows of a method's cost and training, and how text from submissions gets into a Markdown table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deblurbench.runs.budget import Budget
from deblurbench.runs.cost import SIZES, Cost, amount

if TYPE_CHECKING:
    from deblurbench.leaderboard.tables.row import Row

_NOTHING = "-"  # where one of two figures is missing


def cost_fields(cost: Cost | None) -> dict[str, Any]:
    """The fields of a `Row` that say what a method costs."""
    if cost is None:
        return {}
    fields: dict[str, Any] = {"measured_on": cost.device}
    for size in SIZES:
        at = cost.at(size)
        fields |= {f"macs_{size}": at.macs, f"seconds_{size}": at.seconds, f"memory_mb_{size}": at.memory_mb}
    notes = [f"at {size}, {cost.at(size).note}" for size in SIZES if cost.at(size).note]
    return fields | {"cost_note": "; ".join(notes)}


def budget_fields(budget: Budget | None) -> dict[str, Any]:
    """The fields of a `Row` that say what its training took."""
    if budget is None:
        return {}
    return {
        "epochs": budget.epochs,
        "crops": budget.crops,
        "training_seconds": budget.seconds,
        "shipped": budget.shipped,
    }


def training_cell(row: Row) -> str:
    """What a method's training took: `3 epochs, 1,200 crops, 4.1 min`; empty where it is not known."""
    known = [f"{row.epochs:,} epoch{'s' * (row.epochs != 1)}"] if row.epochs is not None else []
    known += [f"{row.crops:,} crops"] if row.crops is not None else []
    known += [_duration(row.training_seconds)] if row.training_seconds is not None else []
    return ", ".join(known) + " (came with the package)" * (row.shipped and bool(known))


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{amount(seconds / size)} {unit}"
    return f"{amount(seconds)} s"


def cost_cells(row: Row) -> tuple[str, str, str]:
    """GMAC, seconds and MB at both sizes; of a method whose cost was not measured, the seconds per picture."""
    gmacs = _both(*(macs / 1e9 if macs is not None else None for macs in (row.macs_256x256, row.macs_1280x720)))
    seconds = _both(row.seconds_256x256, row.seconds_1280x720)
    memory = _both(row.memory_mb_256x256, row.memory_mb_1280x720)
    if not row.measured_on and row.seconds_per_picture is not None:
        seconds = f"{row.seconds_per_picture:.3f} per picture ({row.device})"
    return gmacs, seconds, memory


def _both(small: float | None, large: float | None) -> str:
    if small is None and large is None:
        return ""
    return " / ".join(_NOTHING if value is None else amount(value) for value in (small, large))


def cost_legend(rows: Sequence[Row]) -> list[str]:
    """What the cells of cost mean and on what they were measured, as paragraphs of Markdown; none without figures."""
    devices: dict[str, list[str]] = {}
    noted: dict[str, str] = {}
    for row in rows:
        if row.measured_on and row.method not in devices.setdefault(row.measured_on, []):
            devices[row.measured_on].append(row.method)
        if row.cost_note:
            noted.setdefault(row.method, row.cost_note)
    if not devices and not noted and all(row.macs_256x256 is None for row in rows):
        return []
    several = len(devices) > 1
    where = "; ".join(
        escape(device) + (f" ({', '.join(map(escape, methods))})" if several else "")
        for device, methods in devices.items()
    )
    legend = (
        f"GMAC, seconds and MB: of one picture of {' / '.join(SIZES)}. GMAC: 10^9 multiply-adds "
        "of convolutions and matrix products; Fourier transforms and what goes pixel by pixel are not among them. "
        "MB: 10^6 bytes, the peak beyond the loaded model."
    )
    measured = f" Measured on: {where}.\n" if devices else "\n"
    notes = [f"{escape(method)}: {escape(note)}.\n" for method, note in noted.items()]
    return [legend + measured, *notes]


_MARKUP = re.compile(r"[\\|*_`\[\]<>&~$@^]|^[#+\-=]|:(?=//)|(?<=www)\.", re.IGNORECASE)  # links of addresses, too
_NUMBERED = re.compile(r"^(\d+)([.)])")  # what would begin a list


def escape(text: str) -> str:
    """Text from a submission inside Markdown: no cell ends early, no markup, no HTML, no link."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(lambda found: "\\" + found[0], printable))


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """A 95 % interval in dB, `[36.12, 37.80]`; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{low:+.2f}, {high:+.2f}]" if signed else f"[{low:.2f}, {high:.2f}]"


def ranks(row: Row, nothing: str = "-") -> str:
    """`3`, or `3 (2-4)` of a method that cannot be told apart from others."""
    if row.rank is None:
        return nothing
    return str(row.rank) if row.first_rank == row.last_rank else f"{row.rank} ({row.first_rank}-{row.last_rank})"
