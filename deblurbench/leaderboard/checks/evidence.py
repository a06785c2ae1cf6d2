"""A submission against its predictions: hashes of all, numbers of a sample, and the run folder that they lie in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurbench.errors import DeblurbenchError, listed
from deblurbench.files import canonical_json, sha256_file, sha256_text
from deblurbench.leaderboard.from_run import Run, open_run
from deblurbench.leaderboard.plausible import first_lines, numbers_of, other_numbers
from deblurbench.leaderboard.predictions import (
    find_predictions,
    find_track_protocol,
    hash_predictions,
    score_predictions,
    what_is_missing,
)
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.sharp import Sharp
from deblurbench.leaderboard.submission import Measured
from deblurbench.leaderboard.track import Track
from deblurbench.runs.baseline import WEIGHTS
from deblurbench.runs.record import RUN

_OF_THE_MACHINE = {"seconds_per_picture", "cost", "device", "versions", "git_commit"}


@dataclass(frozen=True)
class Evidence:
    """What a submission is held against.

    Attributes:
        predictions: a run folder; or a folder with one for each split; or one split's.
        sharp: where the sharp pictures are; None: hashes alone are compared.
        sample: how many pictures of each submission are scored anew; None: all.
        seed: of the sample.
    """

    predictions: Path
    sharp: Path | None = None
    sample: int | None = None
    seed: int = 0
    workers: int = 1
    quiet: bool = False

    @property
    def is_run(self) -> bool:
        """Whether the predictions lie in a run folder, which then proves what was run, too."""
        return (self.predictions / RUN).is_file()


def sampled(names: Sequence[str], evidence: Evidence) -> list[str]:
    """The pictures that are scored anew, in their order."""
    if evidence.sample is None or evidence.sample >= len(names):
        return list(names)
    return sorted(random.Random(evidence.seed).sample(list(names), evidence.sample))


@dataclass(frozen=True)
class Found:
    """What came out: how many pictures were scored anew, and what is wrong, a line each."""

    rescored: int
    problems: Sequence[str]


def against_predictions(
    submission: Measured, scores: Scores, track: Track, sharp: Sharp | None, evidence: Evidence
) -> Found:
    """Hold a submission against its predictions. It never fails: what is wrong stands in `problems`."""
    try:
        protocol = find_track_protocol(str(track.file.protocol))
        found = find_predictions(track.names, track.file.split, evidence.predictions)
    except DeblurbenchError as error:
        return Found(0, [f"predictions: {error}"])
    missing = what_is_missing(found, sharp.other_split if sharp else _nobody_knows)
    problems = [f"predictions: {missing}"] if missing else []
    workers, quiet = evidence.workers, evidence.quiet
    hashes, unread = hash_predictions(found.files, protocol, workers=workers, quiet=quiet)
    problems += [f"predictions: {what}" for what in first_lines(unread)]
    stated = dict(zip(scores.names, scores.hashes, strict=True))
    others = [name for name, digest in hashes.items() if stated.get(name) != digest]
    if others:
        share = f"{len(others)} of {len(track.names)}"
        problems.append(f"prediction_sha256: {share} pictures are not those that it names: {listed(others)}")
    if sharp is None:
        return Found(0, problems)
    names = [name for name in sampled(track.names, evidence) if name in hashes]
    try:
        numbers, unscored = score_predictions(names, found.files, sharp, protocol, workers=workers, quiet=quiet)
    except DeblurbenchError as error:
        return Found(0, [*problems, f"sharp: {error}"])
    problems += [f"predictions: {what}" for what in first_lines(unscored)]
    problems += first_lines(list(other_numbers(numbers, numbers_of(scores))))
    return Found(len(numbers), problems)


def _nobody_knows(names: Sequence[str]) -> None:
    """Without sharp pictures there is no dataset that could tell whose pictures these are."""


@dataclass(frozen=True)
class RunCompared:
    """What differs from a run folder.

    Attributes:
        problems: a line each.
        machine: keys of what differs from machine to machine, as where the run was made again: no problem.
    """

    problems: Sequence[str]
    machine: Sequence[str] = ()


def against_run(submission: Measured, folder: Path) -> RunCompared:
    """Hold what a submission says of its run against the run folder, each fact of it. It never fails."""
    try:
        run = open_run(folder)
        if submission.split not in run.predictions.splits:
            return RunCompared([f"split: {folder} has no predictions of {submission.split}"])
        facts = _claimed(submission, run.facts(submission.split))
    except DeblurbenchError as error:
        return RunCompared([f"run: {error}"])
    others = {key: value for key, value in facts.items() if getattr(submission, key) != value}
    machine = [key for key in others if key in _OF_THE_MACHINE or (key == "budget" and _same_work(submission, others))]
    problems = [
        f"{key}: {_short(getattr(submission, key))} is not that of the run, {_short(value)}"
        for key, value in others.items()
        if key not in machine
    ]
    return RunCompared([*problems, *_wrong_with_run(run)], machine)


def _claimed(submission: Measured, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that a submission speaks of: one whose pictures were scored, and no more, says nothing of a run."""
    if submission.status != "rescored" or submission.baseline is not None:
        return facts
    said = {key: value for key, value in facts.items() if getattr(submission, key) not in (None, (), {})}
    return {key: value for key, value in said.items() if key != "status"}


def _same_work(submission: Measured, facts: Mapping[str, Any]) -> bool:
    """Whether a training took as many epochs and crops; of a run without its log, nobody knows."""
    ours, theirs = submission.budget, facts["budget"]
    if theirs is None:
        return True
    return ours is not None and ours.model_copy(update={"seconds": theirs.seconds}) == theirs


def _wrong_with_run(run: Run) -> Iterator[str]:
    """Whether the run folder itself is whole."""
    if sha256_text(canonical_json(run.record.config)) != run.record.config_hash:
        yield "config_hash: that of run.json is not the hash of its config"
    weights = run.folder / WEIGHTS
    if weights.is_file() and sha256_file(weights) != run.predictions.weights_sha256:
        yield f"weights_sha256: that of predictions.json is not the hash of {weights.name}"


def against_weights(submission: Measured, digest: str) -> Iterator[str]:
    """Hold the hash of the weights against that of a file."""
    if submission.weights_sha256 != digest:
        yield f"weights_sha256: {submission.weights_sha256} is not that of the file, {digest}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
