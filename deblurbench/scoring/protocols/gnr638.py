"""`gnr638-eval`: the evaluation script of IIT Bombay's course GNR638 (spring 2024, mini-project 2).

The script reads both files with `skimage.io.imread`, takes `peak_signal_noise_ratio(sharp, prediction)` and
averages the dB over the pictures. It defines no SSIM; the one beside it is our addition, that of `basicsr-rgb`.
"""

from __future__ import annotations

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import SKIMAGE
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words

GNR638_EVAL = Protocol(
    name="gnr638-eval",
    version=1,
    summary="the GNR638 course's eval.py: mean of per-picture PSNR of the decoded 8-bit pictures",
    reader=SKIMAGE,
    metrics=(Metric("psnr_db", Compared.psnr), Metric("ssim", Compared.gaussian_ssim, added=True)),
    recipe=Recipe(
        reader=words.SKIMAGE_READER,
        colour="all decoded channels together",
        dtype=words.PICTURES,
        rounding=words.ROUNDED,
        crop=words.NO_CROP,
        window="the script has no SSIM; the added one is basicsr-rgb's",
        covariance=words.POPULATION,
        padding=words.VALID,
        range=words.NO_RANGE,
        aggregation=words.PER_PICTURE,
        infinities=words.INFINITE,
        used_by="the GNR638 course, 2024",
        source="the course's eval.py, with scikit-image 0.26.0",
        tolerance=words.TO_DIGIT,
    ),
)
