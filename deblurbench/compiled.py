"""Code that numba compiles: used where it is compiled already, or where so much is to do that compiling pays."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_expected = 0


def compiling(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: numba's `njit` with these options, without the interpreter's lock, whose result numba keeps.

    Unlike with numba's own `cache=True`, what is damaged there is compiled anew, and where nothing can be kept (no
    folder, a full disk) the function works all the same.
    """
    from numba import njit

    def compile_(function: Callable[..., Any]) -> Any:
        dispatcher: Any = njit(nogil=True, **options)(function)
        with suppress(RuntimeError):  # no folder that may be written to
            dispatcher.enable_caching()
            _forgive(dispatcher._cache)
        return dispatcher

    return compile_


def _forgive(kept: Any) -> None:
    """Let numba's `FunctionCache` raise no errors: of whatever kind, they mean that nothing is kept."""
    load, save = kept.load_overload, kept.save_overload

    def load_or_none(*what: Any) -> Any:
        try:
            return load(*what)
        except Exception:  # of damaged files pickle and LLVM raise whatever comes
            return None

    def save_if_possible(*what: Any) -> None:
        with suppress(Exception):
            try:
                save(*what)
            except Exception:  # a damaged index stands in the way of a new one
                kept.flush()
                save(*what)

    kept.load_overload, kept.save_overload = load_or_none, save_if_possible


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
    return module if module and (_expected >= worth or _is_kept(module.KEPT[function])) else None


@cache
def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError):  # no numba for this Python, or no folder that it may write to
        return None


@cache
def _is_kept(function: Any) -> bool:
    """Whether numba had kept the function when it was first asked for: every pair of pictures asks for several."""
    file = Path(function.py_func.__code__.co_filename)
    return any(Path(str(function.stats.cache_path)).glob(f"{file.stem}.{function.__name__}-*.nbi"))
