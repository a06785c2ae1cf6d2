"""`pyiqa-y`: IQA-PyTorch's `ssim` and `psnr` with their defaults."""

from __future__ import annotations

from deblurbench.scoring.metrics.windows import GAUSSIAN_2D_32
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

PYIQA_Y = Protocol(
    name="pyiqa-y",
    version=1,
    summary="IQA-PyTorch's defaults: SSIM on rounded luma without negative contrast terms; PSNR on RGB, at most 80 dB",
    reader=PILLOW,
    rounding="keep",
    metrics=(
        Metric("psnr_db", lambda pair: pair.psnr(eps=1e-8)),
        Metric("ssim", lambda pair: pair.yiq().gaussian_ssim(window=GAUSSIAN_2D_32, relu=True)),
    ),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour="PSNR: RGB; SSIM: Y = 0.299 R + 0.587 G + 0.114 B in float32, rounded to 8 bits",
        dtype=words.LIBRARY_FLOATS + "; SSIM in float64",
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window="SSIM: Gaussian 11 x 11, sigma 1.5, on Y; its weights are float32 and their sum is 1 - 6e-9",
        covariance=words.POPULATION + "; negative contrast terms count as 0",
        padding=words.VALID,
        range="PSNR 1; SSIM 255",
        aggregation=words.PER_PICTURE,
        infinities=words.CAPPED,
        used_by="results that name pyiqa's ssim and psnr",
        source="chaofengc/IQA-PyTorch pyiqa/archs/ssim_arch.py, psnr_arch.py @01ae427",
        tolerance="1e-9; where a luma lies halfway between two levels, another processor may round it otherwise (1e-5)",
    ),
)
