"""All checks of a board, or of some of its submissions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.files import sha256_file
from deblurbench.leaderboard.board import submission_files
from deblurbench.leaderboard.checks.checked import Checked
from deblurbench.leaderboard.checks.dataset import against_dataset
from deblurbench.leaderboard.checks.duplicates import borrowed, duplicates
from deblurbench.leaderboard.checks.evidence import Evidence, against_predictions, against_run, against_weights
from deblurbench.leaderboard.checks.owner import owned
from deblurbench.leaderboard.checks.reported import check_reported
from deblurbench.leaderboard.checks.submission import Examined, examine
from deblurbench.leaderboard.checks.tracks import ExaminedTrack, examine_track, strays
from deblurbench.leaderboard.plausible import implausible, implausible_report
from deblurbench.leaderboard.rules import broken
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.sharp import Sharp, find_sharp
from deblurbench.leaderboard.submission import Measured
from deblurbench.leaderboard.submission_file import SUBMISSIONS
from deblurbench.leaderboard.track import TRACKS, Track
from deblurbench.runs.record import read_run

_NAME_THEM = "name the submission files that they belong to"


def check_board(
    board: Path, files: Sequence[Path] = (), evidence: Evidence | None = None, weights: Path | None = None
) -> list[Checked]:
    """Check submissions, and the tracks that they are on.

    Args:
        board: a folder with `tracks/` and `submissions/`.
        files: submissions, or folders of them; none: all of the board.
        evidence: predictions to hold them against; without `files`, those of the method that they belong to.
        weights: the file of weights of the method.

    Raises: UsageError where the board or a file is not there, or it is not clear whose evidence it is.
    """
    if not (board / TRACKS).is_dir() and not (board / SUBMISSIONS).is_dir():
        raise UsageError(f"no board at {board}", "name the folder with tracks/ and submissions/: --board DIR")
    every = submission_files(board)
    for file in files:
        if not file.exists() and not file.is_symlink():
            raise UsageError(f"no file {file}", "name submissions: BOARD/submissions/TRACK/METHOD.json")
    named = [one for file in files for one in _in(file, every)]
    return list(_Check(board, every, named, evidence, weights).run())


def _in(file: Path, every: Sequence[Path]) -> list[Path]:
    """A file itself; of a folder, the submissions of the board that lie in it."""
    if not file.is_dir():
        return [file]
    here = Path(os.path.realpath(file))
    found = [one for one in every if here in Path(os.path.realpath(one.parent), one.name).parents]
    if not found:
        raise UsageError(f"no submissions of the board in {file}", "name it with --board, or name files")
    return found


class _Check:
    """One check: what was read, by path."""

    def __init__(
        self, board: Path, every: Sequence[Path], files: Sequence[Path], evidence: Evidence | None, weights: Path | None
    ) -> None:
        self._board, self._evidence = board, evidence
        self._digest = sha256_file(weights) if weights else None
        self._whole = not files
        own = {os.path.realpath(file): file for file in every}
        named = [own.get(os.path.realpath(file), file) for file in files]
        self._examined = {file: examine(file) for file in dict.fromkeys([*every, *named])}  # any may be a duplicate
        self._asked = [self._examined[file] for file in dict.fromkeys(named or every)]
        tracks = {one.track for one in self._examined.values()} | {f.stem for f in (board / TRACKS).glob("*.toml")}
        self._tracks = {name: examine_track(board, name) for name in sorted(tracks) if self._has_track(name)}
        self._proven = {one.file for one in self._of_evidence()} if evidence or weights else set[Path]()
        self._sharp: dict[str, Sharp] = {}

    def run(self) -> Iterator[Checked]:
        """Each file in turn: tracks, what belongs to nothing, submissions."""
        named = {one.track for one in self._asked}
        proven = {one.track for one in self._asked if one.file in self._proven}
        for name, track in self._tracks.items():
            if self._whole or name in named:
                yield self._track(track, proven=name in proven)
        if self._whole:
            yield from (Checked(file, problems=[what]) for file, what in strays(self._board, self._attached()))
            if all(
                one.track is not None for one in self._tracks.values()
            ):  # else whose the benchmarks are is not known
                yield from check_reported(self._board, self._known())
        alike = self._alike()
        for one in self._asked:
            yield self._submission(one, alike.get(one.file, []))

    def _of_evidence(self) -> Sequence[Examined]:
        """The submissions that the evidence belongs to: those that were named, or of the method whose it is."""
        measured = [one for one in self._asked if one.reported is None]
        if not self._whole or len(measured) == 1:
            return measured
        found = self._of_one_method(measured)
        if not found and len({one.method for one in measured}) != 1:
            raise UsageError(f"whose are these? No one method on the board {self._board}", _NAME_THEM)
        return found or measured

    def _of_one_method(self, measured: Sequence[Examined]) -> Sequence[Examined]:
        if self._evidence is None:
            return []
        if self._evidence.is_run:
            label = read_run(self._evidence.predictions).label
            return [one for one in measured if one.method == label]
        return owned(measured, self._known(), self._evidence)

    def _known(self) -> dict[str, Track]:
        return {name: of.track for name, of in self._tracks.items() if of.track is not None}

    def _has_track(self, name: str) -> bool:
        file = self._board / TRACKS / f"{name}.toml"
        return "/" not in name and (file.exists() or file.is_symlink())

    def _attached(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self._examined.values():
            if one.submission is not None and one.submission.scores_file is not None:
                found.setdefault(one.file.parent.name, set()).add(one.submission.scores_file.name)
        return found

    def _alike(self) -> dict[Path, list[str]]:
        found: dict[Path, list[str]] = {}
        known = self._known()
        groups: dict[str, list[Examined]] = {name: [] for name in known}
        for one in self._examined.values():
            groups.get(one.track, []).append(one)
        of_tracks = [what for name, track in known.items() for what in duplicates(groups[name], track)]
        for one, what in (*of_tracks, *borrowed(list(self._examined.values()), known)):
            found.setdefault(one.file, []).append(what)
        return found

    def _track(self, one: ExaminedTrack, *, proven: bool) -> Checked:
        checked = Checked(one.file, "track", len(one.track.pictures) if one.track else 0, problems=list(one.problems))
        if not proven or one.track is None or not one.track.is_measured:
            return checked
        if self._evidence is None or self._evidence.sharp is None:
            return checked
        try:
            sharp = find_sharp(one.track, self._evidence.sharp)
            self._sharp[one.track.name] = sharp
            if sharp.dataset is not None:
                checked.problems += against_dataset(one.track, sharp, self._evidence)
                checked.rescored = min(self._evidence.sample or checked.pictures, checked.pictures)
        except DeblurbenchError as error:
            checked.problems.append(f"sharp: {error}")
        return checked

    def _submission(self, one: Examined, alike: Sequence[str]) -> Checked:
        status = one.submission.status if one.submission else "reported" if one.reported else ""
        checked = Checked(one.file, status, len(one.scores or ()), problems=[*one.problems, *self._place(one)])
        track = self._tracks[one.track].track if one.track in self._tracks else None
        if one.reported is not None:
            checked.problems += implausible_report(one.reported)
        if one.submission is not None and track is not None:
            checked.problems += broken(one.submission, one.scores, track)
            if one.scores is not None:
                checked.problems += implausible(one.scores, track)
                if one.file in self._proven:
                    self._hold_against(checked, one.submission, one.scores, track)
        checked.problems = list(dict.fromkeys([*checked.problems, *alike]))
        return checked

    def _hold_against(self, checked: Checked, submission: Measured, scores: Scores, track: Track) -> None:
        if self._digest is not None:
            checked.problems += against_weights(submission, self._digest)
        if self._evidence is None or not track.is_measured:
            return
        if self._evidence.is_run:
            compared = against_run(submission, self._evidence.predictions)
            checked.problems += compared.problems
            checked.of_other_machine = tuple(compared.machine)
        if self._evidence.sharp is not None and track.name not in self._sharp:
            return  # which is a problem of the track already
        found = against_predictions(submission, scores, track, self._sharp.get(track.name), self._evidence)
        checked.problems += found.problems
        checked.rescored = found.rescored if self._evidence.sharp is not None else None

    def _place(self, one: Examined) -> Iterator[str]:
        folder = self._board / SUBMISSIONS / one.track
        if os.path.realpath(one.file.parent) != os.path.realpath(folder):
            yield f"track: a submission to {one.track} lies in {folder}"
        if not self._has_track(one.track):
            yield f"track: there is no track {one.track} on the board {self._board}"
