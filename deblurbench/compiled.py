"""Code that numba compiles: used where it is compiled already, or where so much is to do that compiling pays."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_expected = 0
_in_use: set[tuple[str, str]] = set()


def expect(samples: int) -> None:
    """Say how much work is to come, so that `compiled` may compile."""
    global _expected  # noqa: PLW0603 - a guess about the whole process
    _expected = max(_expected, samples)


def compiled(name: str, function: str, worth: int) -> ModuleType | None:
    """The module of this name, or None where compiling takes longer than the work, or numba is not there.

    Args:
        name: such as `deblurbench.scoring.metrics.fused`; its `KEPT` has the functions that numba compiles and keeps.
        function: the one of them that is to be used.
        worth: the samples that pay for compiling it, which is done once per machine.
    """
    module = _module(name)
    if module and ((name, function) in _in_use or _expected >= worth or _is_kept(module.KEPT[function])):
        _in_use.add((name, function))
        return module
    return None


@cache
def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError):  # no numba for this Python, or no folder that it may write to
        return None


def _is_kept(function: Any) -> bool:
    file = Path(function.py_func.__code__.co_filename)
    return any(Path(str(function.stats.cache_path)).glob(f"{file.stem}.{function.__name__}-*.nbi"))
