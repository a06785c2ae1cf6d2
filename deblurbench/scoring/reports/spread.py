"""How much the protocol alone moves the result of the same pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from deblurbench.grid import grid
from deblurbench.scoring.protocol import Protocol
from deblurbench.scoring.score import ProtocolScores, ScoreReport

ADDED = "+"
"""Stands behind the mean of what the published script does not define."""

_REFERENCES = ("basicsr-rgb", "gnr638-eval")
_SHOWN = {"psnr_db": ("PSNR", " dB", 3, 2), "ssim": ("SSIM", "", 4, 3)}  # title, unit, decimals of means, of ranges


@dataclass(frozen=True)
class Extent:
    """The least and the greatest finite mean of a metric over protocols, and whose they are."""

    low: float
    high: float
    lowest: str
    highest: str

    @property
    def width(self) -> float:
        """By how much the protocol alone moves it."""
        return self.high - self.low


def reference_of(report: ScoreReport) -> ProtocolScores:
    """What others are compared with: `basicsr-rgb`, else `gnr638-eval`, else the first protocol."""
    by_name = {scores.protocol.name: scores for scores in report.protocols}
    return next((by_name[name] for name in _REFERENCES if name in by_name), report.protocols[0])


def extent(report: ScoreReport, metric: str) -> Extent | None:
    """The extent of a metric's means; None where fewer than two protocols have a finite one."""
    means = [(s.mean[metric], s.protocol.id) for s in report.protocols if math.isfinite(s.mean.get(metric, math.nan))]
    if len(means) < 2:
        return None
    (low, lowest), (high, highest) = min(means), max(means)
    return Extent(low, high, lowest, highest)


def differences(scores: ProtocolScores, reference: ProtocolScores, metric: str) -> list[float]:
    """By picture, the value less that under the reference, where both are finite."""
    others = {image.name: image.values.get(metric, math.nan) for image in reference.images}
    found = [image.values.get(metric, math.nan) - others.get(image.name, math.nan) for image in scores.images]
    return [value for value in found if math.isfinite(value)]


def spread_table(report: ScoreReport) -> str:
    """Each protocol's PSNR and SSIM, what they differ from the reference by, and the least and greatest such
    difference of a picture; from the highest PSNR downwards. Then how far apart the protocols are.
    """
    reference = reference_of(report)
    rows = [["protocol", "PSNR", "diff", "by picture", "SSIM", "diff", "by picture"]]
    rows += [_row(scores, reference) for scores in ordered(report)]
    below = [f"diff: less that of {reference.protocol.id}; n = {report.n}", *_others(report), *_sentences(report)]
    return "\n".join([grid(rows, marks=ADDED), "", *below])


def spread_dict(report: ScoreReport) -> dict[str, Any]:
    """For JSON: the reference, and of PSNR and SSIM the extent."""
    found = {metric: extent(report, metric) for metric in _SHOWN}
    extents = {metric: {**vars(of), "width": of.width} for metric, of in found.items() if of}
    return {"reference": reference_of(report).protocol.id, **extents}


def ordered(report: ScoreReport) -> list[ProtocolScores]:
    """The protocols that have a PSNR or an SSIM, from the highest PSNR downwards."""
    return sorted((scores for scores in report.protocols if scores.mean.keys() & _SHOWN.keys()), key=_order)


def _order(scores: ProtocolScores) -> tuple[float, float, str]:
    """By what is shown, so that digits nobody sees do not shuffle equal ones."""
    psnr, ssim = (round(scores.mean.get(name, -math.inf), of[2]) for name, of in _SHOWN.items())
    return -psnr, -ssim, scores.protocol.name


def _row(scores: ProtocolScores, reference: ProtocolScores) -> list[str]:
    row = [label(scores.protocol)]
    for name, (_, _, decimals, range_decimals) in _SHOWN.items():
        mean, base = scores.mean.get(name), reference.mean.get(name)
        if mean is None:
            row += ["-", "", ""]
            continue
        row.append(f"{mean:.{decimals}f}" + (ADDED if name in scores.protocol.added else ""))
        if scores is reference or base is None:
            row += ["", "reference" if scores is reference else ""]
            continue
        apart = differences(scores, reference, name)
        moved = 0.0 if mean == base else mean - base
        row.append(_signed(moved, decimals))
        pooled = any(metric.pooled for metric in scores.protocol.metrics if metric.name == name)
        row.append("pooled" if pooled else _range(apart, range_decimals))
    return row


def label(protocol: Protocol) -> str:
    """A protocol's id, with a word where it is our reading."""
    return protocol.id + (" (unpublished)" if protocol.unpublished else "")


def _signed(value: float, decimals: int) -> str:
    return "0" if round(value, decimals) == 0 else f"{value:+.{decimals}f}"


def _range(apart: list[float], decimals: int) -> str:
    if not apart:
        return ""
    low, high = (_signed(value, decimals) for value in (min(apart), max(apart)))
    return low if low == high else f"{low} .. {high}"


def _others(report: ScoreReport) -> list[str]:
    """The means of what is neither PSNR nor SSIM."""
    said = [
        f"{scores.protocol.id} {name} {value:.5g}"
        for scores in report.protocols
        for name, value in scores.mean.items()
        if name not in _SHOWN
    ]
    return [f"also: {', '.join(said[i : i + 3])}" for i in range(0, len(said), 3)]


def _sentences(report: ScoreReport) -> list[str]:
    lines = []
    for name, (title, unit, decimals, range_decimals) in _SHOWN.items():
        if of := extent(report, name):
            low, high = (f"{value:.{decimals}f}" for value in (of.low, of.high))
            if low == high:
                lines.append(f"All protocols agree on {title}: {low}{unit}")
                continue
            width = f"{of.width:.{max(range_decimals, 2)}f}{unit}"
            width += ", infinite means aside" if any(math.isinf(s.mean.get(name, 0)) for s in report.protocols) else ""
            lines.append(f"The protocol alone moves {title} by {width}: {low} ({of.lowest}) .. {high} ({of.highest})")
    return lines
