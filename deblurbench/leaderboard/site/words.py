"""How figures are put in words on pages: the filters of the templates."""

from __future__ import annotations

import math

from deblurbench.leaderboard.submission import web_address
from deblurbench.runs.cost import amount

__all__ = ["amount", "count", "decibels", "duration", "gain", "giga", "plain", "similarity", "web_address"]

MINUS = "\u2212"


def decibels(value: float | None, digits: int = 3) -> str:
    """A PSNR: `27.123`, or `∞`; empty where there is none."""
    if value is None:
        return ""
    return f"{value:.{digits}f}".replace("-", MINUS) if math.isfinite(value) else ("∞" if value > 0 else f"{MINUS}∞")


def gain(value: float | None, digits: int = 3) -> str:
    """A difference in dB, with its sign: `+1.234`."""
    if value is None:
        return ""
    return ("+" if value >= 0 else "") + decibels(value, digits)


def similarity(value: float | None) -> str:
    """An SSIM: `0.9123`."""
    return "" if value is None else f"{value:.4f}".replace("-", MINUS)


def count(value: int | None) -> str:
    """A whole number with its thousands: `1,234,567`."""
    return "" if value is None else f"{value:,}"


def giga(value: int | None) -> str:
    """Operations in 10^9, with two digits that count."""
    return "" if value is None else amount(value / 1e9)


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it: `12 s`, `4 min`, `3.2 h`."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{amount(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def plain(value: float | None) -> str:
    """A number as its source has it."""
    return "" if value is None else f"{value:.10g}".replace("-", MINUS)
