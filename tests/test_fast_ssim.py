"""SSIM in float32: within 1e-6 of float64 where it is hardest, and the same through every door."""

import numpy as np
import pytest
from conftest import noise

from deblurbench import compiled
from deblurbench.scoring.metrics import engine, plain
from deblurbench.scoring.metrics.ssim import gaussian_ssim


@pytest.fixture(scope="module")
def fused():
    return pytest.importorskip("deblurbench.scoring.metrics.fused", reason="numba is not installed")


def noisy(base, spread, seed):
    return np.clip(base + np.random.default_rng(seed).normal(0, spread, base.shape), 0, 255).round().astype(np.uint8)


def both(fused, x, y):
    return gaussian_ssim(x, y, exact=False, code=fused), gaussian_ssim(x, y, code=plain)


@pytest.mark.parametrize("level", [0, 1, 20, 128, 250, 255])
@pytest.mark.parametrize("spread", [0.3, 3])
def test_flat_areas_lose_no_digits(fused, level, spread):
    """Variances are small differences of large means there."""
    base = np.full((120, 90, 3), float(level))
    fast, exact = both(fused, noisy(base, spread, 1), noisy(base, spread, 2))
    assert fast == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("axis", [0, 1])
def test_nor_where_dark_and_bright_ones_alternate(fused, axis):
    stripes = np.where(np.arange(600) // 64 % 2, 255.0, 0.0)[:, None, None] + np.zeros((1, 500, 3))
    base = np.moveaxis(stripes, 0, axis)
    fast, exact = both(fused, noisy(base, 2, 1), noisy(base, 2, 2))
    assert fast == pytest.approx(exact, abs=1e-6)


def test_most_pictures_are_filtered_in_float32(fused):
    fast, exact = both(fused, noise(90, 80), noisy(noise(90, 80), 5, 1))
    assert 1e-12 < abs(fast - exact) < 1e-7


def test_nor_where_flat_colours_are_far_off(fused):
    """The differences' variances are small differences of large means too."""
    x, y = (np.full((62, 136, 3), colour) + np.zeros(3) for colour in ([224.0, 71, 194], [61.0, 70, 7]))
    fast, exact = both(fused, noisy(x, 0, 1), noisy(y, 0, 2))
    assert fast == pytest.approx(exact, abs=1e-7)  # 4e-5 where only sums are centred, and all colours at once


def test_what_would_lose_too_many_digits_is_computed_in_float64(fused):
    """White against black and white next to each other: no centre is near all differences."""
    halves = np.zeros((60, 128, 3)) + np.where(np.arange(128) < 64, 0, 255)[None, :, None]
    x, y = np.full((60, 128, 3), 255, np.uint8), (abs(halves - noise(60, 128) % 5)).astype(np.uint8)
    total, _ = fused.gaussian_fast(x, y)
    fast, exact = both(fused, x, y)
    assert abs(1 - total / (50 * 118 * 3) - exact) > 1e-6
    assert fast == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    "shape", [(11, 11, 3), (300, 12, 3), (12, 300, 1), (266, 140, 3), (267, 139, 4), (257, 400, 3)]
)
def test_every_size_and_number_of_channels(fused, shape):
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    fast, exact = both(fused, x, y)
    assert fast == pytest.approx(exact, abs=1e-7)


def test_equal_pictures_are_exactly_one(fused):
    assert both(fused, noise(60, 50), noise(60, 50)) == (1, pytest.approx(1, abs=1e-15))


def test_little_work_is_not_compiled_for(monkeypatch, fused):
    monkeypatch.setattr(compiled, "_is_kept", lambda function: function.__name__ == "uniform")
    monkeypatch.setattr(compiled, "_expected", 0)
    assert (engine.choose().gaussian, engine.choose().uniform) == (plain.gaussian, fused.uniform)
    engine.expect(engine.WORTH_COMPILING["gaussian"] - 1)
    assert (engine.choose().gaussian, engine.choose().squared_error) == (plain.gaussian, fused.squared_error)
    engine.expect(engine.WORTH_COMPILING["gaussian"])
    assert engine.choose().gaussian is fused.gaussian
