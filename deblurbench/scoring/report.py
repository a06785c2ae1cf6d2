"""A score report as a table on disk."""

from __future__ import annotations

import csv
from pathlib import Path

from deblurbench.files import make_folder, replacing
from deblurbench.scoring.score import ScoreReport


def write_csv(path: Path, report: ScoreReport) -> None:
    """One row per protocol and picture; full digits, infinities as `inf`, what is not defined empty."""
    metrics = list(dict.fromkeys(m.name for scores in report.protocols for m in scores.protocol.metrics))
    make_folder(path.parent)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["protocol", "name", *metrics])
        for scores in report.protocols:
            for image in scores.images:
                writer.writerow([scores.protocol.id, image.name, *(image.values.get(name, "") for name in metrics)])
