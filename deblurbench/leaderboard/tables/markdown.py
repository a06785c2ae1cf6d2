"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench.leaderboard.tables.cells import cost_cells, cost_legend, escape
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing


def markdown(dataset: str, standings: Sequence[Standing]) -> str:
    """The tables of a dataset as Markdown, one per test split."""
    parts = [f"# {dataset}\n"]
    for standing in standings:
        rows = standing.rows
        head = rows[0]
        parts += [
            f"## {head.split}\n",
            f"Protocol `{head.protocol}`, {head.n} pictures, dataset `{head.dataset_id[:16]}`.\n",
            "| rank | method | PSNR dB | gain dB | SSIM+ | parameters | GMAC | seconds | MB | status | predictions |",
            "|---:|---|---:|---:|---:|---:|---:|---:|---:|---|---|",
            *(_markdown_row(row) for row in rows),
            "",
        ]
    parts.append(
        "`+`: not defined by the protocol's script, added by deblurbench. ⚠: below the blurred row, "
        "that is, worse than doing nothing. Equal ranks are ties.\n"
    )
    every = [row for standing in standings for row in standing.rows]
    if any(row.told for row in every):
        parts.append(
            "Told the kernel: which nobody knows of a real picture. Such a row is a ceiling, and has no rank.\n"
        )
    return "\n".join([*parts, *cost_legend(every)])


def _markdown_row(row: Row) -> str:
    cells = (
        "-" if row.rank is None else str(row.rank),
        escape(row.method) + ", told the kernel" * row.told + " ⚠ below blurred" * row.below_blurred,
        f"{row.psnr_db:.4f}",
        f"{row.gain_db:+.4f}",
        "" if row.ssim is None else f"{row.ssim:.4f}",
        "" if row.parameters is None else f"{row.parameters:,}",
        *cost_cells(row),
        row.status,
        f"`{row.predictions_sha256[:12]}`" if row.predictions_sha256 else "",
    )
    return f"| {' | '.join(cells)} |"
