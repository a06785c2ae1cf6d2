"""`curves.png`: how a training went, in six panels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from deblurbench.files import replacing
from deblurbench_baselines.losses.settings import LossName
from deblurbench_baselines.training.history import Epoch

CURVES = "curves.png"

_LOSSES = frozenset(get_args(LossName))
# Okabe and Ito's colours, which people with any kind of colour blindness tell apart; the dashes help in grey.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")
_MOST_POINTS = 12  # of which each is marked; more would hide the dashes

Lines = Mapping[str, Sequence[float | None]]


def draw_curves(path: Path, history: Sequence[Epoch], title: str) -> None:
    """Draw all epochs as a PNG of 1210 x 660 pixels, whole or not at all.

    The panels: PSNR on `val` with the blurred pictures beside it, epochs with alarms marked on the latter; SSIM;
    MSE and MAE; the training loss and its terms; the learning rate; the critic with its terms, or, where there is
    none, the speed. What is missing or not finite leaves a gap. Scales are logarithmic where all values are positive
    and not of a score.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), dpi=110)
    # Set by hand: matplotlib's own search for a layout takes as long as all of the drawing.
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.08, top=0.885, wspace=0.22, hspace=0.38)
    panels = [_Panel(axes, [epoch.epoch for epoch in history]) for axes in figure.subplots(2, 3).flat]
    psnr, ssim, errors, loss, rate, last = panels
    restored = [epoch.val_psnr for epoch in history]
    blurred = [epoch.blurred_psnr for epoch in history]
    psnr.draw(f"PSNR on val (dB, pooled){_best(history)}", {"restored": restored, "blurred": blurred})
    psnr.mark("alarm", {epoch.epoch: epoch.blurred_psnr for epoch in history if epoch.alarms})
    ssim.draw("SSIM on val", {"restored": [epoch.val_ssim for epoch in history]})
    mse, mae = [epoch.val_mse for epoch in history], [epoch.val_mae for epoch in history]
    errors.draw("error on val, range 0 to 1", {"MSE": mse, "MAE": mae}, log=True)
    loss.draw("training loss", _losses(history), log=True)
    rate.draw("learning rate", {"": [epoch.learning_rate for epoch in history]}, log=True)
    critic = _critic(history)
    if critic:
        last.draw("critic", critic)
    else:
        last.draw("crops per second", {"": [epoch.crops_per_second for epoch in history]}, floor=0)
    figure.suptitle(title, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


class _Panel:
    """One pair of axes over the epochs."""

    def __init__(self, axes: Any, epochs: Sequence[int]) -> None:
        self._axes, self._epochs = axes, epochs

    def draw(self, what: str, lines: Lines, *, log: bool = False, floor: float | None = None) -> None:
        """Draw lines by name; an empty name is not shown. `floor`: where the axis begins."""
        marker = "." if len(self._epochs) <= _MOST_POINTS else ""
        for i, (name, values) in enumerate(lines.items()):
            style = {"color": _COLOURS[i % len(_COLOURS)], "linestyle": _DASHES[i % len(_DASHES)], "marker": marker}
            self._axes.plot(self._epochs, [_finite(value) for value in values], label=name or None, **style)
        shown = [value for values in lines.values() for value in values if not math.isnan(_finite(value))]
        if not shown:
            self._axes.text(0.5, 0.5, "no figures", transform=self._axes.transAxes, ha="center", color="grey")
            self._axes.set_yticks([])
        self._scale([value for value in shown if value is not None], log, floor)
        self._axes.set_title(what, fontsize="medium")
        self._axes.grid(alpha=0.3)
        if len(lines) > 1:
            self.legend()

    def mark(self, name: str, points: Mapping[int, float]) -> None:
        """Mark points, epoch to value."""
        if points:
            style = {"marker": "x", "color": _COLOURS[3], "linestyle": "", "markersize": 7, "zorder": 3}
            self._axes.plot(list(points), [_finite(value) for value in points.values()], label=name, **style)
            self.legend()

    def legend(self) -> None:
        """Name the lines, where they leave room."""
        self._axes.legend(fontsize="small", framealpha=0.6)

    def _scale(self, shown: Sequence[float], log: bool, floor: float | None) -> None:
        from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

        first, last = min(self._epochs, default=1), max(self._epochs, default=1)
        margin = max(0.5, (last - first) * 0.03)
        self._axes.set_xlim(first - margin, last + margin)
        self._axes.xaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        self._axes.set_xlabel("epoch")
        if log and shown and min(shown) > 0:
            self._axes.set_yscale("log")
            if max(shown) < 30 * min(shown):  # powers of ten alone would leave one tick, or none
                self._axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
                self._axes.yaxis.set_major_formatter("{x:.3g}")
                self._axes.yaxis.set_minor_formatter(NullFormatter())
        elif floor is not None and shown:
            self._axes.set_ylim(floor, max(floor + 1e-9, *shown) * 1.1)


def _best(history: Sequence[Epoch]) -> str:
    known = [epoch for epoch in history if math.isfinite(epoch.val_mse)]
    if not known:
        return ""
    best = min(known, key=lambda epoch: epoch.val_mse)
    return f", best {best.val_psnr:.2f} in epoch {best.epoch}"


def _losses(history: Sequence[Epoch]) -> Lines:
    """The loss that was minimised, and its terms where there are several."""
    names = [name for name in _names(history) if name in _LOSSES]
    several = len(_names(history)) > 1
    total = {"loss" if several else "": [epoch.train_loss for epoch in history]}
    return total | (_terms(history, names) if several else {})


def _critic(history: Sequence[Epoch]) -> Lines:
    """The adversarial term and what the critic minimises: all terms that are no loss of the network's output."""
    return _terms(history, [name for name in _names(history) if name not in _LOSSES])


def _names(history: Sequence[Epoch]) -> list[str]:
    return sorted({name for epoch in history for name in epoch.terms})


def _terms(history: Sequence[Epoch], names: Sequence[str]) -> dict[str, list[float | None]]:
    return {name: [epoch.terms.get(name) for epoch in history] for name in names}


def _finite(value: float | None) -> float:
    """What matplotlib leaves out, for what cannot be drawn."""
    return value if value is not None and math.isfinite(value) else math.nan
