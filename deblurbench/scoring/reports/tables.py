"""Score reports as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deblurbench.errors import listed
from deblurbench.grid import grid
from deblurbench.scoring.protocol import Metric
from deblurbench.scoring.reports.gain import mean_gains, worse
from deblurbench.scoring.reports.spread import ADDED, label, ordered, spread_table
from deblurbench.scoring.score import ImageScore, ProtocolScores, ScoreReport

_MANY = 4  # protocols, from which on one line each is easier to read than a paragraph each
_POOLED = "*"
_LEGEND = {
    ADDED: "+ added by deblurbench, not in the published script",
    _POOLED: "* pooled: one PSNR of the error over all samples of all pictures, not the mean of their dB",
}
_OURS = "unpublished: nobody has published a recipe under this name; it is our reading"


def score_text(report: ScoreReport) -> str:
    """The whole report: some lines per protocol, or where there are many of them one line each and how far they go."""
    if len(report.protocols) < _MANY:
        return result_table(report)
    tables = [spread_table(report)] + ([gain_table(report)] if report.protocols[0].blurred else [])
    return "\n\n".join([*tables, *_block(_notes(report, (ADDED,)))])


def result_table(report: ScoreReport) -> str:
    """Each protocol with n and the mean of each metric; with blurred pictures their mean, the gain, how many got worse.

    Below it is said what marks mean, what was infinite or not defined, and where pictures are missing.
    """
    names = dict.fromkeys(m.name for scores in report.protocols for m in scores.protocol.metrics)
    metrics = sorted(names, key=lambda name: (name != "psnr_db", name != "ssim"))
    rows = [["protocol", "n", *metrics]]
    for scores in report.protocols:
        rows += _result_rows(scores, metrics)
    return "\n\n".join([grid(rows, marks=ADDED + _POOLED), *_block(_notes(report, (ADDED, _POOLED)))])


def gain_table(report: ScoreReport) -> str:
    """One line per protocol: the blurred pictures' mean, the gain over it, and how many pictures got worse."""
    rows = [["protocol", *("PSNR", "blurred", "gain", "worse"), *("SSIM", "blurred", "gain", "worse")]]
    for scores in ordered(report):
        gained, got_worse, blurred = mean_gains(scores), worse(scores), scores.blurred_mean or {}
        row = [label(scores.protocol)]
        for name, decimals in (("psnr_db", 3), ("ssim", 4)):
            if name not in gained:
                row += ["-"] * 4
                continue
            row += [f"{mean[name]:.{decimals}f}" for mean in (scores.mean, blurred)]
            row += [f"{gained[name]:+.{decimals}f}", str(len(got_worse[name]))]
        rows.append(row)
    return f"{grid(rows)}\nworse: how many of {report.n} pictures are further from the sharp one than the blurred one"


def digits(metric: Metric, value: float | None, *, signed: bool = False) -> str:
    """A value as tables show it: 4 decimals of dB and similarities, 5 significant digits of errors; `-` for none."""
    if value is None:
        return "-"
    return f"{value:{'+' if signed else ''}{'.5g' if metric.lower_is_better else '.4f'}}"


def _result_rows(scores: ProtocolScores, metrics: Sequence[str]) -> list[list[str]]:
    of = {metric.name: metric for metric in scores.protocol.metrics}

    def row(title: str, count: str, cells: dict[str, str]) -> list[str]:
        return [title, count, *(cells.get(name, "") for name in metrics)]

    restored = {n: digits(m, scores.mean.get(n)) + _mark(m) for n, m in of.items()}
    rows = [row(label(scores.protocol), str(len(scores.images)), restored)]
    if scores.blurred is not None:
        blurred, gained = scores.blurred_mean or {}, mean_gains(scores)
        rows += [
            row("  blurred", "", {n: digits(m, blurred.get(n)) for n, m in of.items()}),
            row("  gain", "", {n: digits(m, gained.get(n), signed=True) for n, m in of.items()}),
            row("  worse than blurred", "", {n: str(len(names)) for n, names in worse(scores).items()}),
        ]
    return rows


def _mark(metric: Metric) -> str:
    return _POOLED if metric.pooled else ADDED if metric.added else ""


def _block(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines)] if lines else []


def _notes(report: ScoreReport, marks: Sequence[str]) -> list[str]:
    """What a reader must know about the numbers, one line each."""
    metrics = [metric for scores in report.protocols for metric in scores.protocol.metrics]
    notes = []
    if report.failures:
        total = report.n + len(report.failures)
        notes.append(f"n = {report.n} of {total}: {len(report.failures)} could not be scored; not rankable")
    notes += [_LEGEND[mark] for mark in marks if mark in map(_mark, metrics)]
    notes += [_OURS] if any(scores.protocol.unpublished for scores in report.protocols) else []
    said: dict[str, list[str]] = {}
    for scores in report.protocols:
        for images, whose in ((scores.images, ""), (scores.blurred or (), "blurred ")):
            for metric in scores.protocol.metrics:
                if text := _oddity(scores, metric, images):
                    said.setdefault(f"{whose}{metric.name} {text}", []).append(scores.protocol.name)
    several = len(report.protocols) > 1
    return notes + [text + (f" ({listed(names)})" if several else "") for text, names in said.items()]


def _oddity(scores: ProtocolScores, metric: Metric, images: Sequence[ImageScore]) -> str:
    """Where some pictures have no finite value: how many, and the number of the others."""
    values = [image.values.get(metric.name) for image in images]
    undefined, infinite = values.count(None), sum(value is not None and math.isinf(value) for value in values)
    if undefined:
        return f"is not defined for {undefined} of {len(values)} pictures, so it has no mean"
    if not infinite:
        return ""
    if infinite == len(values):
        return f"is infinite for all {len(values)} pictures: each equals its sharp picture"
    finite = scores.means_of([i for i in images if math.isfinite(i.values[metric.name])])[metric.name]
    return (
        f"is infinite for {infinite} of {len(values)} pictures, which equal their sharp ones; "
        f"{digits(metric, finite)} over the {len(values) - infinite} finite"
    )
