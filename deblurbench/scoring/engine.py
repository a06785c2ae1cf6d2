"""Which code sums: `fused` (compiled by numba), or `plain` where compiling would take longer than the work."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

from deblurbench.scoring import plain

WORTH_COMPILING = 100_000_000
"""Samples that `plain` takes as long for as compiling takes, which is done once per machine and then kept."""

_expected = 0


def expect(samples: int) -> None:
    """Say how much work is to come, so that `choose` may compile."""
    global _expected  # noqa: PLW0603 - a guess about the whole process
    _expected = max(_expected, samples)


def choose() -> ModuleType:
    """`fused` where it is compiled already or enough work is expected, else `plain`.

    Their sums agree to 1e-12 of a sum, except where `fused.gaussian_fast` works in float32.
    """
    compiled = _fused()
    return compiled if compiled and (_expected >= WORTH_COMPILING or _is_kept(compiled)) else plain


@cache
def _fused() -> ModuleType | None:
    try:
        from deblurbench.scoring import fused
    except (ImportError, RuntimeError, OSError):  # no numba for this Python, or no folder that it may write to
        return None
    return fused


def _is_kept(fused: ModuleType) -> bool:
    folder = Path(str(fused.KEPT.stats.cache_path))
    return any(folder.glob(f"loops.{fused.KEPT.__name__}-*.nbi"))
