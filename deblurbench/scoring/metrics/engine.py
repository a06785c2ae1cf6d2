"""Which code sums: `fused`'s (compiled by numba), or `plain`'s where compiling would take longer than the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from deblurbench.compiled import compiled, expect
from deblurbench.scoring.metrics import plain

__all__ = ["WORTH_COMPILING", "Chosen", "Code", "choose", "expect"]

WORTH_COMPILING = {
    "squared_error": 100_000_000,
    "gaussian_fast": 200_000_000,
    "gaussian": 300_000_000,
    "volume": 300_000_000,
    "uniform": 100_000_000,
}
"""Samples that `plain` takes as long for as each function takes to compile, once per machine."""


@dataclass(frozen=True)
class Chosen:
    """For each function that `fused` and `plain` both have, the one to use."""

    squared_error: Callable[..., Any]
    gaussian_fast: Callable[..., Any]
    gaussian: Callable[..., Any]
    volume: Callable[..., Any]
    uniform: Callable[..., Any]


Code = Chosen | ModuleType
"""What sums: `choose`'s choice, or `fused` or `plain` themselves."""


def choose() -> Chosen:
    """Of each function the compiled one where numba has kept it or enough work is expected, else the plain one.

    Their sums agree to 1e-12 of a sum, except where `fused.gaussian_fast` works in float32.
    """
    return Chosen(**{name: _choose(name, worth) for name, worth in WORTH_COMPILING.items()})


def _choose(name: str, worth: int) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(compiled("deblurbench.scoring.metrics.fused", name, worth) or plain, name)
    return function
