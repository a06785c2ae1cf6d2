"""The rows of `scores.csv`: a run's predictions, and the blurred pictures as they are, against the sharp ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError
from deblurbench.runs.dataset_pairs import dataset_pairs, score_dataset
from deblurbench.runs.record import ScoreRow
from deblurbench.scoring.protocol import DEFAULT, find_protocol
from deblurbench.scoring.score import ImageScore


def score_run(dataset: Dataset, run: Path, *, workers: int = 1) -> list[ScoreRow]:
    """Score a run's predictions of all test splits, one row per pair in the order of splits and names.

    Raises: RunError where a picture cannot be scored, PictureError where one of the dataset cannot be read.
    """
    report = score_dataset(dataset_pairs(dataset, run), [find_protocol(DEFAULT)], workers=workers, quiet=True)
    if report.failures:
        raise RunError(f"a picture cannot be scored: {report.failures[0]}", "check the dataset with verify-dataset")
    scores = report.protocols[0]
    pairs = zip(scores.images, scores.blurred or (), strict=True)
    return [_row(scores.protocol.id, image, blurred) for image, blurred in pairs]


def rows_by_light(dataset: Dataset, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """The rows of each split that was blurred in several lights, once more, with `SPLIT (LIGHT)` as their split.

    GoPro's `blur` and `blur_gamma` are different tasks: where a split holds both, its mean hides one behind the other.
    """
    again: list[ScoreRow] = []
    for split in dict.fromkeys(row.split for row in rows):
        lights = {f"{r.name}.png": str(r.blur.get("light", "stored")) for r in dataset.records(split)}
        if len(set(lights.values())) > 1:
            again += [replace(row, split=f"{split} ({lights[row.name]})") for row in rows if row.split == split]
    return again


def _row(protocol: str, image: ImageScore, blurred: ImageScore) -> ScoreRow:
    split, _, name = image.name.partition("/")
    return ScoreRow(
        split=split,
        name=name,
        protocol=protocol,
        psnr_db=image.values["psnr_db"],
        ssim=image.values.get("ssim"),
        blurred_psnr_db=blurred.values["psnr_db"],
        blurred_ssim=blurred.values.get("ssim"),
    )
