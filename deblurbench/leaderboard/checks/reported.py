"""The reported numbers of a board: `reported/*.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.checks.checked import Checked
from deblurbench.leaderboard.checks.submission import Problem, read_plain
from deblurbench.leaderboard.plausible import implausible_report
from deblurbench.leaderboard.reported import REPORTED, read_reported
from deblurbench.leaderboard.track import Track


def check_reported(board: Path, tracks: Mapping[str, Track]) -> Iterator[Checked]:
    """What is wrong with the files of reported numbers, as that of their folder; nothing where there are none.

    Args:
        tracks: all of the board: their benchmarks are those that there are.
    """
    folder = board / REPORTED
    files = sorted(folder.glob("*.csv"))
    if files:
        yield Checked(
            folder, "reported", problems=[what.removeprefix(f"{folder}/") for what in _wrong(board, tracks, files)]
        )


def _wrong(board: Path, tracks: Mapping[str, Track], files: list[Path]) -> Iterator[str]:
    unread = [f"{file.name}: {text.what}" for file in files if isinstance(text := read_plain(file), Problem)]
    if unread:
        yield from unread
        return
    try:
        reported = read_reported(board, tracks)
    except DeblurbenchError as error:
        yield str(error)
        return
    for one in (row for rows in reported.values() for row in rows):
        yield from (f"{one.method!r} on {one.track}: {what}" for what in implausible_report(one))
