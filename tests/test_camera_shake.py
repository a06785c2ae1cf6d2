"""Camera shake: the published formula by other means, exposures, centring, and that last digits do not matter."""

from statistics import NormalDist

import numpy as np
import pytest

from deblurbench import config
from deblurbench.blur import trajectory as module
from deblurbench.blur.camera_shake import CameraShake
from deblurbench.blur.kernel import UNIT
from deblurbench.blur.trajectory import Shake, exposed, normal_quantiles, splat, trajectory
from deblurbench.draws import Draws
from deblurbench.errors import RecipeError

TYPICAL = Shake(length=60.0, steps=2000, expl=0.01, centripetal=0.4, big_shake=0.2, gaussian_shake=5.0, angle=30.0)


def stream(item="a"):
    return Draws(5, item, "blur")


def published(shake, draws):
    """DeblurGAN's recurrence as its script writes it: complex numbers, pixels, libm; y points up here."""
    words = draws.words(4 * (shake.steps - 1)).reshape(4, -1)
    speed = shake.length / (shake.steps - 1)
    v = np.exp(1j * np.deg2rad(shake.angle)) * shake.expl
    x = [0j]
    impulses = 0
    for trial, turn, push_x, push_y in words.T:
        impulse = 0
        if trial / 2**32 < shake.big_shake * shake.expl:
            impulse = 2 * v * np.exp(1j * (np.pi - (turn / 2**32 - 0.5)))  # -: seen from the other side
            impulses += 1
        normal = complex(normal_quantiles()[push_x >> 18], -normal_quantiles()[push_y >> 18])
        v = v + impulse + shake.expl * (shake.gaussian_shake * normal - shake.centripetal * x[-1]) * speed
        v = v / abs(v) * speed
        x.append(x[-1] + v)
    return np.conj(x), impulses


def test_follows_the_published_recurrence():
    expected, impulses = published(TYPICAL, stream())
    points = trajectory(TYPICAL, stream())
    assert impulses > 0
    assert points.shape == (2000, 2)
    assert np.abs(points[:, 0] + 1j * points[:, 1] - expected).max() < 1e-6


def test_paths_are_as_large_as_those_of_the_published_script():
    """Its 400 paths of standard noise had a mean RMS radius of 5.83 +- 0.12 px, 5 and 95 % at 3.1 and 10.5."""
    radii = []
    for i in range(150):
        shake = Shake(**{k: v for k, v in CameraShake().draw(stream(f"{i}")).parameters.items() if k in vars(TYPICAL)})
        points = trajectory(shake, stream(f"path {i}"))
        radii.append(np.sqrt(points.var(axis=0).sum()))
    assert np.mean(radii) == pytest.approx(5.83, abs=0.6)
    assert np.percentile(radii, [5, 95]) == pytest.approx([3.1, 10.5], rel=0.25)


def test_every_step_has_the_same_length():
    steps = np.diff(trajectory(TYPICAL, stream()), axis=0)
    assert np.hypot(*steps.T) == pytest.approx(60 / 1999, rel=1e-9)


def test_without_perturbation_it_is_a_straight_line_up_and_to_the_right():
    shake = Shake(length=20, steps=201, expl=0, centripetal=0.5, big_shake=0.2, gaussian_shake=9, angle=60)
    points = trajectory(shake, stream())
    assert points[-1] == pytest.approx([20 * np.cos(np.pi / 3), -20 * np.sin(np.pi / 3)], abs=1e-6)
    assert np.abs(points[:, 0] * points[-1, 1] - points[:, 1] * points[-1, 0]).max() < 1e-6


def test_last_digits_of_a_float_do_not_change_a_kernel(monkeypatch):
    expected = [CameraShake(exposures=(1.0,)).draw(stream(f"{i}")).operator.id for i in range(12)]
    rng = np.random.default_rng(0)
    noise = iter(rng.integers(-3, 4, 10**6).tolist())
    calls = []
    monkeypatch.setattr(module, "sqrt", lambda value: calls.append(0) or value**0.5 * (1 + next(noise) * 2.0**-52))
    monkeypatch.setattr(module, "sin", lambda value: float(np.sin(value)) + next(noise) * 2.0**-53)
    monkeypatch.setattr(module, "cos", lambda value: float(np.cos(value)) + next(noise) * 2.0**-53)
    assert [CameraShake(exposures=(1.0,)).draw(stream(f"{i}")).operator.id for i in range(12)] == expected
    assert len(calls) == 12 * 1999


def test_another_libm_gives_the_same_positions(monkeypatch):
    """Sines and cosines off by a digit, other quantiles of the normal distribution: not one bit of the path moves."""
    expected = trajectory(TYPICAL, stream())
    monkeypatch.setattr(module, "sin", lambda value: float(np.sin(value)) + 2.0**-52)
    monkeypatch.setattr(module, "cos", lambda value: float(np.cos(value)) - 2.0**-52)
    inverse = NormalDist.inv_cdf
    monkeypatch.setattr(NormalDist, "inv_cdf", lambda self, p: inverse(self, p) * (1 + 2.0**-51))
    quantiles = normal_quantiles.__wrapped__()
    monkeypatch.setattr(module, "normal_quantiles", lambda: quantiles)
    assert np.array_equal(trajectory(TYPICAL, stream()), expected)


def test_normal_quantiles_are_standard_and_symmetric():
    normal = np.array(normal_quantiles())
    assert np.array_equal(normal, -normal[::-1])
    assert normal.var() == pytest.approx(1, abs=2e-4)
    assert normal[2**13 + 2**12] == pytest.approx(0.6745, abs=1e-3)  # the upper quartile


@pytest.mark.parametrize(("fraction", "count", "last"), [(1.0, 9, 1.0), (0.5, 5, 1.0), (0.25, 3, 0.5), (0.01, 1, 0.1)])
def test_an_exposure_sees_the_start_of_the_path(fraction, count, last):
    points = np.arange(20.0).reshape(10, 2)
    seen, weights = exposed(points, fraction)
    assert np.array_equal(seen, points[1 : count + 1])
    assert weights.tolist() == pytest.approx([1.0] * (count - 1) + [last])


def test_a_position_is_spread_over_four_pixels():
    """Two positions 1.5 px apart in x, 0.5 in y: about their centroid they lie at (-+0.75, -+0.25)."""
    taps = splat(np.array([[3.0, 7.0], [4.5, 7.5]]), np.array([1.0, 1.0])).taps
    expected = np.array([[3, 1, 0], [9, 6, 9], [0, 1, 3]]) * UNIT // 32
    assert taps.tolist() == expected.tolist()


@pytest.mark.parametrize("exposure", [0.01, 0.1, 0.5, 1.0])
def test_the_centroid_lies_on_the_centre_pixel(exposure):
    for i in range(5):
        kernel = CameraShake(exposures=(exposure,)).draw(stream(f"{i}")).operator
        height, width = kernel.taps.shape
        assert height % 2 == width % 2 == 1
        assert kernel.weights.sum(axis=1) @ (np.arange(height) - height // 2) == pytest.approx(0, abs=0.01)
        assert kernel.weights.sum(axis=0) @ (np.arange(width) - width // 2) == pytest.approx(0, abs=0.01)
        edges = kernel.taps[[0, -1]].any(), kernel.taps[:, [0, -1]].any()
        assert edges == (True, True)  # cut to its support


def test_the_longest_straight_path_fits_its_canvas():
    for size in (12, 33, 64):
        for i in range(6):
            blur = CameraShake(length=size - 4, size=size, expl=(0.0,), exposures=(1.0, 0.5003))
            assert max(blur.draw(stream(f"{i}")).operator.taps.shape) <= size


def test_a_draw_is_repeatable_and_says_what_it_drew():
    first, again, other = (CameraShake(length=(20.0, 60.0)).draw(stream(item)) for item in ("a", "a", "b"))
    assert first.operator.id == again.operator.id != other.operator.id
    assert first.parameters == again.parameters
    assert first.parameters.keys() == {*vars(TYPICAL), "exposure", "size"}
    assert 20 <= first.parameters["length"] <= 60


def test_pinned_kernel():
    """The same on every machine: this id came from x86-64, Python 3.11."""
    assert CameraShake().draw(stream("pin")).operator.id[:16] == "49e98ea14f22e588"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"length": 61}, "size of at least 65"),
        ({"length": [10, 100], "size": 90}, "size of at least 104"),
        ({"length": 60, "steps": 60}, "at least one per pixel"),
        ({"exposures": []}, "exposures"),
        ({"exposures": [0]}, "exposures"),
        ({"expl": [-0.1]}, "expl"),
        ({"lenght": 60}, "did you mean 'length'"),
    ],
)
def test_what_cannot_be_is_refused(settings, where):
    with pytest.raises(RecipeError, match=where):
        config.parse(CameraShake, settings, "r.toml", "blur")
