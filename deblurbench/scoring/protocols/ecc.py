"""`realblur-ecc` and `rsblur-ecc`: predictions are aligned with their sharp pictures before they are compared.

Both are `evaluation_RealBlur_ecc.py` (Rim et al., "Real-World Blur Dataset for Learning and Benchmarking Deblurring
Algorithms", ECCV 2020) and its successor for RSBlur (ECCV 2022), which also clips to 0 .. 1 after the alignment.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from deblurbench.scoring.alignment.align import Aligned, align
from deblurbench.scoring.metrics import plain
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.metrics.psnr import psnr_db
from deblurbench.scoring.metrics.windows import RADIUS
from deblurbench.scoring.pictures.readers import SKIMAGE
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words


def aligned_psnr(pair: Compared, *, clip: bool) -> float | None:
    """PSNR in dB over the mask, peak 1, after alignment; None for a grey pair, on which the script fails."""
    aligned = _aligned(pair, clip)
    if aligned is None:
        return None
    error = np.sum(np.square(aligned.sharp - aligned.prediction))
    return psnr_db(float(error / (np.sum(aligned.inside) * aligned.sharp.shape[2])), 1.0)


def aligned_ssim(pair: Compared, *, clip: bool) -> float | None:
    """SSIM after alignment: Gaussian, range 1, mean over the mask's part of the area where the whole window fits.

    Returns: None for a grey pair, and where nothing of the mask is in that area.
    """
    aligned = _aligned(pair, clip)
    if aligned is None:
        return None
    counted = aligned.inside[RADIUS:-RADIUS, RADIUS:-RADIUS]
    if not counted.any():
        return None
    total, row = 0.0, 0
    for band in plain.gaussian_maps(aligned.sharp, aligned.prediction, 0.01**2, 0.03**2):
        total += float(np.sum(band[counted[row : row + len(band)]]))
        row += len(band)
    return total / (int(np.sum(counted)) * aligned.sharp.shape[2])


def _aligned(pair: Compared, clip: bool) -> Aligned | None:
    if pair.sharp.ndim != 3 or pair.sharp.shape[2] < 3:
        return None
    aligned = pair.once("aligned", lambda: align(pair.prediction, pair.sharp))
    if not clip:
        return aligned
    return Aligned(np.clip(aligned.prediction, 0, 1), np.clip(aligned.sharp, 0, 1), aligned.inside)


def _metrics(clip: bool) -> tuple[Metric, ...]:
    return (
        Metric("psnr_db", partial(aligned_psnr, clip=clip), slow=True),
        Metric("ssim", partial(aligned_ssim, clip=clip), slow=True),
    )


def _recipe(clip: str, used_by: str, source: str) -> Recipe:
    return Recipe(
        reader=words.SKIMAGE_READER + "; grey pictures have no value, as the script fails on them",
        colour="R, G and B together; alignment looks at 0.299 R + 0.587 G + 0.114 B",
        dtype="float32 / 255; all else in float64, the homography in float32",
        rounding=words.ROUNDED + ", as when saved as PNG",
        crop=(
            "none, but alignment: the prediction z is multiplied by sum(x z) / sum(z z), x the sharp picture; ECC fits "
            "a homography (100 steps from the identity, 5 x 5 binomial smoothing, places rounded to 1/32 pixel); z is "
            f"warped, bicubic (a = -0.75), borders reflected; {clip}; only pixels whose nearest source pixel exists "
            "count, the others are 0 in both. Where ECC fails, the script has a traceback and the picture no score"
        ),
        window=words.GAUSSIAN + ", over the pixels that count",
        covariance=words.POPULATION,
        padding=words.VALID,
        range="1",
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by=used_by,
        source=source,
        tolerance=(
            "0.03 dB and 5e-4 SSIM below 40 dB: rounded places make the script's own digits depend on the processor "
            "(0.01 dB; 0.1 dB at 57 dB) and on OpenCV (3.4 to 4.12 agree, later ones differ); ours depend on neither"
        ),
    )


REALBLUR_ECC = Protocol(
    name="realblur-ecc",
    version=1,
    summary="RealBlur's script: PSNR and SSIM after a gain and a homography are fitted, over what overlaps",
    reader=SKIMAGE,
    metrics=_metrics(clip=False),
    recipe=_recipe(
        "nothing is clipped",
        "RealBlur-J and RealBlur-R: MPRNet, Restormer, Stripformer and most others",
        "rimchang/RealBlur evaluation_RealBlur_ecc.py @cf28b80",
    ),
)

RSBLUR_ECC = Protocol(
    name="rsblur-ecc",
    version=1,
    summary="RSBlur's script: realblur-ecc with values clipped to 0 .. 1 after alignment",
    reader=SKIMAGE,
    metrics=_metrics(clip=True),
    recipe=_recipe(
        "both are clipped to 0 .. 1 after that",
        "RSBlur",
        "rimchang/RSBlur evaluation/evaluate_RSBlur.py @ae33a6c",
    ),
)
