"""Submissions from a finished run folder: one per test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.errors import RunError, UsageError
from deblurbench.leaderboard.card import Card, Wishes
from deblurbench.leaderboard.from_predictions import rescored
from deblurbench.leaderboard.plausible import refuse_misfit
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission import About
from deblurbench.leaderboard.submission_file import Entry, first_error, new_entry
from deblurbench.leaderboard.track import Track, TrackFile, TrackPicture, new_track, no_track
from deblurbench.runs.baseline import WEIGHTS
from deblurbench.runs.budget import Budget, training_budget
from deblurbench.runs.cost import Cost, read_cost
from deblurbench.runs.model import read_metadata
from deblurbench.runs.picture_facts import PictureFacts, read_picture_facts
from deblurbench.runs.record import (
    PredictionsRecord,
    RunRecord,
    ScoreRow,
    read_predictions,
    read_run,
    read_scores,
)


@dataclass(frozen=True)
class Run:
    """A finished run folder, read."""

    folder: Path
    record: RunRecord
    predictions: PredictionsRecord

    @cached_property
    def budget(self) -> Budget | None:
        """What its training took; all splits ask, and weights are hashed for it."""
        return training_budget(self.folder, self.record)

    @cached_property
    def cost(self) -> Cost | None:
        """What restoring takes."""
        return read_cost(self.folder)

    def facts(self, split: str) -> dict[str, Any]:
        """What a submission says of the run and of one of its splits, as `Measured` has it; no protocol, no scores."""
        record, predictions = self.record, self.predictions
        return {
            "status": "rerun",
            "dataset": record.dataset,
            "dataset_version": record.dataset_version,
            "dataset_id": record.dataset_id,
            "split": split,
            "baseline": record.baseline,
            "version": record.version,
            "origin": record.origin,
            "told": record.told,
            "parameters": record.parameters,
            "trainable": record.trainable,
            "budget": self.budget,
            "weights_sha256": predictions.weights_sha256,
            "seconds_per_picture": predictions.splits[split].seconds_per_picture,
            "cost": self.cost,
            "device": predictions.device,
            "tiling": predictions.tiling,
            "config_hash": record.config_hash,
            "seeds": _seeds(record.config),
            "versions": record.versions,
            "git_commit": record.git_commit,
        }


def open_run(folder: Path) -> Run:
    """Read a run folder. Raises UsageError where it is none, RunError where it is unfinished or damaged."""
    record = read_run(folder)
    predictions = read_predictions(folder)
    if predictions is None:
        raise RunError(f"{folder} has no predictions yet", "finish it with `deblurbench run-baseline`")
    return Run(folder, record, predictions)


def from_run(folder: Path, tracks: Mapping[str, Track], wishes: Wishes | None = None) -> Iterator[tuple[Track, Entry]]:
    """The submissions of a run, each with its track: one of `tracks`, or else a new one, `DATASET.SPLIT`.

    Args:
        folder: a finished run folder.
        tracks: those that there are, by name.
        wishes: which track, which name, and with `sharp`, that the predictions are scored anew under its protocol.

    Raises: UsageError where `folder` is no run folder, or a wish is not what it says; RunError where it is unfinished
        or damaged; DeblurbenchError where it breaks a rule of a track.
    """
    run, wishes = open_run(folder), wishes or Wishes()
    _check_wishes(run, wishes)
    rows = sorted(read_scores(folder), key=lambda row: (row.split, row.name))
    if {row.split for row in rows} != run.predictions.splits.keys():
        raise RunError(f"{folder}: its scores are not those of its predictions", "run the baseline again")
    pictures = {(picture.split, picture.name): picture for picture in read_picture_facts(folder)}
    chosen = _chosen(run, tracks, wishes)
    for split, of in groupby(rows, key=lambda row: row.split):
        if split not in chosen:
            continue
        scored, name = list(of), chosen[split]
        try:
            track = tracks.get(name)
            if track is None or not track.is_measured:
                track = _new_track(name, run.record, scored, pictures, track)
            scores = _scores_on(track, run, scored, wishes)
            entry = new_entry(_whole_facts(run, split, track, wishes.card), scores)
        except ValidationError as error:
            raise RunError(f"{folder} gives no submission: {first_error(error)}", "run the baseline again") from None
        refuse_misfit(entry, track, str(folder))
        yield track, entry


def _chosen(run: Run, tracks: Mapping[str, Track], wishes: Wishes) -> dict[str, str]:
    """The track's name by split."""
    splits = sorted(run.predictions.splits)
    if wishes.track is None:
        return {split: f"{run.record.dataset}.{split}" for split in splits}
    track = tracks.get(wishes.track)
    if track is None:
        raise no_track(wishes.track, tracks)
    if track.file.split not in splits:
        what = f"{run.folder} has no predictions of {track.file.split}, the split of the track {track.name}"
        raise UsageError(what, f"it has {', '.join(splits)}")
    return {track.file.split: track.name}


def _check_wishes(run: Run, wishes: Wishes) -> None:
    """Raise UsageError where somebody says of a run what its own files deny."""
    card, record = wishes.card, run.record
    if card.parameters is not None and card.parameters != (record.parameters or 0):
        raise UsageError(
            f"{run.folder} has {record.parameters or 0:,} parameters, not {card.parameters:,}", "leave it out"
        )
    if card.told and not record.told:
        raise UsageError(f"{run.folder} was not told the kernels", "leave --told out: a run says it by itself")
    ours = run.predictions.weights_sha256
    if wishes.weights_sha256 is not None and wishes.weights_sha256 != ours:
        raise UsageError(
            f"{run.folder} has other weights than these",
            f"the SHA-256 of its own is {ours}" if ours else "it has none: leave it out",
        )


def _whole_facts(run: Run, split: str, track: Track, card: Card) -> dict[str, Any]:
    return run.facts(split) | {
        "track": track.name,
        "protocol": track.file.protocol,
        "method": card.method or run.record.label,
        "about": _about(run, card),
    }


def _about(run: Run, card: Card) -> About:
    """What the card says; where it is silent, what the run tells, and the package that the baseline came with."""
    said = card.about(_training_data(run))
    return said if said.authors or said.licence else said.model_copy(update=_makers(run.record.origin))


def _training_data(run: Run) -> str:
    if run.budget is None:
        return ""
    if run.budget.shipped:
        trained_on = read_metadata(run.folder / WEIGHTS).get("dataset_id", "of no known id")
        return f"dataset {trained_on[:16]} (the weights came with the package)"
    return f"{run.record.dataset} {run.record.dataset_version}, split train"


def _makers(origin: str) -> dict[str, Any]:
    """Authors and licence of an installed package; nothing of any other."""
    try:
        said = metadata(origin).json
    except PackageNotFoundError:
        return {}
    author, licence = str(said.get("author", "")), str(said.get("license_expression", ""))
    return {"authors": (author,) if author else (), "licence": licence}


def _seeds(config: Mapping[str, Any]) -> tuple[int, ...]:
    training = config.get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return (seed,) if isinstance(seed, int) else ()


def _scores_on(track: Track, run: Run, rows: Sequence[ScoreRow], wishes: Wishes) -> Scores:
    """The run's own scores, or new ones where its predictions are scored anew."""
    own = _scores(run.predictions, rows)
    if wishes.sharp is not None:
        found = rescored(run.folder, track, wishes)
        if (found.names, found.hashes) != (own.names, own.hashes):
            raise RunError(f"{run.folder}: the pictures are not those of predictions.json", "run the baseline again")
        return found
    if rows[0].protocol != track.file.protocol:
        what = f"{run.folder} was scored under {rows[0].protocol}, the track {track.name} has {track.file.protocol}"
        raise UsageError(what, "give --sharp DATASET, and its predictions are scored anew")
    return own


def _scores(predictions: PredictionsRecord, rows: Sequence[ScoreRow]) -> Scores:
    split = rows[0].split
    hashes = predictions.splits[split].pictures
    if sorted(hashes) != [row.name for row in rows] or len({row.protocol for row in rows}) != 1:
        raise RunError(f"{split}: the scores are not those of the predictions", "run the baseline again")
    columns = ((row.name, row.psnr_db, row.ssim, hashes[row.name]) for row in rows)
    return Scores(*zip(*columns, strict=True))


def _new_track(
    name: str,
    record: RunRecord,
    rows: Sequence[ScoreRow],
    pictures: Mapping[tuple[str, str], PictureFacts],
    old: Track | None,
) -> Track:
    """A track of the pictures that a run was scored on, without rules, unless there was one of reported numbers."""
    split = rows[0].split
    try:
        of = [TrackPicture(pictures[split, row.name], row.blurred_psnr_db, row.blurred_ssim) for row in rows]
    except KeyError as error:
        raise RunError(f"{split}: nothing is said of {error.args[0][1]}", "run the baseline again") from None
    file = old.file if old else TrackFile(title=f"{record.dataset}, {split}", dataset=record.dataset, split=split)
    measured = {
        "dataset": record.dataset,
        "split": split,
        "dataset_version": record.dataset_version,
        "dataset_id": record.dataset_id,
        "protocol": rows[0].protocol,
    }
    return new_track(name, file.model_copy(update=measured), of)
