"""A submission: one method's result on one track, as a JSON file that somebody else can check."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from deblurbench.config import Config
from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.files import canonical_json, read_json, safe_name, sha256_text, write_json
from deblurbench.runs.record import PredictionsRecord, RunRecord, ScoreRow, read_predictions, read_run, read_scores

SUBMISSIONS = "submissions"


def _check_value(value: float | str) -> float | str:
    if isinstance(value, str) and value != "inf":
        raise ValueError('a value is a number or "inf"')
    return value


Value = Annotated[float | str, AfterValidator(_check_value)]
"""A number of a metric; infinity is the string "inf", since JSON has none."""


DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)]
SplitName = Annotated[str, Field(pattern=r"^test(-[A-Za-z0-9._]+)?$", max_length=100)]
# Both become parts of file names, so nothing else may stand in them.


class Image(Config):
    """One picture: its numbers, and the pixel hash of the prediction they belong to."""

    name: str
    psnr_db: Value
    ssim: float | None = None
    prediction_sha256: str


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
        mean: over `images`; `blurred`: the blurred pictures under the same protocol.
        predictions_sha256: of the lines `name TAB pixel hash LF`, in the order of `images`.
    """

    submission_schema: Literal[1] = 1
    dataset: DatasetName
    dataset_version: int
    dataset_id: str
    split: SplitName
    protocol: str
    method: str
    baseline: str
    version: int
    origin: str
    status: Literal["rerun"]
    parameters: int | None = None
    trainable: int | None = None
    mean: Means
    blurred: Means
    images: Annotated[tuple[Image, ...], Field(min_length=1)]
    predictions_sha256: str
    weights_sha256: str | None = None
    seconds_per_picture: float
    device: str
    tiling: str
    config_hash: str
    seed: int | None = None
    versions: dict[str, str]
    git_commit: str | None = None

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
    if {row.split for row in rows} != predictions.splits.keys():
        raise RunError(f"{run}: its scores are not those of its predictions", "run the baseline again")
    return [_submission(record, predictions, list(of)) for _, of in groupby(rows, key=lambda row: row.split)]


def _submission(record: RunRecord, predictions: PredictionsRecord, rows: Sequence[ScoreRow]) -> Submission:
    split = rows[0].split
    predicted = predictions.splits[split]
    if sorted(predicted.pictures) != [row.name for row in rows]:
        raise RunError(f"{split}: the scores are not those of the predictions", "run the baseline again")
    lines = [f"{row.name}\t{predicted.pictures[row.name]}\n" for row in rows]
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
        parameters=record.parameters,
        trainable=record.trainable,
        mean=_means([row.psnr_db for row in rows], [row.ssim for row in rows]),
        blurred=_means([row.blurred_psnr_db for row in rows], [row.blurred_ssim for row in rows]),
        images=tuple(
            Image(
                name=row.name,
                psnr_db=_value(row.psnr_db),
                ssim=row.ssim,
                prediction_sha256=predicted.pictures[row.name],
            )
            for row in rows
        ),
        predictions_sha256=sha256_text("".join(lines)),
        weights_sha256=predictions.weights_sha256,
        seconds_per_picture=predicted.seconds_per_picture,
        device=predictions.device,
        tiling=predictions.tiling,
        config_hash=record.config_hash,
        seed=_seed(record.config),
        versions=record.versions,
        git_commit=record.git_commit,
    )


def _means(psnrs: Sequence[float], ssims: Sequence[float | None]) -> Means:
    known = [value for value in ssims if value is not None]
    ssim = math.fsum(known) / len(known) if len(known) == len(ssims) else None
    return Means(psnr_db=_value(math.fsum(psnrs) / len(psnrs)), ssim=ssim)


def _value(value: float) -> float | str:
    return "inf" if math.isinf(value) else value


def _seed(config: dict[str, Any]) -> int | None:
    seed = config.get("training", {}).get("seed")
    return seed if isinstance(seed, int) else None


def add(board: Path, submissions: Sequence[Submission], *, overwrite: bool = False) -> list[Path]:
    """Put submissions on a board; one whose predictions are there already is simply renewed.

    Raises: DeblurbenchError where a method of that name has other predictions on the track.
    """
    for new in submissions:
        file = new.file(board)
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
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DeblurbenchError(f"{file}:{key}", f"{first['msg'].lower()}; is it a submission?") from None


def read_board(board: Path) -> Iterator[Submission]:
    """All submissions of a board, by track and file name. Raises as `read_submission` does."""
    return (read_submission(file) for file in sorted((board / SUBMISSIONS).glob("*/*.json")))
