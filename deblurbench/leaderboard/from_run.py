"""Submissions from a finished run folder: one per test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.leaderboard.rules import broken_rules
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission import About
from deblurbench.leaderboard.submission_file import Entry, first_error, new_entry
from deblurbench.leaderboard.track import Track, TrackFile, TrackPicture, new_track
from deblurbench.runs.budget import Budget, training_budget
from deblurbench.runs.cost import read_cost
from deblurbench.runs.picture_facts import PictureFacts, read_picture_facts
from deblurbench.runs.record import (
    PredictionsRecord,
    RunRecord,
    ScoreRow,
    read_predictions,
    read_run,
    read_scores,
)


def from_run(run: Path, tracks: Mapping[str, Track], about: About | None = None) -> Iterator[tuple[Track, Entry]]:
    """The submissions of a run, each with its track: one of `tracks`, or else a new one, `DATASET.SPLIT`.

    Args:
        run: a finished run folder.
        tracks: those that there are, by name.
        about: what its makers say of it; None: what the run itself tells.

    Raises: UsageError where `run` is no run folder, RunError where it is unfinished or damaged, DeblurbenchError where
        it breaks a rule of a track.
    """
    record = read_run(run)
    predictions = read_predictions(run)
    if predictions is None:
        raise RunError(f"{run} has no predictions yet", "finish it with `deblurbench run-baseline`")
    rows = sorted(read_scores(run), key=lambda row: (row.split, row.name))
    if {row.split for row in rows} != predictions.splits.keys():
        raise RunError(f"{run}: its scores are not those of its predictions", "run the baseline again")
    facts = _facts(run, record, predictions, about)
    pictures = {(picture.split, picture.name): picture for picture in read_picture_facts(run)}
    for split, of in groupby(rows, key=lambda row: row.split):
        scored = list(of)
        name = f"{record.dataset}.{split}"
        try:
            track = tracks.get(name) or _new_track(name, record, scored, pictures)
            entry = new_entry(facts | _split_facts(track, predictions, scored[0]), _scores(predictions, scored))
        except ValidationError as error:
            raise RunError(f"{run} gives no submission: {first_error(error)}", "run the baseline again") from None
        for problem in broken_rules(entry, track):
            raise DeblurbenchError(f"{run} does not fit the track {name}: {problem}", "choose another board or track")
        yield track, entry


def _facts(run: Path, record: RunRecord, predictions: PredictionsRecord, about: About | None) -> dict[str, Any]:
    """What the submissions of a run have in common."""
    budget = training_budget(run, record)
    return {
        "status": "rerun",
        "dataset": record.dataset,
        "dataset_version": record.dataset_version,
        "dataset_id": record.dataset_id,
        "method": record.label,
        "about": about or _about(record, budget),
        "baseline": record.baseline,
        "version": record.version,
        "origin": record.origin,
        "told": record.told,
        "parameters": record.parameters,
        "trainable": record.trainable,
        "budget": budget,
        "weights_sha256": predictions.weights_sha256,
        "cost": read_cost(run),
        "device": predictions.device,
        "tiling": predictions.tiling,
        "config_hash": record.config_hash,
        "seeds": _seeds(record.config),
        "versions": record.versions,
        "git_commit": record.git_commit,
    }


def _split_facts(track: Track, predictions: PredictionsRecord, row: ScoreRow) -> dict[str, Any]:
    return {
        "track": track.name,
        "split": row.split,
        "protocol": row.protocol,
        "seconds_per_picture": predictions.splits[row.split].seconds_per_picture,
    }


def _about(record: RunRecord, budget: Budget | None) -> About:
    """What a run tells of its method; `shipped` weights have a card that says what they were trained on."""
    trained = "" if budget is None or budget.shipped else f"{record.dataset} {record.dataset_version}, split train"
    return About(training_data=trained)


def _seeds(config: Mapping[str, Any]) -> tuple[int, ...]:
    training = config.get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return (seed,) if isinstance(seed, int) else ()


def _scores(predictions: PredictionsRecord, rows: Sequence[ScoreRow]) -> Scores:
    split = rows[0].split
    hashes = predictions.splits[split].pictures
    if sorted(hashes) != [row.name for row in rows] or len({row.protocol for row in rows}) != 1:
        raise RunError(f"{split}: the scores are not those of the predictions", "run the baseline again")
    columns = ((row.name, row.psnr_db, row.ssim, hashes[row.name]) for row in rows)
    return Scores(*zip(*columns, strict=True))


def _new_track(
    name: str, record: RunRecord, rows: Sequence[ScoreRow], pictures: Mapping[tuple[str, str], PictureFacts]
) -> Track:
    """A track without rules, of the pictures that a run was scored on."""
    split = rows[0].split
    try:
        of = [TrackPicture(pictures[split, row.name], row.blurred_psnr_db, row.blurred_ssim) for row in rows]
    except KeyError as error:
        raise RunError(f"{split}: nothing is said of {error.args[0][1]}", "run the baseline again") from None
    file = TrackFile(title=f"{record.dataset}, {split}", dataset=record.dataset, split=split)
    measured = {
        "dataset_version": record.dataset_version,
        "dataset_id": record.dataset_id,
        "protocol": rows[0].protocol,
    }
    return new_track(name, file.model_copy(update=measured), of)
