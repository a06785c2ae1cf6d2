"""`uformer`: Uformer's script, in which scikit-image takes floats to span -1 .. 1."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

UFORMER = Protocol(
    name="uformer",
    version=1,
    summary="Uformer: predictions are not rounded; SSIM with scikit-image's 7 x 7 window and a range of 2",
    reader=PILLOW,
    rounding="keep",
    metrics=(
        Metric("psnr_db", Compared.psnr),
        Metric("ssim", lambda pair: pair.unit().uniform_ssim(peak=2)),
    ),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype="float32 in 0 .. 1; sums of SSIM in float64",
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.UNIFORM,
        covariance=words.SAMPLE,
        padding=words.VALID,
        range="PSNR 1; SSIM 2, what scikit-image 0.17 takes floats to span where no data_range is passed (newer ones "
        "refuse the call): SSIM is about 0.07 above that with a range of 1",
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="Uformer on GoPro and HIDE",
        source="ZhendongWang6/Uformer test/test_gopro_hide.py @65fc970, with scikit-image 0.17.2",
        tolerance=f"PSNR {words.FLOAT32_PSNR}; SSIM 1e-9",
    ),
)
