"""`piq-default`: PyTorch Image Quality, which makes large pictures smaller before SSIM."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

Array = npt.NDArray[Any]


def _side(picture: Array) -> int:
    """Of the squares that are averaged: 1 for pictures below 384; to even at a half, as Python rounds."""
    return max(1, round(min(picture.shape[:2]) / 256))


def _smaller(picture: Array) -> Array:
    """Averaged over squares; rows and columns that fill no square are dropped. Float64, on the picture's scale."""
    import cv2

    side = _side(picture)
    height, width = picture.shape[0] // side, picture.shape[1] // side
    depth = cv2.CV_32S if picture.dtype == np.uint8 else cv2.CV_64F
    sums = cv2.boxFilter(picture, depth, (side, side), normalize=False)
    return np.asarray(sums[side // 2 :: side, side // 2 :: side][:height, :width] / float(side * side))


def _ssim(pair: Compared) -> float | None:
    if _side(pair.sharp) == 1:
        return pair.gaussian_ssim()
    return pair.derived("piq", _smaller, peak=pair.peak).gaussian_ssim()


PIQ_DEFAULT = Protocol(
    name="piq-default",
    version=1,
    summary="piq's defaults: SSIM of pictures made smaller by round(shorter side / 256); PSNR of at most 80 dB",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("psnr_db", lambda pair: pair.psnr(eps=1e-8)), Metric("ssim", _ssim)),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.LIBRARY_FLOATS,
        rounding=words.KEPT,
        crop="none; for SSIM, both pictures are averaged over squares of max(1, round(min(H, W) / 256)) samples, and "
        "what is left over at the right and at the bottom is dropped: 3 at 720 rows, where SSIM rises by 0.08",
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.VALID,
        range="1",
        aggregation=words.PER_PICTURE,
        infinities=words.CAPPED,
        used_by="results that name piq.ssim and piq.psnr with their defaults",
        source="piq 0.8.0 (photosynthesis-team/piq), float64 tensors",
        tolerance=words.TO_DIGIT,
    ),
)
