"""`tables/`: written from all submissions of a board, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.files import make_folder, replacing, write_text
from deblurbench.leaderboard.board import read_board
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import standing

TABLES = "tables"


def build_tables(board: Path) -> list[Path]:
    """Write `tables/<dataset>.csv` and `.md` from a board's submissions, and return the files.

    Raises: UsageError where there are no submissions, DeblurbenchError where some cannot be compared.
    """
    contests = sorted((c for c in read_board(board) if c.entries), key=lambda c: c.track.file.dataset)
    if not contests:
        raise UsageError(f"no submissions on the board {board}", "add one with `deblurbench leaderboard add RUN`")
    folder = make_folder(board / TABLES)
    written = []
    for dataset, of in groupby(contests, key=lambda c: c.track.file.dataset):
        standings = [standing(contest) for contest in of]
        _write_csv(folder / f"{dataset}.csv", [row for one in standings for row in one.rows])
        write_text(folder / f"{dataset}.md", markdown(dataset, standings))
        written += [folder / f"{dataset}.csv", folder / f"{dataset}.md"]
    return written


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    import pandas as pd

    whole = ["rank", "last_rank", "parameters", "epochs", "crops", "macs_256x256", "macs_1280x720", "version"]
    table = pd.DataFrame([asdict(row) for row in rows]).astype(dict.fromkeys(whole, "Int64"))
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
