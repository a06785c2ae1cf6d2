"""A picture of what several runs did to one split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deblurbench.dataset.reader import Dataset
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.sheet import Cell, contact_sheet, middle
from deblurbench.runs.record import PICTURES, read_run, read_scores

_HEIGHT, _WIDTH = 192, 224  # of what is shown of each picture, pixels: shrinking it would hide the blur


def write_sheet(path: Path, dataset: Dataset, split: str, runs: Sequence[Path]) -> None:
    """Write a PNG with the middle of each picture of a split: blurred, restored by each run, sharp."""
    scores = [{row.name: row for row in read_scores(run) if row.split == split} for run in runs]
    rows = []
    for pair in dataset.pairs(split):
        name = f"{pair.name}.png"
        restored = [
            _cell(run / PICTURES / split / name, f"{of[name].psnr_db:.2f} dB")
            for run, of in zip(runs, scores, strict=True)
        ]
        blurred = _cell(pair.blur, f"{scores[0][name].blurred_psnr_db:.2f} dB")
        rows.append([blurred, *restored, _cell(pair.sharp, pair.name)])
    titles = ["blurred", *(read_run(run).label for run in runs), "sharp"]
    write_png(path, contact_sheet(titles, rows, f"{dataset.recipe}, {split}: the middle of each picture"))


def _cell(path: Path, caption: str) -> Cell:
    return Cell(middle(read_rgb(path), _HEIGHT, _WIDTH), caption)
