"""Parameters of a blur: a number that is always the same, or a range from which each pair draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from deblurbench.draws import Draws
from deblurbench.errors import UsageError

_STEPS = 1 << 20


def _one_error(text: str) -> WrapValidator:
    """What is neither a number nor a range is refused once, under its own key, and not once per alternative."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(tuple(value) if isinstance(value, list) else value)  # here an array is a list, even in JSON
        except ValidationError:
            raise ValueError(text) from None

    return WrapValidator(check)


Value = Annotated[float | tuple[float, float], _one_error("a number or a range [low, high]")]
"""A number, or [low, high]: drawn uniformly for each pair."""

Whole = Annotated[int | tuple[int, int], _one_error("a whole number or a range [low, high] of them")]
"""A whole number, or [low, high], both included: drawn uniformly for each pair."""

_Either = TypeVar("_Either", bound=float | tuple[float, float])


def between(low: float, high: float) -> Callable[[_Either], _Either]:
    """A validator: the number, or both ends of the range, lie in low .. high, and the range is not upside down."""

    def check(value: _Either) -> _Either:
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


def draw_whole(draws: Draws, value: Whole) -> int:
    """The number itself, or one of the whole numbers of the range."""
    return draws.integer(*value) if isinstance(value, tuple) else value


def single(value: Value, name: str) -> float:
    """The number that a parameter is. Raises UsageError where it is a range: there a kernel has to be drawn."""
    if isinstance(value, tuple):
        raise UsageError(f"{name} is a range, {list(value)}", "draw a kernel from it, or give one number")
    return float(value)
