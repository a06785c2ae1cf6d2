"""Putting sources on a board: run folders, and folders of predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.files import make_folder, refuse_inside
from deblurbench.leaderboard.board import add
from deblurbench.leaderboard.card import Wishes
from deblurbench.leaderboard.from_predictions import from_predictions
from deblurbench.leaderboard.from_run import from_run
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.track import Track, read_tracks
from deblurbench.runs.record import RUN, SUMMARY


def add_sources(board: Path, sources: Sequence[Path], wishes: Wishes, *, overwrite: bool = False) -> list[Path]:
    """Put the submissions of some sources on a board, and the tracks that it lacks. All of them, or none.

    A track that had reported numbers alone becomes one that is measured; its title, text and rules stay.

    Args:
        sources: run folders, and folders of predictions.

    Returns: the submission files.

    Raises: UsageError and DeblurbenchError, as `from_run` and `from_predictions` do, and `board.add`.
    """
    if board.exists():  # before pictures are scored for nothing
        make_folder(board)
    there = read_tracks(board)
    tracks, entries = dict(there), list[Entry]()
    for source in sources:
        refuse_inside(board, source, "--board")
        for track, entry in _submissions(source, tracks, wishes):
            tracks[track.name] = track
            entries.append(entry)
    new = [track for name, track in tracks.items() if track is not there.get(name)]
    return add(board, entries, new, overwrite=overwrite)


def _submissions(source: Path, tracks: Mapping[str, Track], wishes: Wishes) -> Iterator[tuple[Track, Entry]]:
    if not source.is_dir():
        raise UsageError(f"no folder {source}", "name a run folder, or a folder of predictions")
    if (source / RUN).is_file() or (source / SUMMARY).is_file():
        return from_run(source, tracks, wishes)
    return from_predictions(source, tracks, wishes)
