"""`basicsr-rgb` and `basicsr-y`: BasicSR, on RGB and on luma."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import OPENCV
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

_SOURCE = "XPixelGroup/BasicSR basicsr/metrics/psnr_ssim.py @8d56e3a, crop_border 0"


BASICSR_RGB = Protocol(
    name="basicsr-rgb",
    version=1,
    summary="BasicSR on RGB: PSNR, and Gaussian SSIM per channel where the window fits",
    reader=OPENCV,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.gaussian_ssim)),
    recipe=Recipe(
        reader=words.OPENCV_READER,
        colour=words.RGB,
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.VALID,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="BasicSR and what is built on it, mmagic, MAXIM (PSNR); the SSIM is also that of scikit-image with "
        "Gaussian weights, and of DeepDeblur-PyTorch, TensorFlow and pytorch-msssim but for rounding",
        source=_SOURCE,
        tolerance=words.TO_DIGIT,
    ),
)

BASICSR_Y = Protocol(
    name="basicsr-y",
    version=1,
    summary="BasicSR with test_y_channel: the same on the luma of BT.601, 16 .. 235, with peak 255",
    reader=OPENCV,
    metrics=(
        Metric("psnr_db", lambda pair: pair.bt601().psnr()),
        Metric("ssim", lambda pair: pair.bt601().gaussian_ssim()),
    ),
    recipe=Recipe(
        reader=words.OPENCV_READER,
        colour="Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded",
        dtype="Y in float32; sums in float64",
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window="SSIM: Gaussian 11 x 11, sigma 1.5, on Y",
        covariance=words.POPULATION,
        padding=words.VALID,
        range="255, though Y spans 219: PSNR is about 2.3 dB above that of RGB",
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="results that state the Y channel",
        source=_SOURCE + ", test_y_channel",
        tolerance=words.TO_DIGIT,
    ),
)
