"""`kornia`: its `psnr` and `ssim` with a window of 11."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

KORNIA = Protocol(
    name="kornia",
    version=1,
    summary="kornia's psnr, and ssim with window_size 11 over the whole picture with a reflected border",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", lambda pair: pair.reflected_ssim(eps=1e-12))),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.LIBRARY_FLOATS,
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.GAUSSIAN + "; 1e-12 is added to the denominator, which shows in nearly black pictures (1e-5)",
        covariance=words.POPULATION,
        padding=words.REFLECTED,
        range="1",
        aggregation=words.PER_PICTURE + ", one picture per batch: of a larger batch, kornia's PSNR pools the error",
        infinities=words.INFINITE,
        used_by="results that name kornia.metrics; its documentation's examples have a window of 5, another number",
        source="kornia 0.9.0: psnr(max_val=1.0), ssim(window_size=11), float64 tensors",
        tolerance=words.TO_DIGIT,
    ),
)
