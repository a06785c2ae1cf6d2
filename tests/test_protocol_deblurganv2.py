"""`deblurganv2`: the published values, CW-SSIM against plain convolutions, truncation."""

import csv

import numpy as np
import pytest
from conftest import noise
from PIL import Image
from scipy.signal import convolve

from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.metrics.cw_ssim import cw_ssim, grey
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import find_protocol
from deblurbench.sources import deadleaves

PROTOCOL = find_protocol("deblurganv2")
NAMES = {"psnr": "psnr_db", "ssim_train_log": "ssim", "cw_ssim": "cw_ssim"}
PINNED = {"psnr_db": 49.59186950434596, "ssim": 0.9952780157433726, "cw_ssim": 0.9895012891089023}


def values(pair):
    return {metric.name: metric.function(pair) for metric in PROTOCOL.metrics}


def test_published_values(shared):
    vectors = shared / "protocol_vectors"
    with (vectors / "expected.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["protocol"] == PROTOCOL.name and row["metric"] in NAMES]
    expected = {(row["pair"], NAMES[row["metric"]]): float(row["value"]) for row in rows}
    files = [*sorted((vectors / "pred").glob("*.png")), vectors / "pred_float" / "f12_float.npy"]
    for file in files:
        sharp = vectors / file.parent.name.replace("pred", "sharp") / f"{file.stem}.png"
        ours = values(Reading(Opened(file), Opened(sharp)).compared(PROTOCOL))
        for metric, value in ours.items():
            assert value == pytest.approx(expected[file.stem, metric], abs=1e-9), (file.stem, metric)
    assert len(files) == 12


def test_pinned_values():
    sharp = np.asarray(deadleaves.draw(4, 0, 90, 120))
    prediction = ((sharp.astype(int) + np.roll(sharp, 1, axis=1) + np.roll(sharp, 1, axis=0)) // 3).astype(np.uint8)
    assert values(Compared(prediction, sharp)) == pytest.approx(PINNED, abs=1e-9)


def test_floats_are_truncated():
    levels = np.full((20, 20, 3), 99.9 / 255)
    pair = Reading(Opened(levels), Opened(np.full((20, 20, 3), 99, np.uint8))).compared(PROTOCOL)
    assert values(pair) == pytest.approx({"psnr_db": 100, "ssim": 1, "cw_ssim": 1}, abs=1e-9)


def test_grey_is_pillows():
    picture = noise(50, 60)
    assert np.array_equal(grey(picture), np.asarray(Image.fromarray(picture).convert("L")))
    assert np.array_equal(grey(picture[:, :, 0]), picture[:, :, 0])


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (10, 30), (17, 19), (61, 62), (70, 130)])
def test_cw_ssim_is_the_formula(size):
    """Signals shorter than a wavelet, of about one block (4096 less what wavelets reach), and of several."""
    pair = noise(*size, seed=1), noise(*size, seed=2)
    a, b = ([_filtered(grey(picture).ravel(), width) for width in range(1, 31)] for picture in pair)
    both = np.sum(np.multiply(a, b), axis=0)
    lengths = np.sum(np.square(a), axis=0) + np.sum(np.square(b), axis=0)
    first = (2 * np.sum(np.abs(np.multiply(a, b)), axis=0) + 0.01) / (lengths + 0.01)
    second = (2 * np.abs(both) + 0.01) / (2 * np.sum(np.abs(np.multiply(a, b)), axis=0) + 0.01)
    assert cw_ssim(*pair) == pytest.approx(np.mean(first * second), abs=1e-10)


def _filtered(signal, width):
    length = min(10 * width, len(signal))
    t = np.arange(length) - (length - 1) / 2
    ricker = (1 - t**2 / width**2) * np.exp(-(t**2) / (2 * width**2)) * 2 / np.sqrt(3 * width) / np.pi**0.25
    return convolve(signal, ricker, mode="same", method="direct")


def test_what_is_neither_grey_nor_rgb_has_no_cw_ssim():
    assert values(Compared(*[noise(20, 20, None)] * 2))["cw_ssim"] == pytest.approx(1)
    assert values(Compared(*[noise(20, 20, 4)] * 2))["cw_ssim"] is None


def test_cw_ssim_is_symmetric_and_one_for_equals():
    a, b = noise(40, 50, seed=1), noise(40, 50, seed=2)
    assert cw_ssim(a, b) == pytest.approx(cw_ssim(b, a), abs=1e-12)
    assert cw_ssim(a, a) == pytest.approx(1, abs=1e-12)
    assert cw_ssim(a, b) < 0.9
