"""The estimator must diagonalise the blur, find known sigmas, and survive pictures that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from deblurbench.blur.convolve import convolve, reflect101
from deblurbench.blur.estimate import (
    Candidate,
    cosine_transform,
    estimate,
    fit_spectrum,
    frequencies,
    gaussian_bank,
    power,
    spread,
    transfer,
)
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import Kernel, quantise

DELTA = quantise([[1.0]])


def gaussian(sigma):
    return Gaussian(sigma=sigma).kernel()


def unrounded_blur(plane, kernel):
    """The blur of a plane as sums of products, before any rounding."""
    height, width = plane.shape
    rows, columns = kernel.taps.shape
    padded = plane[reflect101(height, rows, rows)][:, reflect101(width, columns, columns)]
    total = np.zeros(plane.shape)
    for (y, x), tap in np.ndenumerate(kernel.taps):
        top, left = rows - (y - rows // 2), columns - (x - columns // 2)
        total += int(tap) * padded[top : top + height, left : left + width]
    return total / 65536


def texture(seed, beta, height=256, width=448):
    """A sharp uint8 picture whose power falls as f^-beta, made in the cosine domain; its channels differ little."""
    random = np.random.default_rng(seed)
    f = np.maximum(np.hypot(frequencies(height)[:, None], frequencies(width)), 0.02)
    grey, colour = (
        cosine_transform(random.normal(size=(n, height, width)) * f ** (-beta / 2), inverse=True) for n in (1, 3)
    )
    planes = grey / grey.std() + 0.3 * colour / colour.std()
    return np.clip(np.rint(np.moveaxis(planes, 0, 2) * 35 + 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(19, 32), (5, 4), (2, 9), (1, 6)])
@pytest.mark.parametrize("size", [3, 11])
def test_cosine_transform_diagonalises_symmetric_blur(shape, size):
    plane = np.random.default_rng(1).integers(0, 256, shape)
    kernel = GaussianOpenCV(sigma=1.3, size=size).kernel()
    blurred = unrounded_blur(plane, kernel)
    factor = transfer(kernel, *(frequencies(n) for n in shape))
    assert np.abs(factor.imag).max() < 1e-12
    predicted = cosine_transform(cosine_transform(plane.astype(float)) * factor.real, inverse=True)
    assert np.abs(predicted - blurred).max() < 1e-9
    picture = np.repeat(plane[:, :, None], 3, axis=2).astype(np.uint8)
    assert np.array_equal(np.floor(blurred + 0.5), convolve(picture, kernel)[:, :, 0])


def test_transfer_of_an_asymmetric_kernel_is_its_fourier_transform():
    kernel = Kernel(np.array([[0, 0, 0], [0, 32768, 0], [0, 0, 32768]], dtype=np.int32))
    rows, columns = np.array([0.0, 0.7]), np.array([0.0, -1.1, 2.0])
    expected = (1 + np.exp(-1j * (rows[:, None] + columns))) / 2
    assert np.abs(transfer(kernel, rows, columns) - expected).max() < 1e-12


def test_every_candidate_keeps_the_mean_and_is_symmetric():
    bank = gaussian_bank()
    assert len({candidate.kernel.id for candidate in bank}) == len(bank)
    for candidate in bank:
        assert candidate.kernel.is_symmetric()
        assert transfer(candidate.kernel, np.zeros(1), np.zeros(1))[0, 0] == pytest.approx(1, abs=1e-12)
    ideal = [float(c.label.split()[1]) for c in bank if c.label.startswith("gaussian ")]
    assert ideal[0] == 0.3
    assert ideal[-1] == 3.0
    assert max(np.diff(ideal)) <= 0.1


def test_power_of_white_noise_is_its_variance():
    noise = np.random.default_rng(2).normal(0, 3, (200, 300))
    assert power(noise)[1:-1, 1:-1].mean() == pytest.approx(9, rel=0.02)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.17, 1.2, 1.43, 1.6, 2.28])
@pytest.mark.parametrize("beta", [2.3, 2.9])
def test_finds_the_sigma_of_textures(sigma, beta):
    picture = convolve(texture(round(100 * sigma), beta), gaussian(sigma))
    found = estimate(picture)
    # A texture without any softness reads a little sharp: the prior expects that of photographs.
    assert found.spread == pytest.approx(spread(gaussian(sigma)), abs=0.12 if sigma < 0.8 else 0.07)
    assert spread(found.kernel) == pytest.approx(found.spread, abs=0.1)


def test_reports_the_spectrum_and_the_rounding_noise():
    sharp = texture(7, 2.6)
    found = estimate(convolve(sharp, gaussian(1.4)))
    assert found.spectrum.beta == pytest.approx(2.6, abs=0.4)
    assert found.spectrum.noise == pytest.approx(1 / 12, rel=0.5)
    plane = sharp.astype(float).sum(axis=2) / np.sqrt(3)
    at_one = np.abs(np.hypot(frequencies(256)[:, None], frequencies(448)) - 1) < 0.05
    assert fit_spectrum(power(plane), DELTA).amplitude == pytest.approx(power(plane)[at_one].mean(), rel=0.35)


def test_posterior_is_a_distribution_with_its_peak_at_the_best():
    found = estimate(convolve(texture(3, 2.5), gaussian(1.2)))
    assert found.posterior.sum() == pytest.approx(1)
    assert found.index == int(np.argmax(found.posterior))
    assert found.kernel is found.bank[found.index].kernel


def test_tells_the_direction_of_motion_with_a_foreign_bank():
    line = np.zeros((9, 9))
    line[4] = 1
    across, down, diagonal = quantise(line), quantise(line.T), quantise(np.eye(9))
    bank = (Candidate("across", across), Candidate("down", down), Candidate("diagonal", diagonal))
    for i, kernel in enumerate((across, down, diagonal)):
        assert estimate(convolve(texture(i, 2.6), kernel), bank).index == i


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (7, 7), (64, 64)])
def test_constant_and_tiny_pictures_give_finite_answers(shape):
    random = np.random.default_rng(4)
    for picture in (
        np.full((*shape, 3), 77, dtype=np.uint8),
        random.integers(0, 256, (*shape, 3)).astype(np.uint8),
    ):
        found = estimate(picture)
        assert np.isfinite(found.log_evidence).all()
        assert found.posterior.sum() == pytest.approx(1)
        assert np.isfinite(found.spectrum.parameters).all()
