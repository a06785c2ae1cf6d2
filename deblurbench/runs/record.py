"""The files of a run folder that say what was run and what came out."""

from __future__ import annotations

import csv
import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from deblurbench.config import AnyConfig, Config
from deblurbench.dataset.names import RecipeName, Sha256, SplitName
from deblurbench.errors import RunError, UsageError, listed
from deblurbench.files import canonical_json, read_json, sha256_text, write_csv, write_json

RUN = "run.json"
PREDICTIONS = "predictions.json"
SCORES = "scores.csv"
METRICS = "metrics.csv"  # the log of training, where there was one
PICTURES = "predictions"
SUMMARY = "summary.json"  # of several runs in one folder, by seed or by fold: what makes it no run folder itself

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Device = Annotated[str, Field(pattern=r"^(cpu|cuda(:\d{1,3})?)$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=255)]


class RunRecord(Config):
    """`run.json`: what a run is, written before it starts.

    `config` is the baseline's resolved recipe, `config_hash` the SHA-256 of its canonical JSON; `told` whether it is
    told each picture's kernel; `processes` how many trained together, where not one alone; `git_commit` that of the
    checkout the program runs from, where it is one.
    """

    run_schema: Literal[1] = 1
    baseline: str
    origin: str
    version: int
    preset: str | None = None
    label: str
    told: bool = False
    parameters: Count | None = None
    trainable: Count | None = None
    config: dict[str, Any]
    config_hash: str
    dataset: RecipeName
    dataset_version: int
    dataset_id: Sha256
    device: Device
    processes: Annotated[int, Field(ge=2, le=1 << 20)] | None = None
    versions: dict[str, str]
    git_commit: str | None = None

    @property
    def identity(self) -> str:
        """What must be equal for a run to be continued: the baseline, its settings and the dataset."""
        return sha256_text(canonical_json([self.baseline, self.version, self.preset, self.config, self.dataset_id]))


class SplitPredictions(Config):
    """The predictions of one split: pixel hash by picture name, and what they cost."""

    pictures: dict[FileName, Sha256]
    seconds_per_picture: Annotated[float, Field(ge=0)]


class PredictionsRecord(Config):
    """`predictions.json`: written when all predictions are there."""

    predictions_schema: Literal[1] = 1
    weights_sha256: str | None = None
    tiling: str
    device: Device
    splits: dict[SplitName, SplitPredictions]


def write_run(run: Path, record: RunRecord) -> None:
    """Write `run.json`."""
    write_json(run / RUN, record.as_dict())


def read_run(run: Path) -> RunRecord:
    """Read a run folder's `run.json`. Raises UsageError where it is no run folder, RunError where it is damaged."""
    refuse_several(run)
    if not (run / RUN).is_file():
        raise UsageError(f"{run} is no run folder (it has no {RUN})", "make one with `deblurbench run-baseline`")
    return _read(RunRecord, run / RUN)


def refuse_several(run: Path) -> None:
    """Raise UsageError, which names them, where a folder holds several runs and one is meant."""
    if (run / SUMMARY).is_file() and not (run / RUN).is_file():
        members = sorted((path.parent.name for path in run.glob(f"*/{RUN}")), key=lambda name: (len(name), name))
        first = f"such as {run / members[0]}" if members else "when there is one"
        raise UsageError(f"{run} holds several runs ({listed(members) or 'none yet'})", f"name one of them, {first}")


def write_predictions(run: Path, record: PredictionsRecord) -> None:
    """Write `predictions.json`."""
    write_json(run / PREDICTIONS, record.as_dict())


def read_predictions(run: Path) -> PredictionsRecord | None:
    """Read `predictions.json`; None where the predictions are not finished."""
    return _read(PredictionsRecord, run / PREDICTIONS) if (run / PREDICTIONS).is_file() else None


def _read(kind: type[AnyConfig], path: Path) -> AnyConfig:
    try:
        return kind.model_validate_json(canonical_json(read_json(path, RunError)), strict=True)
    except ValueError as error:
        raise RunError(f"{path} is damaged", "run the baseline again with --overwrite") from error


@dataclass(frozen=True)
class ScoreRow:
    """One picture of `scores.csv`: its numbers and the blurred picture's; None where SSIM is not defined."""

    split: str
    name: str
    protocol: str
    psnr_db: float
    ssim: float | None
    blurred_psnr_db: float
    blurred_ssim: float | None


def write_scores(run: Path, rows: Sequence[ScoreRow]) -> None:
    """Write `scores.csv`: one row per picture; infinities as `inf`, what is not defined empty."""
    write_csv(run / SCORES, ScoreRow.__dataclass_fields__, (vars(row).values() for row in rows))


def read_scores(run: Path) -> list[ScoreRow]:
    """Read `scores.csv`. Raises RunError where it is missing or damaged."""
    try:
        with (run / SCORES).open(encoding="utf-8", newline="") as file:
            return [_score_row(values) for values in csv.DictReader(file)]
    except OSError as error:
        raise RunError(f"{run} has no {SCORES}", "finish it with `deblurbench run-baseline`") from error
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{run / SCORES} is damaged ({error})", "run the baseline again") from error


def _score_row(values: dict[str, str]) -> ScoreRow:
    ssims = {k: float(values[k]) if values[k] else None for k in ("ssim", "blurred_ssim")}
    psnrs = {k: float(values[k]) for k in ("psnr_db", "blurred_psnr_db")}
    if any(math.isnan(value) for value in psnrs.values()) or not all(
        s is None or math.isfinite(s) for s in ssims.values()
    ):
        raise ValueError("not a number")
    return ScoreRow(
        split=values["split"],
        name=values["name"],
        protocol=values["protocol"],
        psnr_db=psnrs["psnr_db"],
        ssim=ssims["ssim"],
        blurred_psnr_db=psnrs["blurred_psnr_db"],
        blurred_ssim=ssims["blurred_ssim"],
    )


def git_commit() -> str | None:
    """The commit of the checkout that this program runs from, with `-dirty` where files differ; None outside of one."""
    package = Path(__file__).resolve().parents[1]
    if Path(_git(package, "rev-parse", "--show-toplevel") or "/") != package.parent:
        return None  # installed, perhaps inside somebody else's repository
    return _git(package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or None


def _git(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@dataclass(frozen=True)
class SplitMean:
    """The means of a split over its `n` pictures, PSNR in dB, and the gain over the blurred pictures.

    An SSIM is None where that of a picture is not defined.
    """

    split: str
    n: int
    psnr_db: float
    blurred_psnr_db: float
    ssim: float | None = None
    blurred_ssim: float | None = None

    @property
    def gain_db(self) -> float:
        """0 where both are equal, infinite ones too."""
        return gain(self.psnr_db, self.blurred_psnr_db)


def split_means(rows: Sequence[ScoreRow]) -> list[SplitMean]:
    """The means of each split, by name."""
    ordered = sorted(rows, key=lambda row: row.split)
    return [_split_mean(split, list(of)) for split, of in groupby(ordered, key=lambda row: row.split)]


def _split_mean(split: str, rows: Sequence[ScoreRow]) -> SplitMean:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if len(known) == len(values) else None

    return SplitMean(
        split,
        len(rows),
        psnr_db=math.fsum(row.psnr_db for row in rows) / len(rows),
        blurred_psnr_db=math.fsum(row.blurred_psnr_db for row in rows) / len(rows),
        ssim=mean([row.ssim for row in rows]),
        blurred_ssim=mean([row.blurred_ssim for row in rows]),
    )


def gain(value: float, blurred: float) -> float:
    """How much better than the blurred picture, in dB; 0 where both are infinite."""
    return 0.0 if value == blurred else value - blurred
