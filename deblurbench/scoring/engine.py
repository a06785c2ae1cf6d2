"""Which code sums: `fused` (compiled by numba), or `plain` where compiling would take longer than the work."""

from __future__ import annotations

from types import ModuleType

from deblurbench.compiled import compiled, expect
from deblurbench.scoring import plain

__all__ = ["WORTH_COMPILING", "choose", "expect"]

WORTH_COMPILING = 100_000_000
"""Samples that `plain` takes as long for as compiling takes, which is done once per machine and then kept."""


def choose() -> ModuleType:
    """`fused` where it is compiled already or enough work is expected, else `plain`.

    Their sums agree to 1e-12 of a sum, except where `fused.gaussian_fast` works in float32.
    """
    return compiled("deblurbench.scoring.fused", WORTH_COMPILING) or plain
