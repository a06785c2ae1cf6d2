"""`tf`: TensorFlow's `tf.image.psnr` and `tf.image.ssim`."""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import PILLOW
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

TF = Protocol(
    name="tf",
    version=1,
    summary="TensorFlow's tf.image.psnr and tf.image.ssim of 8-bit pictures",
    reader=PILLOW,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.gaussian_ssim)),
    recipe=Recipe(
        reader=words.PILLOW_READER,
        colour=words.RGB,
        dtype="8-bit integers; the code works in float32 in 0 .. 1, here sums are in float64",
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window=words.GAUSSIAN,
        covariance=words.POPULATION,
        padding=words.VALID,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="projects in Keras and TensorFlow",
        source="tensorflow 2.21.0: tf.image.psnr, tf.image.ssim, uint8 tensors, max_val 255",
        tolerance="PSNR 1e-5 dB below 40 dB, 2e-4 dB above; SSIM 2e-3: its float32 loses digits where there is little "
        "variance",
    ),
)
