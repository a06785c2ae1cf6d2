"""`pictures.csv`: what a dataset says of the pictures of its test splits, for whoever compares results on them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError
from deblurbench.files import write_csv
from deblurbench.runs.severity import kernel_radii, severity

PICTURE_FACTS = "pictures.csv"


@dataclass(frozen=True)
class PictureFacts:
    """One picture.

    Attributes:
        split: its split.
        name: of its file, `NAME.png`.
        scene: pictures of one scene are not independent.
        family: of its blur.
        severity: the band of its blur, as `runs.severity` has it.
        sharp_sha256, blur_sha256: pixel hashes.
    """

    split: str
    name: str
    scene: str
    family: str
    severity: str
    sharp_sha256: str
    blur_sha256: str


def picture_facts(dataset: Dataset, splits: Iterable[str], blurred_psnr: Mapping[str, float]) -> list[PictureFacts]:
    """Those of the pictures of some splits, in the order of splits and names.

    Args:
        dataset: it has these splits.
        splits: their names.
        blurred_psnr: of the blurred pictures in dB, by `SPLIT/NAME.png`.

    Raises: DatasetError where a kernel is missing or damaged.
    """
    records = [record for split in splits for record in dataset.records(split)]
    radii = kernel_radii(dataset, records)
    return [
        PictureFacts(
            split=r.split,
            name=f"{r.name}.png",
            scene=r.scene,
            family=str(r.blur.get("family", "unknown")),
            severity=severity(r, radii, blurred_psnr.get(f"{r.pair}.png"))[1],
            sharp_sha256=r.sharp_sha256,
            blur_sha256=r.blur_sha256,
        )
        for r in records
    ]


def write_picture_facts(run: Path, facts: Iterable[PictureFacts]) -> None:
    """Write them into a run folder."""
    header = [field.name for field in fields(PictureFacts)]
    write_csv(run / PICTURE_FACTS, header, map(astuple, facts))


def read_picture_facts(run: Path) -> list[PictureFacts]:
    """Read them. Raises RunError where they are missing, as of older versions, or damaged."""
    try:
        with (run / PICTURE_FACTS).open(encoding="utf-8", newline="") as file:
            return [PictureFacts(**row) for row in csv.DictReader(file)]
    except OSError as error:
        hint = "give its `deblurbench run-baseline` again: what is done is kept"
        raise RunError(f"{run} has no {PICTURE_FACTS}", hint) from error
    except (TypeError, ValueError, csv.Error) as error:
        raise RunError(f"{run / PICTURE_FACTS} is damaged", "run the baseline again") from error
