"""A sheet of the worst, the median and the best pictures of a score, with maps of their errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture, write_png
from deblurbench.images.sheet import Cell, Section, section_sheet
from deblurbench.scoring.pictures.pairing import Pair
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import Metric
from deblurbench.scoring.reports.error_map import ErrorMap, coloured, error_map, scale_bar, scale_for, worst_part
from deblurbench.scoring.reports.picks import Pick, pick
from deblurbench.scoring.score import ImageScore, ProtocolScores

Array = npt.NDArray[Any]

SIDE = 256
"""Pixels, of the square that is shown of a picture at its full scale: shrinking it would hide the blur."""
COUNT = 2
"""Pictures of a kind."""


@dataclass(frozen=True)
class _Shown:
    """A chosen picture: the part of each of its sides that is shown, and the error there and everywhere."""

    image: ImageScore
    blurred: ImageScore | None
    parts: dict[str, Array]  # by title, from left to right
    errors: ErrorMap
    mean_error: float
    where: str


def write_score_sheet(path: Path, scores: ProtocolScores, pair_of: Callable[[str], Pair], title: str = "") -> None:
    """Write `score_sheet` as PNG."""
    write_png(path, score_sheet(scores, pair_of, title))


def chosen_names(scores: ProtocolScores) -> list[str]:
    """The names of the pictures that `score_sheet` shows. Raises UsageError where no picture has a value."""
    return [image.name for group in pick(scores, COUNT) for image in group.images]


def score_sheet(scores: ProtocolScores, pair_of: Callable[[str], Pair], title: str = "") -> Picture:
    """Lay out two pictures each that are worst, median and best by the first metric: uint8 H x W x 3.

    Each row: blurred (where the pair has one), prediction, sharp, and the error map of the prediction. What is larger
    than 256 x 256 is cropped at its full scale to the part where the prediction's squared error is largest, the same
    part on all sides; what is tiny is enlarged by whole factors. All maps have one scale, which the sheet states.

    Args:
        scores: of one protocol, whose reader and rounding also apply to what is shown.
        pair_of: the files of a picture by its name.
        title: what was scored, such as the folder of the predictions.

    Raises: UsageError where no picture has a value, PictureError where a file cannot be read any more.
    """
    by, picks = scores.protocol.metrics[0], pick(scores, COUNT)
    blurred = {image.name: image for image in scores.blurred or ()}
    shown = [[_shown(scores, i, blurred.get(i.name), pair_of(i.name)) for i in group.images] for group in picks]
    scale = scale_for([one.errors for group in shown for one in group])
    with_blur = any("blurred" in one.parts for group in shown for one in group)
    sections = [
        Section(_heading(group, by, len(scores.images)), [cell for one in of for cell in _cells(one, by, scale)])
        for group, of in zip(picks, shown, strict=True)
    ]
    bar = Cell(scale_bar(scale, SIDE), "")
    sections.append(Section("Error maps: mean over the channels of the absolute difference, in levels of 255", [bar]))
    mean = f", mean {_number(by.name, scores.mean[by.name])}" if by.name in scores.mean else ""
    headline = f"{scores.protocol.id}{mean}, n = {len(scores.images)}"
    return section_sheet(f"{title}: {headline}" if title else headline, sections, 4 if with_blur else 3)


def _heading(group: Pick, metric: Metric, total: int) -> str:
    if group.kind == "only":
        return "The only picture"
    kind = {"worst": "Worst", "median": "Around the median", "best": "Best"}[group.kind]
    return f"{kind} by {metric.name}: {len(group.images)} of {total} pictures"


def _shown(scores: ProtocolScores, image: ImageScore, blurred: ImageScore | None, pair: Pair) -> _Shown:
    assert pair.prediction is not None  # what has a score has a prediction
    sharp = Opened(pair.sharp)
    compared = Reading(Opened(pair.prediction), sharp).compared(scores.protocol)
    sides = {"prediction": compared.prediction, "sharp": compared.sharp}
    if pair.blur is not None and blurred is not None:
        sides = {"blurred": Reading(Opened(pair.blur), sharp).compared(scores.protocol).prediction, **sides}
    errors = error_map(compared.prediction, compared.sharp)
    part = worst_part(errors, SIDE, SIDE)
    parts = {title: side[part] for title, side in sides.items()}
    return _Shown(image, blurred, parts, errors[part], float(errors.mean(dtype=np.float64)), _where(part, errors.shape))


def _where(part: tuple[slice, slice], shape: tuple[int, ...]) -> str:
    rows, columns = part
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if (height, width) == shape:
        return f"all of {width}x{height}"
    return f"worst {width}x{height} of {shape[1]}x{shape[0]}\nfrom x {columns.start}, y {rows.start}"


def _cells(shown: _Shown, metric: Metric, scale: int) -> list[Cell]:
    zoom = max(1, SIDE // max(shown.errors.shape))
    notes = {
        "blurred": _numbers(shown.blurred, metric) if shown.blurred else "",
        "prediction": _numbers(shown.image, metric),
        "sharp": shown.where + (f"\nenlarged {zoom} times" if zoom > 1 else ""),
    }
    names = {"blurred": "blurred", "prediction": f"prediction {shown.image.name}", "sharp": "sharp"}
    cells = [Cell(_enlarged(_as_rgb(of), zoom), f"{names[side]}\n{notes[side]}") for side, of in shown.parts.items()]
    here = float(shown.errors.mean(dtype=np.float64))
    in_all = "" if shown.where.startswith("all") else f" here, {shown.mean_error:.3g} in all"
    note = f"mean {here:.3g}{in_all}; most {float(shown.errors.max()):.3g}"
    return [*cells, Cell(_enlarged(coloured(shown.errors, scale), zoom), f"error of the prediction\n{note}")]


def _numbers(image: ImageScore, metric: Metric) -> str:
    """The metric that the sheet is about, and one more."""
    names = [metric.name, *(name for name in image.values if name != metric.name)][:2]
    return ", ".join(_number(name, image.values[name]) for name in names if name in image.values)


def _number(name: str, value: float) -> str:
    if name == "psnr_db":
        return f"{value:.2f} dB"
    return f"{name.upper()} {value:.4f}" if name.endswith("ssim") else f"{name} {value:.4g}"


def _as_rgb(picture: Array) -> Picture:
    """What a protocol scores, as 8-bit RGB to look at: H x W x 3."""
    levels = picture if picture.dtype == np.uint8 else np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    grey = levels.ndim == 2 or levels.shape[2] < 3
    return np.ascontiguousarray(
        np.repeat(levels.reshape(*levels.shape[:2], -1)[:, :, :1], 3, axis=2) if grey else levels[:, :, :3]
    )


def _enlarged(picture: Picture, zoom: int) -> Picture:
    """The picture on white as wide as captions need."""
    large = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return np.pad(large, [(0, 0), (0, SIDE - large.shape[1]), (0, 0)], constant_values=255)
