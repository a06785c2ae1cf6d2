"""`pixel-errors`: mean squared and mean absolute error."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import SKIMAGE
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words


def squared(pair: Compared) -> float:
    """The mean squared error in squared grey levels, on a scale of 0 .. 255."""
    return pair.mean_squared_error * (255 / pair.peak) ** 2


def absolute(pair: Compared) -> float:
    """The mean absolute error in grey levels, on a scale of 0 .. 255."""
    return pair.mean_absolute_error * (255 / pair.peak)


PIXEL_ERRORS = Protocol(
    name="pixel-errors",
    version=1,
    summary="MSE and MAE on a scale of 0 .. 255; ours",
    reader=SKIMAGE,
    rounding="keep",
    metrics=(
        Metric("mse", squared, lower_is_better=True),
        Metric("mae", absolute, lower_is_better=True),
    ),
    recipe=Recipe(
        reader=words.SKIMAGE_READER,
        colour="all decoded channels together",
        dtype="8-bit integers, or float64 of floating predictions; sums in float64",
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.NO_SSIM,
        covariance=words.NO_SSIM,
        padding=words.NO_SSIM,
        range="errors are in grey levels of 0 .. 255, MSE in their squares; divide by 255 and 65025 for 0 .. 1",
        aggregation=words.PER_PICTURE,
        infinities="none; equal pictures have 0",
        used_by="deblurbench",
        source="unpublished: the definitions, by deblurbench",
        tolerance=words.TO_DIGIT,
    ),
)
