"""Wiener deconvolution must undo known and unknown blur, on both of its border paths, and harm nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data_dir

from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.images.codec import read_rgb
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench_baselines.classical import identity, wiener
from deblurbench_baselines.classical.belief import Belief, certain
from deblurbench_baselines.classical.border import Cosines, Mirror


def photo(name):
    return resize(crop_to_ratio(read_rgb(Path(data_dir) / name), 7, 4), 256, 448)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def gain(restored, blurred, sharp):
    return psnr(restored, sharp) - psnr(blurred, sharp)


def asymmetric():
    """A short curved shake, brightest at one end: no symmetry at all."""
    return quantise([[0, 0, 0, 0, 3], [0, 0, 1, 4, 0], [0, 2, 6, 0, 0], [0, 9, 0, 0, 0], [5, 0, 0, 0, 0]])


@pytest.mark.parametrize(("size", "sigma", "least"), [(7, 1.0, 6.0), (9, 1.2, 5.0), (11, 1.6, 3.5)])
def test_blind_gain_on_photographs(size, sigma, least):
    gains = []
    for name in ("astronaut.png", "coffee.png"):
        sharp = photo(name)
        blurred = convolve(sharp, GaussianOpenCV(size=size, sigma=sigma).kernel())
        restored = wiener.restore(blurred)
        assert restored.dtype == np.uint8
        assert restored.shape == blurred.shape
        gains.append(gain(restored, blurred, sharp))
    assert np.mean(gains) > least
    assert min(gains) > least - 1


def test_blind_restoration_leaves_a_nearly_sharp_picture_alone():
    sharp = photo("coffee.png")
    blurred = convolve(sharp, GaussianOpenCV(size=3, sigma=0.3).kernel())
    assert np.array_equal(wiener.restore(blurred), blurred)
    assert np.array_equal(wiener.restore(sharp), sharp)


def test_blind_restoration_leaves_a_picture_alone_that_says_nothing():
    stripes = np.zeros((128, 128, 3), dtype=np.uint8)
    stripes[:, 50:] = 200  # all its power lies on one axis of the spectrum
    blurred = convolve(stripes, GaussianOpenCV(sigma=1.2).kernel())
    assert np.array_equal(wiener.restore(blurred), blurred)


def test_known_kernel_gain_with_the_cosine_path():
    sharp = photo("astronaut.png")
    kernel = GaussianOpenCV(sigma=1.6).kernel()
    assert kernel.is_symmetric()
    blurred = convolve(sharp, kernel)
    restored = wiener.deconvolve(blurred, kernel)
    assert gain(restored, blurred, sharp) > 4
    frame = np.ones(sharp.shape[:2], dtype=bool)
    frame[8:-8, 8:-8] = False  # the border is restored as well as the rest
    assert gain(restored[frame], blurred[frame], sharp[frame]) > 4


@pytest.mark.parametrize(("kernel", "least"), [(asymmetric(), 10), (quantise(np.eye(9)), 1)], ids=["shake", "diagonal"])
def test_known_kernel_gain_with_the_mirror_path(kernel, least):
    sharp = resize(photo("astronaut.png"), 128, 224)
    assert not kernel.is_symmetric()
    blurred = convolve(sharp, kernel)
    restored = wiener.deconvolve(blurred, kernel)
    assert gain(restored, blurred, sharp) > least


def test_an_asymmetric_kernel_is_convolution_not_correlation():
    sharp = resize(photo("astronaut.png"), 128, 224)
    blurred = convolve(sharp, asymmetric())
    turned = Kernel(asymmetric().taps[::-1, ::-1])
    assert gain(wiener.deconvolve(blurred, turned), blurred, sharp) < 0


def test_a_kernel_that_quantisation_left_a_unit_off_is_restored_no_worse():
    sharp = resize(photo("astronaut.png"), 128, 224)
    kernels = [Gaussian(sigma=sigma).kernel() for sigma in np.arange(0.7, 1.3, 0.02)]
    crooked = next(kernel for kernel in kernels if not kernel.is_symmetric())
    taps = (crooked.taps + crooked.taps[::-1] + crooked.taps[:, ::-1] + crooked.taps[::-1, ::-1]) // 4
    taps[taps.shape[0] // 2, taps.shape[1] // 2] += 65536 - taps.sum()
    blurred = convolve(sharp, crooked)
    gains = [gain(wiener.deconvolve(blurred, kernel), blurred, sharp) for kernel in (crooked, Kernel(taps))]
    assert gains[0] == pytest.approx(gains[1], abs=0.1)


@pytest.mark.parametrize("shape", [(40, 65), (2, 9), (1, 8), (1, 1)])
def test_both_paths_agree_for_symmetric_kernels(shape):
    planes = np.random.default_rng(5).normal(100, 30, (3, *shape))
    kernels = [GaussianOpenCV(sigma=sigma).kernel() for sigma in (1.0, 1.3)]
    weights = np.array([0.25, 0.75])
    belief = Belief(kernels, weights, kernels[0])
    cosines = wiener.wiener_filter(Cosines(*shape), planes, belief)
    mirror = wiener.wiener_filter(Mirror(*shape), planes, belief, caution=(1.0,))
    assert np.abs(cosines - mirror).max() < 1e-11 * np.abs(planes).max() + 1e-11 * np.abs(cosines).max()


def test_both_paths_agree_on_a_photograph_away_from_its_border():
    sharp = photo("astronaut.png")
    kernel = GaussianOpenCV(sigma=1.2).kernel()
    planes = np.moveaxis(convolve(sharp, kernel).astype(float), 2, 0)
    caution = (100.0, 1.0)  # the first pass gives the second another border than the mirror of the cosines
    cosines = wiener.wiener_filter(Cosines(*sharp.shape[:2]), planes, certain(kernel))
    mirror = wiener.wiener_filter(Mirror(*sharp.shape[:2]), planes, certain(kernel), caution)
    difference = np.abs(cosines - mirror)
    assert difference[:, 32:-32, 32:-32].max() < 0.1
    assert difference.max() > 0.1


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 1), (1, 50), (16, 16), (40, 70)])
@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_pictures_stay_as_they_are(shape, value):
    picture = np.full((*shape, 3), value, dtype=np.uint8)
    for kernel in (GaussianOpenCV(sigma=1.6).kernel(), asymmetric()):
        assert np.array_equal(wiener.deconvolve(picture, kernel), picture)
    assert np.array_equal(wiener.restore(picture), picture)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 50), (17, 16), (33, 40)])
def test_small_noisy_pictures_keep_shape_and_dtype(shape):
    picture = np.random.default_rng(6).integers(0, 256, (*shape, 3)).astype(np.uint8)
    for restored in (wiener.restore(picture), wiener.deconvolve(picture, asymmetric())):
        assert restored.dtype == np.uint8
        assert restored.shape == picture.shape


def test_overshoot_is_clipped_not_wrapped():
    y, x = np.ogrid[:96, :96]
    disc = np.hypot(y - 48, x - 48) < 30
    sharp = np.where(disc[:, :, None], np.uint8([255, 255, 0]), np.uint8([0, 255, 255]))
    kernel = GaussianOpenCV(sigma=1.2).kernel()
    blurred = convolve(sharp, kernel)
    restored = wiener.deconvolve(blurred, kernel)
    assert gain(restored, blurred, sharp) > 3
    assert restored[44:52, 44:52, 2].max() < 30
    assert restored[:8, :8, 1].min() > 225


def test_restoring_is_deterministic_and_leaves_its_input_alone():
    blurred = convolve(photo("coffee.png"), GaussianOpenCV(sigma=1.2).kernel())
    before = blurred.copy()
    first, second = wiener.restore(blurred), wiener.restore(blurred)
    assert np.array_equal(first, second)
    assert np.array_equal(blurred, before)


def test_identity_returns_a_copy():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    restored = identity.restore(picture)
    assert np.array_equal(restored, picture)
    assert restored is not picture
