"""Parameters of a blur: a number that is always the same, or a range from which each pair draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from deblurbench.draws import Draws

Value = float | tuple[float, float]
"""A number, or [low, high]: drawn uniformly for each pair."""

_STEPS = 1 << 20


def between(low: float, high: float) -> Callable[[Value], Value]:
    """A validator: the number, or both ends of the range, lie in low .. high, and the range is not upside down."""

    def check(value: Value) -> Value:
        ends = value if isinstance(value, tuple) else (value, value)
        if not low <= ends[0] <= ends[1] <= high:
            raise ValueError(f"a number or a range [low, high] between {low:g} and {high:g}")
        return value

    return check


Angle = Annotated[Value, AfterValidator(between(-360, 360))]
"""Degrees, counter-clockwise from the x axis as one sees the picture."""


def draw_value(draws: Draws, value: Value) -> float:
    """The number itself, or one of 2^20 + 1 even steps of the range, rounded to 6 decimals for the record."""
    if not isinstance(value, tuple):
        return float(value)
    low, high = value
    return round(low + (high - low) * draws.integer(0, _STEPS) / _STEPS, 6)
