"""`skimage-default` and `skimage-gaussian`: scikit-image's `structural_similarity`."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import SKIMAGE
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

_SOURCE = "scikit-image 0.26.0"

SKIMAGE_DEFAULT = Protocol(
    name="skimage-default",
    version=1,
    summary="scikit-image's defaults on 8-bit pictures: SSIM with a uniform 7 x 7 window",
    reader=SKIMAGE,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.uniform_ssim)),
    recipe=Recipe(
        reader=words.SKIMAGE_READER,
        colour="all decoded channels; no luma",
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.UNIFORM,
        covariance=words.SAMPLE,
        padding=words.VALID,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="many scripts of courses and papers; DeblurGAN-v2's training log",
        source=_SOURCE + ", structural_similarity(sharp, prediction, channel_axis=2)",
        tolerance=words.TO_DIGIT,
    ),
)

SKIMAGE_GAUSSIAN = Protocol(
    name="skimage-gaussian",
    version=1,
    summary="scikit-image with the Gaussian window and population covariance of the SSIM paper",
    reader=SKIMAGE,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.gaussian_ssim)),
    recipe=Recipe(
        reader=words.SKIMAGE_READER,
        colour="all decoded channels; no luma",
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.VALID,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="scripts that follow scikit-image's note on the SSIM paper; equal to basicsr-rgb where both read alike",
        source=_SOURCE + ", structural_similarity(..., gaussian_weights=True, sigma=1.5, use_sample_covariance=False, "
        "data_range=255)",
        tolerance=words.TO_DIGIT,
    ),
)
