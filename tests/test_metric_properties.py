"""What holds for PSNR and SSIM whatever the pictures: symmetry, range, invariance, and what others compute."""

import math

import numpy as np
import pytest
import torch
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate1d
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from deblurbench.scoring import aggregate
from deblurbench.scoring.metrics import fused, luma, plain, scales
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.metrics.windows import GAUSSIAN
from deblurbench.scoring.protocol import find_protocol

FORMS = {
    "gaussian": Compared.gaussian_ssim,
    "relu": lambda pair: pair.gaussian_ssim(relu=True),
    "reflected": Compared.reflected_ssim,
    "volume": Compared.volume_ssim,
    "uniform": Compared.uniform_ssim,
}
PER_CHANNEL = sorted(FORMS.keys() - {"volume"})


@st.composite
def pictures(draw, least=11, most=26, channels=(None, 1, 3, 4)):
    """A prediction and a sharp picture: noise, smooth or flat, more or less alike; uint8, or float64 in 0 .. 1."""
    height, width = draw(st.integers(least, most)), draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.sampled_from(channels))
    shape = (height, width) if count is None else (height, width, count)
    low, high = sorted(draw(st.tuples(st.integers(0, 255), st.integers(0, 255))))
    sharp = rng.integers(low, high + 1, shape)
    if draw(st.booleans()):
        sharp = np.sort(sharp, axis=1)
    off = draw(st.integers(0, 60))
    other = np.clip(sharp + rng.integers(-off, off + 1, shape), 0, 255)
    pair = other.astype(np.uint8), sharp.astype(np.uint8)
    return tuple(p / 255 for p in pair) if draw(st.booleans()) else pair


@st.composite
def many(draw):
    return draw(st.lists(pictures(channels=[3]), min_size=1, max_size=4))


def values(prediction, sharp, code=fused):
    """What is defined for the pictures."""
    pair = Compared(prediction, sharp, code=code)
    found = {"psnr": pair.psnr()} | {name: form(pair) for name, form in FORMS.items()}
    return {name: value for name, value in found.items() if value is not None}


def near(first, second):
    assert first == pytest.approx(second, rel=0, abs=1e-10)


@given(pictures())
def test_prediction_and_sharp_may_change_places(pair):
    near(values(*pair), values(*pair[::-1]))


def test_but_not_where_the_peak_is_guessed_from_the_prediction():
    dark, bright = np.zeros((20, 20, 3), np.uint8), noise(20, 20)
    for name in ("nafnet", "deepdeblur"):
        psnr = find_protocol(name).metrics[0].function
        assert psnr(Compared(bright, dark)) - psnr(Compared(dark, bright)) == pytest.approx(20 * math.log10(255))


@given(pictures())
def test_ssim_lies_between_minus_1_and_1(pair):
    found = values(*pair)
    assert all(-1 - 1e-12 <= found[name] <= 1 + 1e-12 for name in FORMS)
    assert found["relu"] >= found["gaussian"] - 1e-12
    assert found["psnr"] >= 0


@given(pictures())
def test_only_equal_pictures_are_equal(pair):
    prediction, sharp = pair
    near(values(sharp, sharp), {"psnr": math.inf} | dict.fromkeys(FORMS, 1.0))
    if not np.array_equal(prediction, sharp):
        assert values(*pair)["psnr"] < math.inf


@given(pictures(), st.sampled_from([np.flipud, np.fliplr, lambda p: p.swapaxes(0, 1)]))
def test_turning_both_pictures_changes_nothing(pair, turn):
    near(values(*map(turn, pair)), values(*pair))


@given(pictures(channels=[3]), st.permutations(range(3)))
def test_the_order_of_colours_changes_nothing_per_channel(pair, order):
    mixed, plain_ones = values(*(p[..., order] for p in pair)), values(*pair)
    near({n: mixed[n] for n in ("psnr", *PER_CHANNEL)}, {n: plain_ones[n] for n in ("psnr", *PER_CHANNEL)})


def test_but_it_changes_matlabs_which_mixes_neighbours():
    sharp = np.concatenate([noise(20, 20, 1), noise(20, 20, 1, seed=1) // 4, noise(20, 20, 1, seed=2) // 16], axis=2)
    pair = np.roll(sharp, 1, axis=0), sharp
    assert abs(values(*(p[..., [1, 0, 2]] for p in pair))["volume"] - values(*pair)["volume"]) > 0.01


@given(st.integers(1, 127), st.integers(1, 30), st.integers(1, 30))
def test_a_known_error_gives_a_known_psnr(step, height, width):
    sharp = noise(height, width) // 2
    other = sharp + np.uint8(step)
    assert Compared(other, sharp).psnr() == pytest.approx(20 * math.log10(255 / step), abs=1e-12)
    assert Compared(other / 255, sharp / 255).psnr() == pytest.approx(20 * math.log10(255 / step), abs=1e-9)
    capped = Compared(other, sharp).psnr(eps=1e-8)
    assert capped == pytest.approx(-10 * math.log10((step / 255) ** 2 + 1e-8), abs=1e-12)
    assert (Compared(sharp, sharp).psnr(eps=1e-8), Compared(sharp, sharp).psnr(at_zero=100)) == (80, 100)
    errors = {m.name: m.function(Compared(other, sharp)) for m in find_protocol("pixel-errors").metrics}
    assert errors == {"mse": step**2, "mae": step}


@given(pictures())
def test_engines_agree(pair):
    near(values(*pair, code=fused), values(*pair, code=plain))


@pytest.mark.parametrize("shape", [(80, 401, 3), (300, 30, 1), (11, 11, 3), (7, 500, 2)])
def test_engines_agree_on_long_rows_and_columns(shape):
    """Longer than a strip of columns, and than the ring of rows."""
    sharp, other = (np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8) for seed in (1, 2))
    near(values(other, sharp, code=fused), values(other, sharp, code=plain))
    floats = (other / 255, sharp / 255)
    near(values(*floats, code=fused), values(*floats, code=plain))
    fast = Compared(other, sharp, exact=False, code=fused).gaussian_ssim()
    exact = values(other, sharp).get("gaussian")
    assert fast == (None if exact is None else pytest.approx(exact, abs=1e-6))


@given(pictures(least=7))
def test_psnr_and_the_windows_that_fit_are_scikit_images(pair):
    prediction, sharp = pair
    found = values(prediction, sharp)
    peak = 255 if sharp.dtype == np.uint8 else 1
    options = {"data_range": peak, "channel_axis": 2 if sharp.ndim == 3 else None}
    near(found["uniform"], structural_similarity(sharp, prediction, **options))
    if min(sharp.shape[:2]) > 10:
        options |= {"gaussian_weights": True, "use_sample_covariance": False}
        near(found["gaussian"], structural_similarity(sharp, prediction, **options))
    if not np.array_equal(prediction, sharp):
        near(found["psnr"], peak_signal_noise_ratio(sharp, prediction, data_range=peak))


def foreign_ssim(prediction, sharp, peak, mode, axes, eps=0.0):
    """SSIM by scipy's filters along some axes, over the whole picture, by the formula of the paper."""

    def mean(z):
        for axis in axes:
            z = correlate1d(z, GAUSSIAN, axis=axis, mode=mode)
        return z

    x, y, c1, c2 = prediction / peak, sharp / peak, 0.01**2, 0.03**2
    a, b = mean(x), mean(y)
    variances, covariance = mean(x * x) + mean(y * y) - a * a - b * b, mean(x * y) - a * b
    return np.mean(
        (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2) + eps), dtype=float
    )


@given(pictures(least=6))
def test_whole_pictures_are_as_scipy_filters_them(pair):
    """MATLAB's: along colour too. The others': what scipy calls mirror, others call reflect."""
    compared = Compared(*pair)
    axes = range(pair[0].ndim)
    near(compared.volume_ssim(), foreign_ssim(*pair, compared.peak, "nearest", axes))
    for eps in (0.0, 1e-12):
        near(compared.reflected_ssim(eps=eps), foreign_ssim(*pair, compared.peak, "mirror", (0, 1), eps))


def test_what_is_too_small_or_no_picture_has_no_ssim():
    def of(height, width):
        return values(noise(height, width), noise(height, width, seed=1)).keys()

    assert of(11, 11) == {"psnr", *FORMS}
    assert of(10, 30) == {"psnr", "reflected", "volume", "uniform"}
    assert of(6, 30) == {"psnr", "reflected", "volume"}
    assert of(5, 30) == of(1, 1) == {"psnr", "volume"}
    stack = np.zeros((2, 20, 20, 3), np.uint8)
    assert [form(Compared(stack, stack)) for form in FORMS.values()] == [None] * len(FORMS)


@pytest.mark.parametrize(("height", "side"), [(383, 1), (384, 2), (500, 2), (640, 2), (641, 3)])
def test_piq_averages_as_torch_does(height, side, one_thread):
    """1.5 and 2.5 are rounded to even; what fills no square is dropped."""
    for picture in (noise(height, 643), noise(height, 643) / 255):
        planes = torch.tensor(picture.transpose(2, 0, 1), dtype=torch.float64)
        theirs = torch.nn.functional.avg_pool2d(planes, side).numpy().transpose(1, 2, 0)
        assert np.allclose(scales.smaller(picture), theirs, rtol=0, atol=1e-12)


def test_luma():
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luma.bt601(colours)[0] == pytest.approx([16, 235, 16 + 65.481, 16 + 128.553, 16 + 24.966], abs=1e-5)
    assert luma.yiq(colours)[0].tolist() == [0, 255, 76, 150, 29]
    assert luma.yiq(colours / 255)[0].tolist() == [0, 255, 76, 150, 29]
    grey = noise(9, 9, None)
    assert np.array_equal(luma.yiq(np.stack([grey] * 3, axis=2)), grey)
    assert np.array_equal(luma.yiq(grey), grey)
    assert np.array_equal(luma.bt601(grey), grey)


@given(many())
def test_a_pooled_psnr_is_that_of_all_samples_together(pairs):
    compared = [Compared(*pair) for pair in pairs]
    squares = [np.square((pair.prediction / pair.peak) - pair.sharp / pair.peak) for pair in compared]
    error = sum(map(np.sum, squares)) / sum(s.size for s in squares)
    pooled = aggregate.pooled_psnr([pair.psnr() for pair in compared], [s.size for s in squares])
    near(pooled, -10 * math.log10(error) if error else math.inf)


def test_a_pair_computes_what_protocols_share_once():
    calls = []
    pair = Compared(noise(12, 12), noise(12, 12, seed=1))
    for _ in range(2):
        pair.once("key", lambda: calls.append(1))
        first = pair.derived("half", lambda p: calls.append(2) or p // 2)
    assert calls == [1, 2, 2]
    assert pair.derived("half", lambda p: p) is first
