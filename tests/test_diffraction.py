"""Diffraction: Zernike polynomials against their closed forms, the Airy pattern, tilts, and other machines' FFTs."""

import numpy as np
import pytest
from scipy.special import j1, jn_zeros

from deblurbench.blur.diffraction import PUPIL, Diffraction, Pupil, noll_degrees, zernike
from deblurbench.draws import Draws

# Noll 1976, table I: the first 15 in rho and theta.
CLOSED = {
    1: lambda r, t: np.ones_like(r),
    2: lambda r, t: 2 * r * np.cos(t),
    3: lambda r, t: 2 * r * np.sin(t),
    4: lambda r, t: 3**0.5 * (2 * r**2 - 1),
    5: lambda r, t: 6**0.5 * r**2 * np.sin(2 * t),
    6: lambda r, t: 6**0.5 * r**2 * np.cos(2 * t),
    7: lambda r, t: 8**0.5 * (3 * r**3 - 2 * r) * np.sin(t),
    8: lambda r, t: 8**0.5 * (3 * r**3 - 2 * r) * np.cos(t),
    9: lambda r, t: 8**0.5 * r**3 * np.sin(3 * t),
    10: lambda r, t: 8**0.5 * r**3 * np.cos(3 * t),
    11: lambda r, t: 5**0.5 * (6 * r**4 - 6 * r**2 + 1),
    12: lambda r, t: 10**0.5 * (4 * r**4 - 3 * r**2) * np.cos(2 * t),
    13: lambda r, t: 10**0.5 * (4 * r**4 - 3 * r**2) * np.sin(2 * t),
    14: lambda r, t: 10**0.5 * r**4 * np.cos(4 * t),
    15: lambda r, t: 10**0.5 * r**4 * np.sin(4 * t),
}


def stream(item):
    return Draws(3, item, "blur")


@pytest.mark.parametrize("index", CLOSED)
def test_zernike_polynomials_are_nolls(index):
    rng = np.random.default_rng(index)
    radius, angle = rng.random(200), rng.uniform(-np.pi, np.pi, 200)
    assert zernike(index, radius, angle) == pytest.approx(CLOSED[index](radius, angle), abs=1e-12)


def test_zernike_polynomials_are_orthonormal():
    """By Gauss-Legendre quadrature along the radius and even angles around, both exact for these polynomials."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    angles = 2 * np.pi * np.arange(48) / 48
    radius, angle = np.meshgrid((nodes + 1) / 2, angles, indexing="ij")
    area = np.broadcast_to((weights * (nodes + 1) / 2)[:, None] / 48, radius.shape)  # r dr dtheta / pi
    values = np.array([zernike(index, radius, angle).ravel() for index in range(1, 67)])
    assert (values * area.ravel()) @ values.T == pytest.approx(np.eye(66), abs=1e-11)


def test_degrees_run_through_every_order_once():
    seen = [(*noll_degrees(index), index % 2) for index in range(1, 67)]
    assert len({(n, m, odd if m else 0) for n, m, odd in seen}) == 66
    assert all((n - m) % 2 == 0 and m <= n for n, m, _ in seen)
    assert seen[-1][0] == 10


@pytest.mark.parametrize("cutoff", [0.1, 0.2, 0.25])
def test_without_aberrations_it_is_the_airy_pattern(cutoff):
    size = 2 * int(np.ceil(3 / cutoff)) + 1
    offsets = np.arange(size) - size // 2
    v = 2 * np.pi * cutoff * np.hypot(offsets[:, None], offsets)
    v[size // 2, size // 2] = 1e-9
    airy = (2 * j1(v) / v) ** 2
    pattern = Pupil(cutoff).image(Pupil(cutoff).waves(1, ()), size)
    assert np.abs(pattern / pattern.max() - airy).max() < 2e-4
    weights = Diffraction(cutoff=cutoff, coefficients=(0.0,) * 8).draw(stream("")).operator.weights
    assert np.abs(weights - airy / airy.sum()).max() < 1e-4


def test_the_first_dark_ring_lies_where_it_should():
    """At 3.8317 / (2 pi cutoff): where a cutoff puts it on a pixel, that pixel is dark."""
    cutoff = jn_zeros(1, 1)[0] / (2 * np.pi * 6)
    pattern = Pupil(cutoff).image(Pupil(cutoff).waves(4, (0.0,)), 15)
    row = pattern[7] / pattern.max()
    assert row[13] < 1e-6
    assert row[12] > 1e-3
    assert row[14] > 1e-3


@pytest.mark.parametrize(("first", "expected"), [((2, (0.4,)), (0, 4)), ((3, (0.4,)), (-4, 0))])
def test_tilts_move_it_right_and_up(first, expected):
    """A tilt of c moves it by 2 c / cutoff pixels."""
    pupil = Pupil(0.2)
    moved, still = (pupil.image(pupil.waves(index, c), 25) for index, c in (first, (4, (0.0,))))
    inner = slice(6, -6)
    assert moved[inner, inner] == pytest.approx(np.roll(still, expected, axis=(0, 1))[inner, inner], abs=1e-6 * 25**4)


def test_coma_has_its_tail_where_rays_say():
    """Rays land at the slope of the wave: for polynomial 7, 9 y^2 + 3 x^2 - 2 upwards, from -2 (many) to 7 (few)."""
    taps = Diffraction(noll=(7, 7), coefficients=(0.2,)).draw(stream("")).operator.taps
    assert np.abs(taps - taps[:, ::-1]).max() <= 1
    assert np.abs(taps - taps[::-1]).max() > 1000
    assert np.argmax(taps.sum(axis=1)) > len(taps) // 2  # the core lies below the centroid, the tail above


def test_coefficients_are_even_within_the_amplitude():
    drawn = np.array([Diffraction(amplitude=0.1).draw(stream(f"{i}")).parameters["coefficients"] for i in range(60)])
    assert drawn.shape == (60, 8)
    assert np.abs(drawn).max() <= 0.1
    assert np.abs(drawn).mean() == pytest.approx(0.05, abs=0.005)
    assert np.abs(drawn.mean(axis=0)).max() < 0.03


@pytest.mark.parametrize("amplitude", [0.075, 0.15])
def test_it_is_put_in_the_centre(amplitude):
    for i in range(20):
        weights = Diffraction(amplitude=amplitude).draw(stream(f"{i}")).operator.weights
        offsets = np.arange(len(weights)) - len(weights) // 2
        assert np.hypot(weights.sum(axis=0) @ offsets, weights.sum(axis=1) @ offsets) < 0.01


def test_another_fft_gives_the_same_kernels(monkeypatch):
    """The transform as a plain matrix product instead, and aberrations a few last digits off."""
    items = [f"{i}" for i in range(15)]
    expected = [Diffraction(amplitude=0.15).draw(stream(item)).operator.id for item in items]
    turns = np.outer(np.arange(PUPIL), np.arange(PUPIL)) % PUPIL / PUPIL
    matrix = np.exp(-2j * np.pi * turns)
    monkeypatch.setattr(np.fft, "fft", lambda lines, axis: lines @ matrix)
    rng = np.random.default_rng(0)
    waves = Pupil.waves

    def noisy(*args):
        exact = waves(*args)
        return exact * (1 + rng.integers(-4, 5, exact.shape) * np.finfo(float).eps)

    monkeypatch.setattr(Pupil, "waves", noisy)
    assert [Diffraction(amplitude=0.15).draw(stream(item)).operator.id for item in items] == expected


def test_amplitude_and_given_coefficients_exclude_each_other():
    with pytest.raises(ValueError, match="leave the amplitude out"):
        Diffraction(coefficients=(0.0,) * 8, amplitude=0.1)
