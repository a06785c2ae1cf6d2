"""`pexels-128` and `gir`: projects that reported numbers but no recipe; what is here is our reading."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words
from deblurbench.scoring.protocols.pixel_errors import squared

_MSE = Metric("mse", squared, lower_is_better=True)
_SSIM = Metric("ssim", Compared.gaussian_ssim)


def _recipe(range_: str, infinities: str, used_by: str) -> Recipe:
    return Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.GAUSSIAN + " (our reading)",
        covariance=words.POPULATION + " (our reading)",
        padding=words.VALID + " (our reading)",
        range=range_,
        aggregation=words.PER_PICTURE + " (our reading)",
        infinities=infinities,
        used_by=used_by,
        source="unpublished: no recipe is known, this is deblurbench's reading",
        tolerance="none can be stated: there is no code to compare with",
    )


PEXELS_128 = Protocol(
    name="pexels-128",
    version=1,
    summary="unpublished, our reading: PSNR, SSIM and MSE (0 .. 255) of the Pexels study at 128 x 128",
    reader=PILLOW,
    metrics=(Metric("psnr_db", Compared.psnr), _SSIM, _MSE),
    recipe=_recipe(
        "255; MSE in squared grey levels of 0 .. 255 (our reading)",
        words.INFINITE,
        "the Pexels study of CNN, GAN and U-Net (30.90 dB, SSIM 0.9261 at best, on its validation pictures)",
    ),
    unpublished=True,
)

GIR = Protocol(
    name="gir",
    version=1,
    summary="unpublished, our reading: MSE (0 .. 255) and SSIM of the Generative Image Rectifier",
    reader=PILLOW,
    metrics=(_MSE, _SSIM),
    recipe=_recipe(
        "255; MSE in squared grey levels of 0 .. 255: the reported 20.2 cannot be on a scale of 0 .. 1",
        "none; equal pictures have MSE 0 and SSIM 1",
        "the Generative Image Rectifier (MSE 20.2065, SSIM 0.8518; how they were computed is not stated)",
    ),
    unpublished=True,
)
