"""What a training took: its epochs, crops and seconds, as its log has them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

from pydantic import Field

from deblurbench import plugins
from deblurbench.config import Config
from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.files import sha256_file
from deblurbench.runs.baseline import WEIGHTS, Baseline
from deblurbench.runs.record import METRICS, RunRecord


class Budget(Config):
    """What a training took.

    Attributes:
        epochs: finished ones.
        crops: how many crops of pictures it saw, each time it saw one counted.
        seconds: of training and validation; of whatever machine it was.
        shipped: whether it was done before: the weights came with the package.
    """

    epochs: Annotated[int, Field(ge=1)]
    crops: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0)]
    shipped: bool = False


def training_budget(run: Path, record: RunRecord) -> Budget | None:
    """What the training of a run took, or that of the weights that came with the package.

    None where nothing was trained, or its log is not there. Raises RunError where the log is damaged.
    """
    if (run / METRICS).is_file():
        return read_budget(run / METRICS)
    try:
        baseline: Baseline = plugins.load("baselines", record.baseline)
        shipped = baseline.shipped(baseline.config_from(record.config))
    except DeblurbenchError:  # of a package that is not installed here
        return None
    if shipped is None or not (run / WEIGHTS).is_file() or sha256_file(run / WEIGHTS) != sha256_file(shipped):
        return None
    log = shipped.with_suffix(f".{METRICS}")
    return read_budget(log).model_copy(update={"shipped": True}) if log.is_file() else None


def read_budget(log: Path) -> Budget:
    """From a log of training (`metrics.csv`). Raises RunError where it is damaged."""
    try:
        with log.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Budget(
            epochs=len({row["epoch"] for row in rows}),
            crops=max(int(row["crops"]) for row in rows),
            seconds=round(sum(float(row["seconds"]) for row in rows), 3),
        )
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(f"{log} is damaged ({error})", "run the baseline again") from error
