"""Data for the scripts of pages, as scripts themselves: a page on a disk may fetch nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def data_script(name: str, value: Any) -> str:
    """A script that calls `deblurData(name, value)`; text in it can end neither a string nor a script.

    Args:
        name: by which `deblur.load(address, name)` of `assets/data.js` finds the value.
        value: of what JSON has; no NaN or infinity (`numbers` makes strings of these).
    """
    return f"deblurData({_literal(name)},{_literal(value)});\n"


def _literal(value: Any) -> str:
    """JSON in ASCII, so without U+2028 and its like, and without what HTML gives a meaning."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def numbers(values: Iterable[float | None], digits: int = 4) -> list[float | str | None]:
    """A column of numbers as `data_script` takes it: rounded, infinities as "inf" and "-inf", None as it is."""
    column = list(values)
    known = np.array(column, np.float64)  # NaN where there is none
    if np.isfinite(known).all():  # 4 times as fast, and numbers are most of a large site
        return list(np.round(known, digits).tolist())
    return [_number(value, digits) for value in column]


def _number(value: float | None, digits: int) -> float | str | None:
    if value is None or math.isfinite(value):
        return None if value is None else round(value, digits)
    return "inf" if value > 0 else "-inf"
