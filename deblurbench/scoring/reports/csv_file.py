"""A score report as a table on disk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

from deblurbench import files
from deblurbench.scoring.score import ProtocolScores, ScoreReport

BLURRED = "blurred_"
"""What the name of a column begins with that holds the blurred picture's number: none of the method."""


def write_csv(path: Path, report: ScoreReport, *, with_split: bool = False) -> None:
    """One row per protocol and picture; full digits, infinities as `inf`, what is not defined empty.

    Columns: `protocol`, `name`, each metric; where the blurred pictures were scored, `blurred_` each metric; where a
    metric is pooled, `samples` (H x W x channels), from which its value for any set of pictures follows.

    Args:
        with_split: names are `SPLIT/NAME.png`, those of a dataset, and become two columns, `split` and `name`, as in a
            run's table: splits are compared one by one, and no folder is taken for a scene.
    """
    metrics = list(dict.fromkeys(m.name for scores in report.protocols for m in scores.protocol.metrics))
    with_blur = any(scores.blurred for scores in report.protocols)
    with_samples = any(m.pooled for scores in report.protocols for m in scores.protocol.metrics)
    header = ["protocol", *(["split"] if with_split else []), "name", *metrics]
    header += [BLURRED + name for name in metrics] if with_blur else []
    header += ["samples"] if with_samples else []
    rows = (row for scores in report.protocols for row in _rows(scores, metrics, with_split, with_blur, with_samples))
    files.write_csv(path, header, rows)


def _rows(
    scores: ProtocolScores, metrics: list[str], with_split: bool, with_blur: bool, with_samples: bool
) -> Iterator[list[Any]]:
    for image, blurred in zip(scores.images, scores.blurred or repeat(None), strict=False):
        names = image.name.split("/", 1) if with_split else [image.name]
        row = [scores.protocol.id, *names, *map(image.values.get, metrics)]
        row += [blurred.values.get(name) if blurred else None for name in metrics] if with_blur else []
        yield row + ([image.samples] if with_samples else [])
