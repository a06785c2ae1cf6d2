"""`tables/`: written from all that is on a board, and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.files import make_folder, replacing
from deblurbench.leaderboard.board import read_board
from deblurbench.leaderboard.tables.csv_file import measured_csv, reported_csv
from deblurbench.leaderboard.tables.json_file import tables_json
from deblurbench.leaderboard.tables.latex import latex
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.standing import Standing, standing

TABLES = "tables"

LIST = "files.txt"
"""Names the files that a build wrote, one a line: the next one removes those of datasets that are gone."""

_OURS = re.compile(
    r"[a-z0-9][a-z0-9.-]*(_reported)?\.(csv|json|md|tex)"
)  # the list comes with the board: trust no path


def read_standings(board: Path) -> list[Standing]:
    """The standings of all tracks of a board that have anything to show, by dataset and split.

    Raises: UsageError where there is nothing, DeblurbenchError where files are wrong.
    """
    contests = [contest for contest in read_board(board) if contest.entries or contest.reported]
    if not contests:
        hint = "add a finished run with `deblurbench leaderboard add RUN`"
        raise UsageError(f"no submissions on the board {board}, and no reported numbers", hint)
    contests.sort(key=lambda contest: (contest.track.file.dataset, contest.track.file.split, contest.track.name))
    return [standing(contest) for contest in contests]


def by_dataset(standings: Sequence[Standing]) -> Iterator[tuple[str, list[Standing]]]:
    """Those of each dataset: a table file each."""
    for dataset, of in groupby(standings, key=lambda one: one.contest.track.file.dataset):
        yield dataset, list(of)


def build_tables(board: Path) -> list[Path]:
    """Write all tables of a board: see `write_tables`. Raises as `read_standings`, before anything is written."""
    return write_tables(board, read_standings(board))


def write_tables(board: Path, standings: Sequence[Standing]) -> list[Path]:
    """Write `tables/DATASET.csv`, `.json`, `.md`, `.tex`, and `DATASET_reported.csv`; return the files.

    The same board gives the same bytes. Nothing takes its place before all of it is written, and tables of an earlier
    build that no longer belong to anything go away; other files in the folder are left alone.
    """
    texts = {name: text for dataset, of in by_dataset(standings) for name, text in _tables(dataset, of)}
    folder = make_folder(board / TABLES)
    before = _written_before(folder)
    _write_all(folder, {**texts, LIST: "".join(f"{name}\n" for name in sorted(texts))})
    for name in before - texts.keys():
        (folder / name).unlink(missing_ok=True)
    return [folder / name for name in texts]


def _tables(dataset: str, standings: Sequence[Standing]) -> Iterator[tuple[str, str]]:
    """The files of a dataset with their texts; no name of a dataset has an underscore."""
    if any(one.rows for one in standings):
        yield f"{dataset}.csv", measured_csv(standings)
    if any(one.reported for one in standings):
        yield f"{dataset}_reported.csv", reported_csv(standings)
    yield f"{dataset}.json", tables_json(dataset, standings)
    yield f"{dataset}.md", markdown(dataset, standings)
    yield f"{dataset}.tex", latex(standings)


def _written_before(folder: Path) -> set[str]:
    try:
        names = (folder / LIST).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {name for name in names if _OURS.fullmatch(name) and (folder / name).is_file()}


def _write_all(folder: Path, texts: Mapping[str, str]) -> None:
    """All files beside their places first, then all into them."""
    with ExitStack() as stack:
        for name, text in texts.items():
            temporary = stack.enter_context(replacing(folder / name))
            temporary.write_bytes(text.encode("utf-8", errors="backslashreplace"))
