"""`piq-default`: PyTorch Image Quality, which makes large pictures smaller before SSIM."""

from __future__ import annotations

from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

PIQ_DEFAULT = Protocol(
    name="piq-default",
    version=1,
    summary="piq's defaults: SSIM of pictures made smaller by round(shorter side / 256); PSNR of at most 80 dB",
    reader=PILLOW,
    rounding="keep",
    metrics=(
        Metric("psnr_db", lambda pair: pair.psnr(eps=1e-8)),
        Metric("ssim", lambda pair: pair.smaller().gaussian_ssim()),
    ),
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
