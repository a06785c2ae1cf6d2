"""`torchmetrics-pooled` and `torchmetrics-ssim`: the defaults of torchmetrics on tensors in 0 .. 1."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

_SOURCE = "torchmetrics 1.9.0"

TORCHMETRICS_POOLED = Protocol(
    name="torchmetrics-pooled",
    version=1,
    summary="torchmetrics' PSNR: one number per set, from the error over all samples of all pictures",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("psnr_db", Compared.psnr, pooled=True),),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.LIBRARY_FLOATS,
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.NO_SSIM,
        covariance=words.NO_SSIM,
        padding=words.NO_SSIM,
        range="1",
        aggregation="PSNR of the squared error over all samples of the set: large and poor pictures weigh more, and it "
        "lies about 3 dB below the mean of the pictures' values, which are shown beside it",
        infinities="infinite only where all pictures are equal to theirs",
        used_by="training loops that log torchmetrics' PSNR, among them those of PyTorch Lightning",
        source=_SOURCE + ", PeakSignalNoiseRatio(data_range=1.0)",
        tolerance="1e-5 dB: it keeps sums, and the factor from nats to dB, in float32",
    ),
)

TORCHMETRICS_SSIM = Protocol(
    name="torchmetrics-ssim",
    version=1,
    summary="torchmetrics' SSIM: Gaussian over the whole picture, with a reflected border",
    reader=PILLOW,
    rounding="keep",
    metrics=(Metric("ssim", Compared.reflected_ssim),),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype=words.LIBRARY_FLOATS,
        rounding=words.KEPT,
        crop=words.NO_CROP,
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.REFLECTED,
        range="1; without data_range it would be the larger span of the two pictures, which is another number",
        aggregation=words.PER_PICTURE,
        infinities=words.NO_INFINITIES,
        used_by="training loops that log torchmetrics' SSIM, among them those of PyTorch Lightning",
        source=_SOURCE + ", StructuralSimilarityIndexMeasure(data_range=1.0)",
        tolerance="1e-7 of float64 tensors (it returns float32); 5e-5 of float32 tensors",
    ),
)
