"""A score report as a table on disk."""

from __future__ import annotations

from pathlib import Path

from deblurbench import files
from deblurbench.scoring.score import ScoreReport


def write_csv(path: Path, report: ScoreReport) -> None:
    """One row per protocol and picture; full digits, infinities as `inf`, what is not defined empty."""
    metrics = list(dict.fromkeys(m.name for scores in report.protocols for m in scores.protocol.metrics))
    rows = (
        [scores.protocol.id, image.name, *(image.values.get(name) for name in metrics)]
        for scores in report.protocols
        for image in scores.images
    )
    files.write_csv(path, ["protocol", "name", *metrics], rows)
