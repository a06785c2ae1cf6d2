"""Rows of text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "  "


def grid(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Lay out rows of equally many cells: the first `left` columns flush left, the others right; no blanks at the end.

    A column that is empty in every row is left out.
    """
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    kept = [i for i, column in enumerate(zip(*rows, strict=True)) if any(column)]
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for cell, width, index in zip(row, widths, kept, strict=True)
        ]
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)
