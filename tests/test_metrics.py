"""PSNR and SSIM against scikit-image, and against the values that official code gave."""

import csv
import math

import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from deblurbench.images.codec import read_rgb
from deblurbench.scoring.compared import Compared
from deblurbench.scoring.ssim import gaussian_ssim as ssim


def psnr(prediction, sharp):
    return Compared(prediction, sharp).psnr()


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 5), st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_psnr_is_scikit_images(height, width, seed, span):
    sharp = noise(height, width, seed=seed)
    other = np.clip(sharp.astype(int) + noise(height, width, seed=seed + 9) % span - span // 2, 0, 255).astype(np.uint8)
    if np.array_equal(sharp, other):
        assert psnr(other, sharp) == math.inf
    else:
        assert psnr(other, sharp) == pytest.approx(peak_signal_noise_ratio(sharp, other), abs=1e-12)


def test_psnr_of_the_worst_case():
    assert psnr(np.zeros((5, 5, 3), np.uint8), np.full((5, 5, 3), 255, np.uint8)) == 0


@pytest.mark.parametrize("shape", [(40, 33, 3), (40, 33), (11, 11, 3), (25, 30, 4)])
def test_ssim_is_scikit_images_gaussian_one(shape):
    sharp = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    other = (sharp // 2 + np.random.default_rng(2).integers(0, 128, shape)).astype(np.uint8)
    theirs = structural_similarity(
        sharp,
        other,
        gaussian_weights=True,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2 if len(shape) == 3 else None,
    )
    assert ssim(other, sharp) == pytest.approx(theirs, abs=1e-12)


def test_ssim_of_equal_pictures_is_one_and_of_tiny_ones_undefined():
    assert ssim(noise(20, 20), noise(20, 20)) == pytest.approx(1, abs=1e-12)
    assert ssim(noise(10, 40), noise(10, 40)) is None
    assert ssim(np.zeros((2, 20, 20, 3), np.uint8), np.zeros((2, 20, 20, 3), np.uint8)) is None


def test_the_values_of_official_code(shared):
    folder = shared / "protocol_vectors"
    checked = 0
    for row in csv.DictReader((folder / "expected.csv").read_text().splitlines()):
        wanted = {("gnr638-eval", "psnr"): psnr, ("basicsr-rgb", "psnr"): psnr, ("basicsr-rgb", "ssim"): ssim}
        function = wanted.get((row["protocol"], row["metric"]))
        pair = folder / "pred" / f"{row['pair']}.png"
        if function and pair.is_file():
            value = function(read_rgb(pair), read_rgb(folder / "sharp" / pair.name))
            assert value == pytest.approx(float(row["value"]), abs=1e-9), row
            checked += 1
    assert checked == 33
