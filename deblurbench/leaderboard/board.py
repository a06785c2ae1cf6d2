"""A board: a folder of tracks and submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.files import make_folder
from deblurbench.leaderboard.reported import read_reported
from deblurbench.leaderboard.rules import broken_rules
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.submission_file import SUBMISSIONS, Entry, file_of, read_submission, write_entry
from deblurbench.leaderboard.track import Track, read_tracks, write_track


@dataclass(frozen=True)
class Contest:
    """A track with all that was submitted to it, in the order of file names; `reported`: rows of `reported/` first."""

    track: Track
    entries: Sequence[Entry] = ()
    reported: Sequence[Reported] = ()


def submission_files(board: Path) -> list[Path]:
    """All submissions of a board, by track and name."""
    return sorted((board / SUBMISSIONS).glob("*/*.json"))


def read_board(board: Path) -> list[Contest]:
    """The tracks of a board, by name.

    Raises: UsageError where there are none, DeblurbenchError naming a file that is wrong.
    """
    tracks = read_tracks(board)
    if not tracks:
        raise UsageError(f"no tracks and no submissions in {board}", "add a run with `deblurbench leaderboard add RUN`")
    entries: dict[str, list[Entry]] = {name: [] for name in tracks}
    reported = read_reported(board, tracks)
    for file in submission_files(board):
        one = read_submission(file)
        name = one.track if isinstance(one, Reported) else one.submission.track
        check_place(file, name, tracks)
        if isinstance(one, Reported):
            reported[name].append(one)
        else:
            for problem in broken_rules(one, tracks[name]):
                raise DeblurbenchError(f"{file}:{problem}", "remove it, or make it anew with `leaderboard add`")
            entries[name].append(one)
    return [Contest(track, entries[name], reported[name]) for name, track in tracks.items()]


def check_place(file: Path, track: str, tracks: Mapping[str, Track]) -> None:
    """Raise DeblurbenchError where a submission lies in the folder of another track, or of none."""
    if file.parent.name != track:
        raise DeblurbenchError(f"{file}:track: it says {track}, and lies in {file.parent.name}", "move the file")
    if track not in tracks:
        raise DeblurbenchError(f"{file}: there is no track {track}", "make it with `deblurbench leaderboard new-track`")


def add(board: Path, entries: Sequence[Entry], tracks: Sequence[Track] = (), *, overwrite: bool = False) -> list[Path]:
    """Put submissions on a board, and before them new tracks; one whose predictions are there already is renewed.

    Returns: the submission files.

    Raises: DeblurbenchError where a method of that name has other predictions on the track; nothing is written then.
    """
    _refuse_clashes(board, entries, overwrite=overwrite)
    make_folder(board)
    for track in tracks:
        write_track(board, track)
    return [write_entry(board, entry) for entry in entries]


def _refuse_clashes(board: Path, entries: Sequence[Entry], *, overwrite: bool) -> None:
    given: dict[Path, str] = {}
    for entry in entries:
        new = entry.submission
        file = file_of(board, new)
        if given.setdefault(file, new.predictions_sha256) != new.predictions_sha256:
            raise UsageError(f"two of the sources are {new.method!r} on {new.track}", "add one of them")
        if file.is_file() and not overwrite and _other_predictions(file, entry):
            raise DeblurbenchError(f"{file} holds other predictions of {new.method!r}", "--overwrite to replace them")


def _other_predictions(file: Path, entry: Entry) -> bool:
    there = read_submission(file)
    return isinstance(there, Reported) or (there.submission.predictions_sha256 != entry.submission.predictions_sha256)
