"""The track files of a board, and what lies beside files that is none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.checks.submission import Problem, read_plain
from deblurbench.leaderboard.predictions import find_track_protocol
from deblurbench.leaderboard.reported import REPORTED
from deblurbench.leaderboard.submission_file import SCORES_FILE, SUBMISSIONS
from deblurbench.leaderboard.tables.build import TABLES
from deblurbench.leaderboard.track import PICTURES_FILE, TRACKS, Track, read_track


@dataclass(frozen=True)
class ExaminedTrack:
    """A track file, and what is wrong with it; `track` is None where it cannot be read."""

    file: Path
    track: Track | None = None
    problems: list[str] = field(default_factory=list)


def examine_track(board: Path, name: str) -> ExaminedTrack:
    """Read a track file and its pictures. It never fails: what is wrong stands in `problems`."""
    file = board / TRACKS / f"{name}.toml"
    beside = file.with_name(f"{name}{PICTURES_FILE}")
    for one in (file, beside):
        text = read_plain(one) if one.exists() or one.is_symlink() else ""
        if isinstance(text, Problem):
            return ExaminedTrack(file, problems=[f"{one.name}: {text.what}"])
    try:
        track = read_track(board, name)
    except DeblurbenchError as error:
        return ExaminedTrack(file, problems=[str(error).removeprefix(f"{file}:")])
    problems = [] if track.is_measured or not beside.exists() else [f"{beside.name}: nothing names it"]
    return ExaminedTrack(file, track, [*problems, *_wrong_with(track)])


def _wrong_with(track: Track) -> Iterator[str]:
    if not track.is_measured:
        return
    try:
        protocol = find_track_protocol(str(track.file.protocol))
        if protocol.id != track.file.protocol:
            yield f"protocol: {track.file.protocol}: write {protocol.id}"
    except DeblurbenchError as error:
        yield f"protocol: {error}"


def strays(board: Path, named: Mapping[str, set[str]]) -> Iterator[tuple[Path, str]]:
    """Files of a board that belong to nothing, and why. Hidden files are left alone.

    Args:
        named: by track, the files in its folder that submissions name.
    """
    for name in (TRACKS, SUBMISSIONS, REPORTED, TABLES):
        if (board / name).is_symlink():
            yield board / name, "it is a link, and leads away from the board"
    for entry in _visible(board / TRACKS):
        name = entry.name.removesuffix(".toml").removesuffix(PICTURES_FILE)
        if name == entry.name or not (board / TRACKS / f"{name}.toml").is_file():
            yield entry, "it is no track: NAME.toml, and NAME.pictures.csv beside it"
    for folder in _visible(board / SUBMISSIONS):
        if folder.is_symlink() or not folder.is_dir():
            yield folder, "a submission lies in the folder of its track"
            continue
        for entry in _visible(folder):
            if not entry.name.endswith(".json") and entry.name not in named.get(folder.name, set()):
                what = "no submission names it" if entry.name.endswith(SCORES_FILE) else "it is no submission"
                yield entry, what


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
