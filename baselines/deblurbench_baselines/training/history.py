"""What training reports per epoch: `metrics.csv` and `curves.png`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from deblurbench.files import replacing, write_csv

METRICS = "metrics.csv"
CURVES = "curves.png"


@dataclass(frozen=True)
class Epoch:
    """One line of metrics.csv.

    Attributes:
        epoch: counted from 1.
        train_loss: mean over the epoch's crops, while the weights were changing.
        val_mse: mean over `val` for a range of [0, 1], of clipped and rounded pictures.
        val_psnr, blurred_psnr: 10 log10(1 / MSE) in dB, pooled over `val`, after and before restoring.
        learning_rate: of the epoch's last step.
        seconds: of the epoch, validation included.
        crops_per_second: of its training part.
    """

    epoch: int
    train_loss: float
    val_mse: float
    val_psnr: float
    blurred_psnr: float
    learning_rate: float
    seconds: float
    crops_per_second: float


def write_metrics(path: Path, history: Sequence[Epoch]) -> None:
    """Write all epochs as CSV, whole or not at all: so a kill neither loses nor repeats a line."""
    names = [field.name for field in fields(Epoch)]
    write_csv(path, names, (astuple(epoch) for epoch in history))


def draw_curves(path: Path, history: Sequence[Epoch], title: str) -> None:
    """Draw the PSNR on `val` with the blurred row beside it, and the training loss, over the epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    quality, loss = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in history]
    quality.plot(epochs, [epoch.val_psnr for epoch in history], marker=".", label="restored")
    quality.plot(epochs, [epoch.blurred_psnr for epoch in history], linestyle="--", label="blurred")
    quality.legend()
    _name_axes(quality, "PSNR on val (dB, pooled)")
    loss.plot(epochs, [epoch.train_loss for epoch in history], marker=".")
    loss.set_yscale("log")
    _name_axes(loss, "training loss")
    figure.suptitle(title)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _name_axes(axes: Any, what: str) -> None:
    axes.set_xlabel("epoch")
    axes.set_ylabel(what)
    axes.grid(alpha=0.3)
    axes.xaxis.get_major_locator().set_params(integer=True)
