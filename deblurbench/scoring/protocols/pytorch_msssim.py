"""`pytorch-msssim`: the `ssim` of the package of that name."""

from __future__ import annotations

from deblurbench.scoring.metrics.windows import GAUSSIAN_32
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

PYTORCH_MSSSIM = Protocol(
    name="pytorch-msssim",
    version=1,
    summary="the ssim of pytorch-msssim on tensors in 0 .. 1: Gaussian, where the window fits",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("ssim", lambda pair: pair.gaussian_ssim(window=GAUSSIAN_32)),),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.LIBRARY_FLOATS,
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.GAUSSIAN + "; its weights are float32 and their sum is 1 - 3e-8",
        covariance=words.POPULATION,
        padding=words.VALID + "; along a side below 11 the package does not filter, and warns; here there is no value",
        range="1; the package's default is 255, with which tensors in 0 .. 1 score nearly 1 whatever they hold",
        aggregation=words.PER_PICTURE,
        infinities=words.NO_INFINITIES,
        used_by="the NTIRE 2026 baseline of efficient real-world deblurring",
        source="pytorch-msssim 1.0.0 (VainF/pytorch-msssim): ssim(data_range=1.0), float64 tensors",
        tolerance="1e-9 of float64 tensors; 5e-5 of float32 tensors",
    ),
)
