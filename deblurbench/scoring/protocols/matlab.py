"""`matlab-gopro` and `nafnet`: MATLAB's `ssim` of an RGB array, which takes it as one volume, and its emulation.

MATLAB's window is 11 x 11 x 11 and mixes the colours, which raises SSIM by 0.07 on average.
"""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import MATLAB, OPENCV
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

_VOLUME = "SSIM: Gaussian 11 x 11 x 11, sigma 1.5, over height, width and colour: channels are mixed"

MATLAB_GOPRO = Protocol(
    name="matlab-gopro",
    version=1,
    summary="MATLAB's psnr and ssim of RGB arrays: SSIM of one volume, with a window across colours",
    reader=MATLAB,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.volume_ssim)),
    recipe=Recipe(
        reader=words.MATLAB_READER,
        colour=words.RGB,
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=_VOLUME,
        covariance=words.POPULATION,
        padding=words.REPLICATED,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="MPRNet, Restormer, Stripformer and DeepRFT on GoPro and HIDE; SRN and DMPHN say that they used "
        "MATLAB. These scripts pair files by their order; here, as everywhere, by name",
        source="swz30/Restormer Motion_Deblurring/evaluate_gopro_hide.m @df766d5, and alike; no MATLAB was at hand: "
        "the volume's formula in float64, and by direct convolution in Octave",
        tolerance=words.TO_DIGIT,
    ),
)

NAFNET = Protocol(
    name="nafnet",
    version=1,
    summary="NAFNet's and HINet's emulation of MATLAB's ssim, with a peak that is guessed from the prediction",
    reader=OPENCV,
    metrics=(
        Metric("psnr_db", lambda pair: pair.psnr(peak=pair.guessed_peak)),
        Metric("ssim", lambda pair: pair.volume_ssim(peak=pair.guessed_peak)),
    ),
    recipe=Recipe(
        reader=words.OPENCV_READER,
        colour=words.RGB,
        dtype="8-bit integers; the code filters in float32, here in float64",
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=_VOLUME,
        covariance=words.POPULATION,
        padding=words.REPLICATED,
        range=words.GUESSED,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="NAFNet, HINet, FFTformer, LoFormer",
        source="megvii-research/NAFNet basicsr/metrics/psnr_ssim.py @2b4af71; megvii-model/HINet @4e72315 is equal",
        tolerance="PSNR 1e-9; SSIM 1e-4, the rounding of its float32: of pictures with flat areas 3e-4, of constant "
        "ones up to 0.04",
    ),
)
