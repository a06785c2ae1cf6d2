"""Scoring a run: its predictions, and the blurred pictures as they are, against the sharp ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import PairReader, Side
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError
from deblurbench.images.codec import write_png
from deblurbench.runs.record import ScoreRow
from deblurbench.scoring.pictures.pairing import Pair, Pairing
from deblurbench.scoring.protocol import DEFAULT, find_protocol
from deblurbench.scoring.score import ImageScore, score_pairing

_AT_ONCE = 32  # pairs whose pictures may lie on disk a second time


def score_split(dataset: Dataset, split: str, predictions: Path, *, workers: int = 1) -> list[ScoreRow]:
    """Score the predictions of a split, and the blurred pictures beside them, one row per pair in the order of names.

    A protocol reads files. Pictures that are no 8-bit RGB files of their own (shards, arrays, grey or 16-bit pictures
    of an adopted dataset) are written as PNG for it: the pixels are those that the dataset's hashes promise.

    Args:
        dataset, split: what was predicted.
        predictions: the folder of the predictions, `NAME.png`.
        workers: threads.

    Raises: RunError where a picture cannot be scored, PictureError where one of the dataset cannot be read.
    """
    rows: list[ScoreRow] = []
    records = dataset.records(split)
    with closing(dataset.reader(split)) as pictures:
        while batch := list(islice(records, _AT_ONCE)):
            with TemporaryDirectory(prefix="deblurbench-") as scratch:
                sharp, blur = (_files(dataset, pictures, batch, side, Path(scratch)) for side in ("sharp", "blur"))
                restored = {name: predictions / name for name in sharp}
                rows += _rows(split, _scores(sharp, restored, workers), _scores(sharp, blur, workers))
    return rows


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


def _files(
    dataset: Dataset, pictures: PairReader, records: Sequence[Record], side: Side, scratch: Path
) -> dict[str, Path]:
    """A PNG file of one side of each pair by the name that scores have, made in `scratch` where there is none."""
    return {
        f"{record.name}.png": _file(dataset, pictures, record, side, scratch / f"{number}-{side}.png")
        for number, record in enumerate(records)
    }


def _file(dataset: Dataset, pictures: PairReader, record: Record, side: Side, made: Path) -> Path:
    name = find_format(dataset.format).picture(record, side)
    if name is not None and name.endswith(".png"):
        return dataset.path / name
    write_png(made, pictures.read(record, side))
    return made


def _scores(sharp: dict[str, Path], others: dict[str, Path], workers: int) -> tuple[ImageScore, ...]:
    pairs = tuple(Pair(name, sharp[name], others[name]) for name in sharp)
    report = score_pairing(Pairing(pairs, extra=(), ignored=()), [find_protocol(DEFAULT)], workers=workers, quiet=True)
    if report.failures:
        raise RunError(f"a picture cannot be scored: {report.failures[0]}", "check the dataset with verify-dataset")
    return report.protocols[0].images


def _rows(split: str, restored: Sequence[ImageScore], blurred: Sequence[ImageScore]) -> list[ScoreRow]:
    protocol = find_protocol(DEFAULT).id
    return [
        ScoreRow(
            split=split,
            name=image.name,
            protocol=protocol,
            psnr_db=image.values["psnr_db"],
            ssim=image.values.get("ssim"),
            blurred_psnr_db=before.values["psnr_db"],
            blurred_ssim=before.values.get("ssim"),
        )
        for image, before in zip(restored, blurred, strict=True)
    ]
