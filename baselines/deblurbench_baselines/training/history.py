"""What training reports per epoch: `metrics.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from deblurbench.files import write_csv


@dataclass(frozen=True)
class Epoch:
    """What one epoch showed: a line of metrics.csv.

    Attributes:
        epoch: counted from 1.
        crops: shown so far, over all epochs.
        train_loss: mean over the epoch's crops, while the weights were changing.
        terms: the mean of each of its terms before weighting, and those of the critic, by name.
        val_mse, val_mae: means over `val` for a range of [0, 1], of clipped and rounded pictures.
        val_psnr, blurred_psnr: 10 log10(1 / MSE) in dB, pooled over `val`, after and before restoring.
        val_ssim: mean over `val`, of the protocol `skimage-default`; None where pictures are too small for it.
        learning_rate: of the epoch's last step.
        seconds: of the epoch, validation included.
        crops_per_second: of its training part.
        data_wait: the share of that part in which the step waited for its crops, 0 .. 1.
        alarms: names of what gave alarm in it.
    """

    epoch: int
    crops: int
    train_loss: float
    terms: Mapping[str, float]
    val_mse: float
    val_mae: float
    val_psnr: float
    val_ssim: float | None
    blurred_psnr: float
    learning_rate: float
    seconds: float
    crops_per_second: float
    data_wait: float
    alarms: tuple[str, ...]


def write_metrics(path: Path, history: Sequence[Epoch]) -> None:
    """Write all epochs as CSV, whole or not at all: so a kill neither loses nor repeats a line.

    The columns: the fields of `Epoch` in their order; each term that any epoch has, as `loss_NAME`, by name; alarms,
    joined by spaces. Numbers have all their digits, infinite ones are `inf` or `-inf`, what is no number is `nan`. What
    is None, and a term that an epoch does not have, is an empty cell.
    """
    terms = sorted({name for epoch in history for name in epoch.terms})
    plain = [field.name for field in fields(Epoch) if field.name not in ("terms", "alarms")]
    rows = (
        [*(getattr(epoch, name) for name in plain), *(epoch.terms.get(name) for name in terms), " ".join(epoch.alarms)]
        for epoch in history
    )
    write_csv(path, [*plain, *(f"loss_{name}" for name in terms), "alarms"], rows)
