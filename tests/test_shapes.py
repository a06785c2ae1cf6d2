"""Gaussian, box, defocus and linear motion by analysis: moments, areas, orientation, and that last digits are lost."""

import numpy as np
import pytest

from deblurbench.blur.box import Box
from deblurbench.blur.defocus import Defocus, disk_areas, polygon_areas
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV, elongated_weights
from deblurbench.blur.kernel import UNIT, quantise, spread
from deblurbench.blur.linear_motion import LinearMotion, line_weights
from deblurbench.draws import Draws
from deblurbench.errors import UsageError

NOTHING = Draws(0, "", "")


def kernel(blur):
    return blur.draw(NOTHING).operator


def moments(blur):
    """The variances along x and y and the covariance, about the centroid, in pixels squared; y points up."""
    weights = kernel(blur).weights
    y, x = (np.arange(size) - size // 2 for size in weights.shape)
    x, y = x - weights.sum(axis=0) @ x, weights.sum(axis=1) @ y - y
    return weights.sum(axis=0) @ x**2, weights.sum(axis=1) @ y**2, y @ weights @ x


def direction(degrees):
    return np.cos(np.radians(degrees)), np.sin(np.radians(degrees))


@pytest.mark.parametrize("angle", [0, 30, 90, 117.5, -45])
def test_an_elongated_gaussian_has_its_covariance(angle):
    cosine, sine = direction(angle)
    along, across = 3.0**2, 1.2**2
    expected = (
        along * cosine**2 + across * sine**2,
        along * sine**2 + across * cosine**2,
        (along - across) * cosine * sine,
    )
    assert moments(Gaussian(sigma=3.0, sigma_y=1.2, angle=angle)) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_an_elongated_gaussian_that_is_round_is_the_round_one():
    round_one = Gaussian(sigma=1.7, size=15).kernel().taps
    assert np.abs(Gaussian(sigma=1.7, sigma_y=1.7, angle=33, size=15).kernel().taps - round_one).max() <= 1


def test_a_range_has_no_one_kernel():
    for blur in (Gaussian(sigma=(1, 2)), Gaussian(sigma=1, sigma_y=2, angle=(0, 9)), GaussianOpenCV(sigma=(1, 2))):
        with pytest.raises(UsageError, match="is a range"):
            blur.kernel()


@pytest.mark.parametrize(("sigma", "size", "start"), [(0.3, 3, "a90c4ebe72b6"), (1.0, None, "3b0099b6f6af")])
def test_round_gaussians_stay_what_they_were(sigma, size, start):
    assert Gaussian(sigma=sigma, size=size).kernel().id.startswith(start)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 3), (5, 1), (7, 11), (4, 6), (101, 101)])
def test_a_box_is_the_mean(width, height):
    taps = kernel(Box(width=width, height=height)).taps
    assert taps.shape == (height, width)
    assert taps.max() - taps.min() <= 1
    expected = ((width**2 - 1) / 12, (height**2 - 1) / 12, 0)
    assert moments(Box(width=width, height=height)) == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert kernel(Box(width=width, height=height)).is_symmetric() == (width % 2 == height % 2 == 1)


def test_a_box_without_a_height_is_a_square():
    assert kernel(Box(width=4)).taps.tolist() == [[4096] * 4] * 4


@pytest.mark.parametrize("radius", [0.6, 1.0, 2.5, 7.3, 20.0])
def test_a_disk_has_its_areas(radius):
    """Against the exact length of every vertical chord, 4,000 to a pixel."""
    offsets = np.arange(len(disk_areas(radius))) - len(disk_areas(radius)) // 2
    columns = offsets[:, None] - 0.5 + (np.arange(4000) + 0.5) / 4000
    half = np.sqrt(np.maximum(radius**2 - columns**2, 0))
    chords = [np.maximum(np.minimum(half, y + 0.5) - np.maximum(-half, y - 0.5), 0).mean(axis=1) for y in offsets]
    assert np.abs(disk_areas(radius) / 2**28 - chords).max() < 5e-4
    assert np.abs(kernel(Defocus(radius=radius)).weights - chords / np.sum(chords)).max() < 5e-4 / np.sum(chords) + 3e-5


def clipped_area(corners, left, right, bottom, top):
    """The area of a convex polygon within a rectangle: cut by its four sides in turn, then the shoelace formula."""
    for axis, limit, sign in ((0, left, 1), (0, right, -1), (1, bottom, 1), (1, top, -1)):
        kept = []
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            inside = [sign * (p[axis] - limit) >= 0 for p in (a, b)]
            if inside[0]:
                kept.append(a)
            if inside[0] != inside[1]:
                kept.append(a + (b - a) * (limit - a[axis]) / (b[axis] - a[axis]))
        corners = kept
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


@pytest.mark.parametrize(
    ("radius", "blades", "rotation"), [(5.2, 3, 0.0), (4.7, 5, 17.0), (3.3, 6, 90.0), (1.1, 4, 45.0)]
)
def test_a_polygon_has_its_areas(radius, blades, rotation):
    corners = [radius * np.array(direction(rotation + 360 * i / blades)) for i in range(blades)]
    areas = polygon_areas(radius, blades, rotation) / 2**28
    half = len(areas) // 2
    for row, column in np.ndindex(areas.shape):
        x, y = column - half, half - row  # y points up
        assert areas[row, column] == pytest.approx(clipped_area(corners, x - 0.5, x + 0.5, y - 0.5, y + 0.5), abs=5e-4)


@pytest.mark.parametrize("radius", [5.3, 7.3, 20.0, 60.0])
def test_a_disk_has_its_second_moment(radius):
    """r^2 / 4 along each axis, and 1/12 for the pixel."""
    expected = radius**2 / 4 + 1 / 12
    assert moments(Defocus(radius=radius)) == pytest.approx((expected, expected, 0), rel=0.02 / radius, abs=0.01)
    assert kernel(Defocus(radius=radius)).is_symmetric()


@pytest.mark.parametrize("blades", [3, 4, 5, 6, 8, 12])
def test_a_polygon_has_its_second_moment(blades):
    """r^2 (2 + cos(2 pi / n)) / 12 along each axis, and 1/12 for the pixel."""
    expected = 12.0**2 * (2 + np.cos(2 * np.pi / blades)) / 12 + 1 / 12
    blur = Defocus(radius=12.0, blades=blades, rotation=20.0)
    assert moments(blur) == pytest.approx((expected, expected, 0), rel=2e-3, abs=0.02)


def test_the_first_corner_points_where_rotation_says():
    weights = kernel(Defocus(radius=9.0, blades=3, rotation=90.0)).weights
    rows = np.flatnonzero(weights.sum(axis=1))
    assert rows[0] - len(weights) // 2 == -9  # the corner, up
    assert rows[-1] - len(weights) // 2 == 4  # the side, half a radius down, where pixel 4 ends
    assert np.count_nonzero(weights[rows[0]]) < 3 < np.count_nonzero(weights[rows[-1]])


def test_a_small_disk_blurs_nothing():
    assert kernel(Defocus(radius=0.5)).taps.tolist() == [[UNIT]]


def test_large_flat_kernels_stay_centred():
    """What largest remainders with ties to the top would do to them is why `spread` exists."""
    offsets = np.arange(-50, 51)
    assert abs(quantise(disk_areas(50.0)).weights.sum(axis=1) @ offsets) > 1
    assert kernel(Defocus(radius=50.0)).weights.sum(axis=1) @ offsets == 0


def hat_variance(extent):
    """The mean of f (1 - f), the variance of a bilinear splat, f being the fraction of what is even in +-extent."""
    positions = (np.arange(200_000) + 0.5) / 200_000 * extent
    return float(np.mean(positions % 1 * (1 - positions % 1)))


@pytest.mark.parametrize(("length", "angle"), [(5, 0), (20, 30), (7.3, 45), (31, 135), (60, 77), (4, 90), (0.5, 10)])
def test_a_line_has_its_second_moments(length, angle):
    """L^2 / 12 along it, and f (1 - f) for the hats along each axis; hats are uncorrelated."""
    cosine, sine = direction(angle)
    expected = (
        length**2 / 12 * cosine**2 + hat_variance(length / 2 * abs(cosine)),
        length**2 / 12 * sine**2 + hat_variance(length / 2 * abs(sine)),
        length**2 / 12 * cosine * sine,
    )
    assert moments(LinearMotion(length=length, angle=angle)) == pytest.approx(expected, rel=2e-4, abs=2e-4)


@pytest.mark.parametrize(("length", "angle"), [(5, 0), (6, 90), (17.3, 30), (9.9, -61.7), (0.1, 45)])
def test_a_line_is_the_mean_of_bilinear_splats(length, angle):
    weights = line_weights(length, angle)
    ways = ((np.arange(100_000) + 0.5) / 100_000 - 0.5) * length
    rows, columns = (np.arange(size) - size // 2 for size in weights.shape)
    x, y = ways * direction(angle)[0], -ways * direction(angle)[1]
    hats_x = np.maximum(1 - np.abs(x - columns[:, None]), 0)
    hats_y = np.maximum(1 - np.abs(y - rows[:, None]), 0)
    assert np.abs(weights - hats_y @ hats_x.T / len(ways)).max() < 1e-8
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert min(weights[[0, -1]].max(), weights[:, [0, -1]].max()) > 0  # no row or column too many


def test_a_line_at_30_degrees_rises_to_the_right():
    taps = kernel(LinearMotion(length=20, angle=30)).taps
    height, width = taps.shape
    assert (height, width) == (11, 19)
    assert taps[: height // 2, width // 2 + 1 :].sum() > 0.4 * UNIT  # up and to the right
    assert taps[: height // 2, : width // 2 - 1].sum() == 0
    assert np.array_equal(taps, taps[::-1, ::-1])
    assert np.array_equal(taps, kernel(LinearMotion(length=20, angle=210)).taps)


def test_short_lines_fade_into_no_blur():
    assert kernel(LinearMotion(length=5, angle=0)).taps[0] / UNIT * 40 == pytest.approx([1, 7, 8, 8, 8, 7, 1], abs=1e-3)
    assert kernel(LinearMotion(length=0.1, angle=60)).weights.max() > 0.96


def perturbed(weights, rng):
    return weights * (1 + rng.integers(-4, 5, weights.shape) * np.finfo(float).eps)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 101.3])
def test_another_libm_gives_the_same_kernels(angle):
    rng = np.random.default_rng(0)
    line, gaussian = line_weights(21, angle), elongated_weights(25, 3.0, 1.1, angle)
    expected = kernel(LinearMotion(length=21, angle=angle)).id
    for _ in range(100):
        assert spread(np.rint(perturbed(line, rng) * 2**36).astype(np.int64)).id == expected
        assert quantise(perturbed(gaussian, rng)).id == quantise(gaussian).id


def test_another_cosine_gives_the_same_polygon(monkeypatch):
    rng = np.random.default_rng(0)
    cos, sin = np.cos, np.sin
    for rotation in (0.0, 15.0, 30.0, 73.1):
        blur = Defocus(radius=8.5, blades=6, rotation=rotation)
        expected = kernel(blur).id
        monkeypatch.setattr(np, "cos", lambda x: perturbed(cos(x), rng))
        monkeypatch.setattr(np, "sin", lambda x: perturbed(sin(x), rng))
        assert [kernel(blur).id for _ in range(20)] == [expected] * 20
        monkeypatch.undo()
