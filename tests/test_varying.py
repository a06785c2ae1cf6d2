"""Blur by a field of kernels: a brute-force reference, analysis, and what a grid of draws promises."""

import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench import config
from deblurbench.blur.convolve import convolve, reflect101, weighted_sums
from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.family import Blur, Drawn, FrameMean, blur_from
from deblurbench.blur.field import KernelField
from deblurbench.blur.field_blur import SHIFT, axis_weights, blur_by_field, field_sums
from deblurbench.blur.gaussian import Gaussian
from deblurbench.blur.kernel import UNIT, Kernel, quantise
from deblurbench.blur.varying import SpatiallyVarying
from deblurbench.draws import Draws
from deblurbench.errors import RecipeError, UsageError

SHAKE = {"family": "camera-shake", "length": 20.0, "steps": 200}


def random_field(rows, columns, shapes, seed=0):
    rng = np.random.default_rng(seed)
    return KernelField(
        tuple(quantise(rng.random(shapes[i % len(shapes)]) ** 4) for i in range(rows * columns)), rows, columns
    )


def node_weight(pixel, size, nodes):
    """The weights of one pixel of an axis by the words of the documentation, in Python's integers."""
    weights = [0] * nodes
    position = 0 if size == 1 else (2 * 256 * pixel * (nodes - 1) + size - 1) // (2 * (size - 1))
    weights[position // 256] = 256 - position % 256
    if position % 256:
        weights[position // 256 + 1] = position % 256
    return weights


def reference(levels, field):
    """Every pixel on its own: all nodes' weights times all taps times all levels around it."""
    height, width, channels = levels.shape
    total = np.zeros(levels.shape, dtype=object)
    for y, x, c in np.ndindex(height, width, channels):
        down, right = node_weight(y, height, field.rows), node_weight(x, width, field.columns)
        for number, kernel in enumerate(field.kernels):
            weight = down[number // field.columns] * right[number % field.columns]
            if weight:
                h, w = kernel.taps.shape
                ys = reflect101(height, h, h)[h + y - (np.arange(h) - h // 2)]
                xs = reflect101(width, w, w)[w + x - (np.arange(w) - w // 2)]
                total[y, x, c] += weight * int((kernel.taps * levels[np.ix_(ys, xs)][:, :, c].astype(np.int64)).sum())
    return total


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=1, max_size=3),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_equals_brute_force_bit_for_bit(size, grid, shapes, seed):
    """Pictures from one pixel on, grids larger than pictures, even and odd kernels, larger than the picture too."""
    picture, field = noise(*size, channels=2, seed=seed), random_field(*grid, shapes, seed)
    expected = reference(picture, field)
    sums, shift = field_sums(picture, field)
    assert sums.dtype == np.int64
    assert shift == SHIFT == 32
    assert (sums == expected).all()
    rounded = [int(np.floor(s / 2**32 + 0.5)) for s in expected.ravel()]  # exact: s < 2^40
    assert blur_by_field(picture, field).ravel().tolist() == rounded


def test_equal_kernels_are_one_convolution():
    picture, kernel = noise(40, 53), quantise(np.random.default_rng(1).random((9, 12)) ** 3)
    for rows, columns in ((1, 1), (2, 2), (3, 5), (7, 1)):
        field = KernelField((kernel,) * (rows * columns), rows, columns)
        assert np.array_equal(blur_by_field(picture, field), convolve(picture, kernel))
        sums, _ = field_sums(picture, field)
        assert np.array_equal(sums, weighted_sums(picture, kernel) << 16)


@pytest.mark.parametrize("level", [0, 1, 137, 255])
def test_flat_stays_flat(level):
    picture = np.full((31, 44, 3), level, dtype=np.uint8)
    field = random_field(3, 4, [(5, 8), (13, 3), (1, 1)])
    assert np.array_equal(blur_by_field(picture, field), picture)


def test_linear_light_of_21_bits_is_exact():
    levels = np.random.default_rng(0).integers(2**21 - 9, 2**21, (11, 12, 1))
    field = random_field(2, 3, [(4, 5), (7, 7)])
    sums, _ = field_sums(levels, field)
    assert (sums == reference(levels, field)).all()
    assert sums.max() < 2**53


@pytest.mark.parametrize(
    ("size", "nodes"), [(1, 1), (1, 5), (2, 2), (7, 3), (640, 4), (100, 16), (3, 16), (30_000, 16)]
)
def test_weights_sum_to_one_and_are_near_the_real_ones(size, nodes):
    weights = axis_weights(size, nodes)
    assert weights.shape == (nodes, size)
    assert (weights >= 0).all()
    assert (weights.sum(axis=0) == 256).all()
    assert ((weights > 0).sum(axis=0) <= 2).all()
    position = np.arange(size) * (nodes - 1) / max(size - 1, 1)
    real = np.maximum(1 - np.abs(position - np.arange(nodes)[:, None]), 0)
    assert np.abs(weights / 256 - real).max() <= 0.5 / 256 + 1e-9


def test_corners_belong_to_the_outer_nodes_alone():
    weights = axis_weights(101, 5)
    assert weights[0, 0] == weights[4, 100] == weights[2, 50] == 256


def test_a_bright_pixel_at_a_node_shows_that_nodes_kernel():
    """Kernels one column wide on a grid of one row: along the column of a node no other node counts."""
    kernels = tuple(quantise(np.random.default_rng(i).random((7, 1))) for i in range(4))
    field = KernelField(kernels, 1, 4)
    for node, kernel in enumerate(kernels):
        levels = np.zeros((21, 31, 1), dtype=np.int64)
        levels[10, 10 * node] = 1
        sums, _ = field_sums(levels, field)
        assert np.array_equal(sums[7:14, 10 * node, 0], kernel.taps[:, 0].astype(np.int64) << 16)
        assert sums.sum() == UNIT << 16


def test_a_bright_pixel_shows_the_blend_of_the_nodes_around_it():
    """w(h * x): what arrives at p from q is the blend at p, not at q."""
    field = random_field(2, 2, [(5, 5)])
    levels = np.zeros((33, 33, 1), dtype=np.int64)
    levels[12, 20] = 1
    sums, _ = field_sums(levels, field)
    expected = np.zeros((33, 33), dtype=np.int64)
    for y in range(5):
        for x in range(5):
            p = (12 + y - 2, 20 + x - 2)
            down, right = node_weight(p[0], 33, 2), node_weight(p[1], 33, 2)
            expected[p] = sum(down[i // 2] * right[i % 2] * int(k.taps[y, x]) for i, k in enumerate(field.kernels))
    assert np.array_equal(sums[:, :, 0], expected)


def test_adjoint():
    """<A x, y> = <x, A'y> with A'y = the sum of correlations of w y with each kernel; away from the borders."""
    rng = np.random.default_rng(3)
    field = random_field(3, 2, [(5, 4), (3, 7)])
    x, y = np.zeros((2, 30, 28, 1), dtype=np.int64)
    x[8:-8, 8:-8] = rng.integers(0, 256, (14, 12, 1))
    y[8:-8, 8:-8] = rng.integers(0, 256, (14, 12, 1))
    forward = int((field_sums(x, field)[0] * y).sum())
    rows, columns = axis_weights(30, 3), axis_weights(28, 2)
    back = 0
    for i, kernel in enumerate(field.kernels):
        weighted = rows[i // 2][:, None, None] * columns[i % 2][None, :, None] * y
        h, w = kernel.taps.shape
        for (a, b), tap in np.ndenumerate(kernel.taps):
            back += int(tap) * int((np.roll(weighted, (h // 2 - a, w // 2 - b), axis=(0, 1)) * x).sum())
    assert forward == back > 0


def test_only_where_a_node_counts_is_it_computed(monkeypatch):
    """Every pixel has at most four nodes: the work is that of four convolutions and the kernels' halos."""
    areas = []

    def count(levels, kernel, engine="auto"):
        areas.append(levels.shape[0] * levels.shape[1])
        return weighted_sums(levels, kernel, engine)

    monkeypatch.setattr("deblurbench.blur.field_blur.weighted_sums", count)
    field_sums(noise(240, 320), random_field(8, 8, [(3, 3)]))
    assert len(areas) == 64
    assert sum(areas) < 4.8 * 240 * 320


def test_expose_blurs_by_the_field():
    picture, field = noise(20, 24), random_field(2, 2, [(5, 5)])
    exposure = Exposure(picture, lambda: [picture], lambda _: picture)
    assert np.array_equal(expose(exposure, field), blur_by_field(picture, field))


def test_every_node_draws_its_own_kernel_and_says_so():
    blur = SpatiallyVarying(rows=2, columns=3, blur=SHAKE)
    field, parameters = blur.draw(Draws(1, "a", "blur"))
    again, _ = blur.draw(Draws(1, "a", "blur"))
    other, _ = blur.draw(Draws(1, "b", "blur"))
    assert isinstance(field, KernelField)
    ids = [kernel.id for kernel in field.kernels]
    assert len(set(ids)) == 6
    assert ids == [kernel.id for kernel in again.kernels]
    assert not set(ids) & {kernel.id for kernel in other.kernels}
    assert (parameters["rows"], parameters["columns"], len(parameters["nodes"])) == (2, 3, 6)
    assert all(node["family"] == "camera-shake" and node["length"] == 20 for node in parameters["nodes"])


def test_a_larger_grid_keeps_the_kernels_of_its_nodes():
    small, _ = SpatiallyVarying(rows=1, columns=2, blur=SHAKE).draw(Draws(1, "a", "blur"))
    large, _ = SpatiallyVarying(rows=2, columns=3, blur=SHAKE).draw(Draws(1, "a", "blur"))
    assert [kernel.id for kernel in small.kernels] == [kernel.id for kernel in large.kernels[:2]]


def test_from_a_recipe_table():
    blur = blur_from(
        {"family": "spatially-varying", "rows": 1, "columns": 2, "blur": {"family": "gaussian", "sigma": 1.5}}, "r", "b"
    )
    assert isinstance(blur, SpatiallyVarying)
    (left, right), _, _ = vars(blur.draw(Draws(0, "", "")).operator).values()
    assert left.id == right.id == Gaussian(sigma=1.5).kernel().id


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"rows": 0}, "r.toml:blur.rows"),
        ({"columns": 17}, "r.toml:blur.columns"),
        ({"blur": {"family": "gausian", "sigma": 1.0}}, r"r.toml:blur.blur: unknown blur.*did you mean 'gaussian'"),
        ({"blur": {"family": "gaussian", "sgma": 1.0}}, r"r.toml:blur.blur: sgma.*did you mean 'sigma'"),
        ({"blur": {"sigma": 1.0}}, r"r.toml:blur.blur: family: name one"),
        ({"blur": 3}, "r.toml:blur.blur"),
    ],
)
def test_what_cannot_be_is_refused(settings, where):
    with pytest.raises(RecipeError, match=where):
        config.parse(SpatiallyVarying, {"rows": 2, "columns": 2, "blur": SHAKE} | settings, "r.toml", "blur")


class Frames(Blur):
    """A family without a kernel."""

    family = "frames-like"

    def draw(self, draws):
        return Drawn(FrameMean(), {})


def test_a_family_without_a_kernel_is_refused_by_name(monkeypatch):
    nested = {"family": "spatially-varying", "rows": 1, "columns": 1, "blur": {"family": "gaussian", "sigma": 1.0}}
    with pytest.raises(UsageError, match="'spatially-varying' draws no kernel"):
        SpatiallyVarying(rows=1, columns=1, blur=nested).draw(Draws(0, "", ""))
    monkeypatch.setattr("deblurbench.blur.varying.blur_from", lambda *_: Frames())
    with pytest.raises(UsageError, match="'frames-like' draws no kernel"):
        SpatiallyVarying(rows=1, columns=1, blur={}).draw(Draws(0, "", ""))


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (1, 0), (1, 2)])
def test_a_field_that_is_none_is_refused(rows, columns):
    with pytest.raises(ValueError, match="nodes has 1 kernels"):
        KernelField((Kernel(np.array([[UNIT]], dtype=np.int32)),), rows, columns)
