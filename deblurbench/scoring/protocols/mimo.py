"""`mimo-unet`: MIMO-UNet's script."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

MIMO_UNET = Protocol(
    name="mimo-unet",
    version=1,
    summary="MIMO-UNet: PSNR of predictions that are clamped but not rounded; no SSIM",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("psnr_db", Compared.psnr),),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype="float32 in 0 .. 1; of files of 8 bits, sums are of integers here",
        rounding=words.KEPT + ": about 0.03 dB above that of rounded ones",
        crop=words.NO_CROP,
        window=words.NO_SSIM,
        covariance=words.NO_SSIM,
        padding=words.NO_SSIM,
        range="1",
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="MIMO-UNet; FSNet and SFNet compute PSNR alike. The project's page has SSIMs, the code has none",
        source="chosj95/MIMO-UNet eval.py @5c58013, with scikit-image 0.26.0",
        tolerance=words.FLOAT32_PSNR,
    ),
)
