"""Rows of text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_GAP = "  "


def grid(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,), marks: str = "") -> str:
    """Lay out rows of equally many cells; no blanks at the end.

    Args:
        rows: a column that is empty in every row is left out.
        left: the columns that are flush left; the others are flush right.
        marks: characters that may stand behind what a cell holds, which are no part of its width.
    """
    columns = [_laid_out(column, k in left, marks) for k, column in enumerate(zip(*rows, strict=True)) if any(column)]
    return "\n".join(_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True))


def _laid_out(column: Sequence[str], left: bool, marks: str) -> list[str]:
    if left:
        return [cell.ljust(max(map(len, column))) for cell in column]
    marked = tuple(marks)
    if any(cell.endswith(marked) for cell in column):
        column = [cell if cell.endswith(marked) else f"{cell} " for cell in column]
    return [cell.rjust(max(map(len, column))) for cell in column]
