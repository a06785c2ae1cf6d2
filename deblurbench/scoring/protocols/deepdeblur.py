"""`deepdeblur`: the PyTorch version of DeepDeblur."""

from __future__ import annotations

from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

DEEPDEBLUR = Protocol(
    name="deepdeblur",
    version=1,
    summary="DeepDeblur-PyTorch: PSNR and Gaussian SSIM of rounded tensors, with a peak that is guessed",
    reader=PILLOW,
    metrics=(
        Metric("psnr_db", lambda pair: pair.psnr(peak=pair.guessed_peak)),
        Metric("ssim", lambda pair: pair.gaussian_ssim(peak=pair.guessed_peak)),
    ),
    recipe=Recipe(
        reader="imageio.imread with pilmode RGB, as " + words.PILLOW_READER,
        colour=words.RGB,
        dtype="the code works in float32 on 0 .. 255, here sums are in float64",
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.VALID,
        range=words.GUESSED,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="DeepDeblur-PyTorch (GoPro, REDS); its SSIM is about 0.03 below MATLAB's in the tables of its time",
        source="SeungjunNah/DeepDeblur-PyTorch src/loss/metric.py @26047f7",
        tolerance="PSNR 1e-5 dB, SSIM 5e-5: the rounding of its float32; of flat pictures, SSIM up to 4e-3",
    ),
)
