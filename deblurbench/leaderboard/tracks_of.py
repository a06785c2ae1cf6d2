"""Tracks made of the test splits of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deblurbench.config import parse
from deblurbench.dataset.names import share_of
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DeblurbenchError, UsageError, listed
from deblurbench.files import make_folder
from deblurbench.leaderboard.checks.submission import examine
from deblurbench.leaderboard.predictions import find_track_protocol, score_blurred
from deblurbench.leaderboard.rules import broken
from deblurbench.leaderboard.sharp import sharp_of_split
from deblurbench.leaderboard.submission_file import SUBMISSIONS
from deblurbench.leaderboard.track import (
    TRACKS,
    Track,
    TrackFile,
    TrackPicture,
    check_track_name,
    new_track,
    read_track,
)
from deblurbench.runs.picture_facts import picture_facts
from deblurbench.scoring.protocol import DEFAULT


@dataclass(frozen=True)
class Asked:
    """What a new track is to be, beyond its dataset; None: as the track that it replaces has it, or the default.

    Attributes:
        name: of the track.
        split: a test split; None: the only one.
        protocol: a name or an id.
        max_parameters, training_data: its rules.
    """

    name: str
    split: str | None = None
    protocol: str | None = None
    title: str | None = None
    max_parameters: int | None = None
    training_data: str | None = None


def new_track_of(
    board: Path, dataset: Dataset, asked: Asked, *, overwrite: bool = False, workers: int = 1, quiet: bool = False
) -> Track:
    """The track of a test split, which is not written yet: its blurred pictures are scored.

    Raises:
        UsageError: the name is taken or is none, the split is no test split, the protocol does not go.
        DeblurbenchError: submissions of the track that is replaced do not fit the new one.
    """
    check_track_name(asked.name)
    if board.exists():  # before pictures are scored for nothing
        make_folder(board)
    split = test_split(dataset, asked.split)
    old = read_track(board, asked.name) if (board / TRACKS / f"{asked.name}.toml").is_file() else None
    if old and not overwrite:
        raise UsageError(f"there is a track {asked.name} on the board {board}", "--overwrite to replace it")
    file = track_file(dataset, split, asked, old.file if old else None)
    track = track_of(dataset, split, asked.name, file, workers=workers, quiet=quiet)
    if old:
        _refuse_misfits(board, track)
    return track


def test_split(dataset: Dataset, split: str | None) -> str:
    """A test split of a dataset; None: the only one. Raises UsageError where it is no such, or there are several."""
    if split is None:
        if len(dataset.test_splits) == 1:
            return dataset.test_splits[0]
        what = f"has the test splits {', '.join(dataset.test_splits)}" if dataset.test_splits else "has no test split"
        raise UsageError(f"{dataset.place} {what}", "name one with --split" if dataset.test_splits else "build another")
    dataset.check_split(split)
    if share_of(split) != "test" or not dataset.splits[split]:
        raise UsageError(
            f"{split} is no test split with pictures", f"it has {', '.join(dataset.test_splits) or 'none'}"
        )
    return split


def track_of(
    dataset: Dataset, split: str, name: str, file: TrackFile, *, workers: int = 1, quiet: bool = False
) -> Track:
    """The track of a split, with the numbers of its blurred pictures.

    Args:
        file: what is measured is put in: of its facts, the protocol counts.

    Raises: UsageError where the protocol does not go, DatasetError and PictureError where the dataset is damaged.
    """
    protocol = find_track_protocol(file.protocol or DEFAULT)
    measured = {
        "dataset": dataset.recipe,
        "split": split,
        "dataset_version": dataset.recipe_version,
        "dataset_id": dataset.id,
        "protocol": protocol.id,
    }
    whole = file.model_copy(update=measured)
    plain = picture_facts(dataset, [split], {})
    unscored = new_track(name, whole, [TrackPicture(facts, 0.0, None) for facts in plain])
    sharp = sharp_of_split(unscored, dataset, split)
    numbers = score_blurred(unscored.names, sharp, protocol, workers=workers, quiet=quiet)
    facts = picture_facts(dataset, [split], {f"{split}/{n}": of.psnr_db for n, of in numbers.items()})
    scored = [TrackPicture(of, numbers[of.name].psnr_db, numbers[of.name].ssim) for of in facts]
    return new_track(name, whole, scored)


def track_file(dataset: Dataset, split: str, asked: Asked, old: TrackFile | None = None) -> TrackFile:
    """What is asked for; what is not said is that of `old`, the track that is replaced, or the default."""
    old = old or TrackFile(title=f"{dataset.recipe}, {split}", dataset=dataset.recipe, split=split)
    rules = {
        "max_parameters": old.rules.max_parameters if asked.max_parameters is None else asked.max_parameters,
        "training_data": old.rules.training_data if asked.training_data is None else asked.training_data,
    }
    said = {"title": asked.title or old.title, "rules": rules, "about": old.about, "reported": list(old.reported)}
    file = parse(TrackFile, {**said, "dataset": dataset.recipe, "split": split}, "the track")
    return file.model_copy(update={"protocol": asked.protocol or old.protocol})


def _refuse_misfits(board: Path, track: Track) -> None:
    files = sorted((board / SUBMISSIONS / track.name).glob("*.json"))
    misfits = [
        found.method
        for found in map(examine, files)
        if found.submission is not None and any(broken(found.submission, found.scores, track))
    ]
    if misfits:
        what = f"submissions of {track.name} would no longer fit: {listed(misfits, 10)}"
        raise DeblurbenchError(what, "give the new track another name, or remove them first")
