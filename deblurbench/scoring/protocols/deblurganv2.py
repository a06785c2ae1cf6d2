"""`deblurganv2`: the test script of DeblurGAN-v2 (Kupyn et al., ICCV 2019), and the SSIM of its training log.

Its test script truncates predictions to 8 bits, gives equal pictures 100 dB, and calls CW-SSIM "SSIM".
"""

from __future__ import annotations

from functools import partial

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.metrics.cw_ssim import cw_ssim
from deblurbench.scoring.pictures.readers import OPENCV
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words


def wavelet_ssim(pair: Compared) -> float | None:
    """See `cw_ssim`; None for what is neither RGB nor grey."""
    grey_or_rgb = pair.sharp.ndim == 2 or pair.sharp.shape[2:] == (3,)
    return cw_ssim(pair.prediction, pair.sharp) if grey_or_rgb else None


DEBLURGANV2 = Protocol(
    name="deblurganv2",
    version=1,
    summary="DeblurGAN-v2: truncated 8 bits, 100 dB for equal pictures, its log's SSIM and its test script's CW-SSIM",
    reader=OPENCV,
    rounding="truncate",
    metrics=(
        Metric("psnr_db", partial(Compared.psnr, at_zero=100.0)),
        Metric("ssim", Compared.uniform_ssim),
        Metric("cw_ssim", wavelet_ssim, slow=True),
    ),
    recipe=Recipe(
        reader=words.OPENCV_READER,
        colour=words.RGB + "; CW-SSIM: Pillow's grey, (19595 R + 38470 G + 7471 B + 32768) >> 16",
        dtype=words.PICTURES,
        rounding="floats are clamped to 0 .. 1, times 255 in float32, truncated",
        crop=words.NO_CROP,
        window=(
            f"{words.UNIFORM}. CW-SSIM (pyssim): rows end to end as one signal, Ricker wavelets of widths 1 to 30, ten "
            "times as long, k = 0.01; mean over samples"
        ),
        covariance=words.SAMPLE,
        padding=f"SSIM: {words.VALID}; CW-SSIM: zeros before and after the signal",
        range="255",
        aggregation=words.PER_PICTURE,
        infinities="equal pictures have 100 dB",
        used_by="DeblurGAN-v2; its table's SSIM is probably CW-SSIM",
        source=(
            "VITA-Group/DeblurGANv2 test_metrics.py, util/metrics.py, models/models.py @c16bd9f; pyssim 0.4 with scipy "
            "1.10 (pyssim 0.7.1 differs by up to 5e-4)"
        ),
        tolerance=words.TO_DIGIT,
    ),
)
