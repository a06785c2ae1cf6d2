"""A submission: one method's result on one track, as a JSON file that somebody else can check."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from deblurbench.config import Config
from deblurbench.dataset.names import RecipeName, Sha256, SplitName
from deblurbench.errors import DeblurbenchError, RunError, UsageError
from deblurbench.files import canonical_json, read_json, safe_name, sha256_text, write_json
from deblurbench.runs.cost import Cost, read_cost
from deblurbench.runs.record import (
    Count,
    Device,
    FileName,
    PredictionsRecord,
    RunRecord,
    ScoreRow,
    read_predictions,
    read_run,
    read_scores,
)

SUBMISSIONS = "submissions"


def _check_value(value: float | str) -> float | str:
    if isinstance(value, str) and value != "inf":
        raise ValueError('a value is a number or "inf"')
    return value


Value = Annotated[float | str, AfterValidator(_check_value)]
"""A number of a metric; infinity is the string "inf", since JSON has none."""


class Image(Config):
    """One picture: its numbers, and the pixel hash of the prediction they belong to."""

    name: FileName
    psnr_db: Value
    ssim: float | None = None
    prediction_sha256: Sha256


class Means(Config):
    """Means over the pictures of a track."""

    psnr_db: Value
    ssim: float | None = None


class Submission(Config):
    """One method on one track.

    Attributes:
        dataset, split: together the track; with `dataset_id` and `protocol` they say what may be compared.
        method: the name that tables show; `baseline`, `version`, `origin` say whose code ran.
        status: `rerun`: the code was run.
        told: whether the method was told each picture's kernel: a ceiling, no rival of the others.
        mean: over `images`; `blurred`: the blurred pictures under the same protocol.
        predictions_sha256: of the lines `name TAB pixel hash LF`, in the order of `images`.
        seconds_per_picture: of these pictures, on `device`.
        cost: of pictures of the same sizes for all methods; None where it was not measured, as of older runs.
    """

    submission_schema: Literal[1] = 1
    dataset: RecipeName
    dataset_version: int
    dataset_id: Sha256
    split: SplitName
    protocol: Annotated[str, Field(pattern=r"^[a-z0-9-]+@\d+$")]
    method: Annotated[str, Field(min_length=1, max_length=80)]
    baseline: str
    version: int
    origin: str
    status: Literal["rerun"]
    told: bool = False
    parameters: Count | None = None
    trainable: Count | None = None
    mean: Means
    blurred: Means
    images: Annotated[tuple[Image, ...], Field(min_length=1)]
    predictions_sha256: Sha256
    weights_sha256: Sha256 | None = None
    seconds_per_picture: Annotated[float, Field(ge=0)]
    cost: Cost | None = None
    device: Device
    tiling: str
    config_hash: str
    seed: int | None = None
    versions: dict[str, str]
    git_commit: str | None = None

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        """Refuse what does not follow from the pictures: the means, and the hash of all predictions."""
        if len({image.name for image in self.images}) != len(self.images):
            raise ValueError("a picture stands in `images` twice")
        if self.predictions_sha256 != _hash_of(self.images):
            raise ValueError("`predictions_sha256` is not that of `images`")
        means = _means([float(image.psnr_db) for image in self.images], [image.ssim for image in self.images])
        if not _close(self.mean.psnr_db, means.psnr_db) or not _close(self.mean.ssim, means.ssim):
            raise ValueError("`mean` is not that of `images`")
        return self

    @property
    def track(self) -> str:
        """`DATASET.SPLIT`: the folder of a track on a board."""
        return f"{self.dataset}.{self.split}"

    def file(self, board: Path) -> Path:
        """Where it lies on a board."""
        return board / SUBMISSIONS / self.track / f"{safe_name(self.method)}.json"


def from_run(run: Path) -> list[Submission]:
    """The submissions of a finished run: one per test split.

    Raises: UsageError where `run` is no run folder, RunError where it is unfinished or damaged.
    """
    record = read_run(run)
    predictions = read_predictions(run)
    if predictions is None:
        raise RunError(f"{run} has no predictions yet", "finish it with `deblurbench run-baseline`")
    rows = sorted(read_scores(run), key=lambda row: (row.split, row.name))
    cost = read_cost(run)
    if {row.split for row in rows} != predictions.splits.keys():
        raise RunError(f"{run}: its scores are not those of its predictions", "run the baseline again")
    try:
        by_split = groupby(rows, key=lambda row: row.split)
        return [_submission(record, predictions, cost, list(of)) for _, of in by_split]
    except ValidationError as error:
        raise RunError(f"{run} gives no submission: {_first(error)}", "run the baseline again") from None


def _submission(
    record: RunRecord, predictions: PredictionsRecord, cost: Cost | None, rows: Sequence[ScoreRow]
) -> Submission:
    split = rows[0].split
    predicted = predictions.splits[split]
    if sorted(predicted.pictures) != [row.name for row in rows] or len({row.protocol for row in rows}) != 1:
        raise RunError(f"{split}: the scores are not those of the predictions", "run the baseline again")
    images = tuple(
        Image(
            name=row.name,
            psnr_db=_value(row.psnr_db),
            ssim=row.ssim,
            prediction_sha256=predicted.pictures[row.name],
        )
        for row in rows
    )
    return Submission(
        dataset=record.dataset,
        dataset_version=record.dataset_version,
        dataset_id=record.dataset_id,
        split=split,
        protocol=rows[0].protocol,
        method=record.label,
        baseline=record.baseline,
        version=record.version,
        origin=record.origin,
        status="rerun",
        told=record.told,
        parameters=record.parameters,
        trainable=record.trainable,
        mean=_means([row.psnr_db for row in rows], [row.ssim for row in rows]),
        blurred=_means([row.blurred_psnr_db for row in rows], [row.blurred_ssim for row in rows]),
        images=images,
        predictions_sha256=_hash_of(images),
        weights_sha256=predictions.weights_sha256,
        seconds_per_picture=predicted.seconds_per_picture,
        cost=cost,
        device=predictions.device,
        tiling=predictions.tiling,
        config_hash=record.config_hash,
        seed=_seed(record.config),
        versions=record.versions,
        git_commit=record.git_commit,
    )


def _hash_of(images: Sequence[Image]) -> str:
    return sha256_text("".join(f"{image.name}\t{image.prediction_sha256}\n" for image in images))


def _close(value: float | str | None, other: float | str | None) -> bool:
    if value is None or other is None:
        return value is other
    return math.isclose(float(value), float(other), rel_tol=0, abs_tol=1e-9)


def _means(psnrs: Sequence[float], ssims: Sequence[float | None]) -> Means:
    known = [value for value in ssims if value is not None]
    ssim = math.fsum(known) / len(known) if len(known) == len(ssims) else None
    return Means(psnr_db=_value(math.fsum(psnrs) / len(psnrs)), ssim=ssim)


def _value(value: float) -> float | str:
    return "inf" if math.isinf(value) else value


def _seed(config: dict[str, Any]) -> int | None:
    training = config.get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return seed if isinstance(seed, int) else None


def add(board: Path, submissions: Sequence[Submission], *, overwrite: bool = False) -> list[Path]:
    """Put submissions on a board; one whose predictions are there already is simply renewed.

    Raises: DeblurbenchError where a method of that name has other predictions on the track.
    """
    given: dict[Path, str] = {}
    for new in submissions:
        file = new.file(board)
        if given.setdefault(file, new.predictions_sha256) != new.predictions_sha256:
            raise UsageError(f"two of the runs are {new.method!r} on {new.track}", "add one of them")
        if file.is_file() and not overwrite and read_submission(file).predictions_sha256 != new.predictions_sha256:
            raise DeblurbenchError(f"{file} holds other predictions of {new.method!r}", "--overwrite to replace them")
    for new in submissions:
        new.file(board).parent.mkdir(parents=True, exist_ok=True)
        write_json(new.file(board), new.as_dict())
    return [new.file(board) for new in submissions]


def read_submission(file: Path) -> Submission:
    """Read one submission. Raises DeblurbenchError naming the file and the key that is wrong."""
    try:
        return Submission.model_validate_json(canonical_json(read_json(file)), strict=True)
    except ValidationError as error:
        raise DeblurbenchError(f"{file}:{_first(error)}", "is it a submission?") from None


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, as `key: what`."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "(top)"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}"


def read_board(board: Path) -> Iterator[Submission]:
    """All submissions of a board, by track and file name. Raises as `read_submission` does."""
    return (read_submission(file) for file in sorted((board / SUBMISSIONS).glob("*/*.json")))
