"""Every engine gives the integers of the plain reference: any kernel, any shape, ties and extremes."""

import importlib
import sys
import threading

import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.blur import engines, opencv
from deblurbench.blur.border import extend
from deblurbench.blur.convolve import convolve, weighted_sums
from deblurbench.blur.engines import ENGINES, NAMES, check_engine, choose, plain
from deblurbench.blur.kernel import UNIT, Kernel, quantise
from deblurbench.blur.separable import factors, pieces
from deblurbench.errors import DeblurbenchError, UsageError


def has_cuda():
    import torch

    return torch.cuda.is_available()


OTHERS = ["scipy", "opencv", "torch", "auto", pytest.param("cuda", marks=pytest.mark.skipif("not has_cuda()"))]


def gaussian(size, sigma):
    line = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return quantise(np.outer(line, line))


def motion(size):
    """A thin curve through the kernel, spread over its neighbours."""
    taps = np.zeros((size, size))
    for t in np.linspace(0, 1, 8 * size):
        y, x = t * (size - 2), (size - 2) * (0.5 + 0.4 * np.sin(3 * t))
        taps[int(y) : int(y) + 2, int(x) : int(x) + 2] += [[1 - y % 1, 0.2], [0.1, y % 1]]
    return quantise(taps)


def disk(radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return quantise(np.hypot(y, x) <= radius + 0.3)


def rank_one(*lines):
    """The outer product of two lines whose sums multiply to 2^16."""
    return Kernel(np.outer(*lines).astype(np.int32))


def halves():
    """Two taps of a half each: half of all sums end on .5 exactly."""
    return Kernel(np.array([[UNIT // 2, 0, UNIT // 2]], dtype=np.int32))


KERNELS = {
    "1x1": quantise([[1.0]]),
    "1x9": quantise(np.arange(1.0, 10)[None]),
    "12x1": quantise(np.arange(1.0, 13)[:, None]),
    "1x300": quantise(np.random.default_rng(1).random((1, 300))),
    "2x2": quantise([[1.0, 2.0], [3.0, 4.0]]),
    "4x6": quantise(np.random.default_rng(2).random((4, 6))),
    "10x3 rank 1": rank_one([0, 16, 48, 64, 64, 32, 16, 8, 8, 0], [128, 64, 64]),
    "opencv": rank_one([6, 58, 128, 58, 6], [6, 58, 128, 58, 6]),
    "halves": halves(),
    "gaussian 3": gaussian(3, 0.3),
    "gaussian 7": gaussian(7, 1.0),
    "gaussian 11": gaussian(11, 1.6),
    "gaussian 31": gaussian(31, 5.0),
    "disk": disk(7),
    "motion 31": motion(31),
    "motion 45": motion(45),
    "motion 65": motion(65),
    "far corners": Kernel(np.array([[UNIT - 2] + [0] * 39, *[[0] * 40] * 38, [0] * 39 + [2]], dtype=np.int32)),
}
PICTURES = {
    "noise": noise(53, 71),
    "bright": np.full((40, 44, 3), 255, dtype=np.uint8),
    "extremes": noise(37, 48) // 128 * np.uint8(255),
    "one pixel": noise(1, 1),
    "a row": noise(1, 33),
    "a column": noise(29, 1),
    "grey": noise(20, 31, 1),
    "five channels": noise(18, 23, 5),
}


def reference(picture, kernel):
    return ((plain(extend(picture, kernel.taps.shape), kernel) + UNIT // 2) >> 16).astype(np.uint8)


@pytest.mark.parametrize("engine", ["numpy", *OTHERS])
@pytest.mark.parametrize("name", KERNELS)
def test_every_engine_gives_the_pixels_of_the_reference(engine, name):
    for what, picture in PICTURES.items():
        blurred = convolve(picture, KERNELS[name], engine)
        assert blurred.dtype == np.uint8
        assert np.array_equal(blurred, reference(picture, KERNELS[name])), what


@pytest.mark.parametrize("engine", ["numpy", *OTHERS])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_every_engine_gives_the_sums_of_linear_light(engine, dtype):
    highest = 65535 if dtype is np.uint16 else (1 << 21) - 1
    levels = np.random.default_rng(0).integers(highest // 2, highest + 1, (41, 57, 3)).astype(dtype)
    levels[:20] = highest
    levels[30:, :9] = 0
    for name, kernel in KERNELS.items():
        sums = weighted_sums(levels, kernel, engine)
        assert sums.dtype == np.int64
        assert np.array_equal(sums, plain(extend(levels, kernel.taps.shape), kernel)), name


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 34), st.integers(1, 34)),
    st.integers(0, 10**6),
    st.sampled_from([0.05, 0.4, 1.0]),
)
@settings(deadline=None, max_examples=60)
def test_engines_agree_on_anything(shape, taps, seed, filled):
    rng = np.random.default_rng(seed)
    weights = rng.random(taps) * (rng.random(taps) < filled)
    weights.flat[rng.integers(weights.size)] = 1
    kernel, picture = quantise(weights), noise(*shape, seed=seed)
    levels = picture.astype(np.int64) << 13 | 5
    expected, sums = reference(picture, kernel), plain(extend(levels, taps), kernel)
    for engine in ("scipy", "opencv", "torch"):
        assert np.array_equal(convolve(picture, kernel, engine), expected), engine
        assert np.array_equal(weighted_sums(levels, kernel, engine), sums), engine


@pytest.mark.parametrize("engine", ["numpy", "scipy", "opencv", "torch"])
def test_a_large_picture_falls_into_strips_without_seams(engine, monkeypatch):
    monkeypatch.setitem(ENGINES, engine, engines.Engine(engine, ENGINES[engine].valid, samples=2000))
    picture = noise(100, 60)
    for name in ("12x1", "opencv", "gaussian 31", "motion 31"):
        assert np.array_equal(convolve(picture, KERNELS[name], engine), reference(picture, KERNELS[name])), name


def test_the_kinds_of_kernels_really_take_the_ways_that_they_are_to_test():
    ways = {name: opencv.planned(kernel) for name, kernel in KERNELS.items()}
    assert {name for name, way in ways.items() if way.lines} >= {
        "1x1",
        "1x9",
        "12x1",
        "10x3 rank 1",
        "opencv",
        "halves",
    }
    assert not ways["gaussian 31"].pieces
    assert len(ways["gaussian 11"].pieces) == 1
    assert len(ways["motion 45"].pieces) > 1


def test_sums_of_8_bit_pictures_fit_into_float32():
    assert 255 * UNIT + UNIT // 2 < 1 << 24
    assert float(np.float32(255 * UNIT + UNIT // 2)) == 255 * UNIT + UNIT // 2


@given(st.lists(st.integers(0, 9), min_size=1, max_size=7), st.lists(st.integers(0, 9), min_size=1, max_size=7))
def test_what_is_an_outer_product_is_found_to_be_one(column, row):
    column[-1] += 1
    row[0] += 1
    taps = np.outer(column, row).astype(np.int32)
    found = factors(taps)
    assert found is not None
    assert np.array_equal(np.outer(*found), taps)


def test_what_is_no_outer_product_has_no_factors():
    assert factors(np.array([[1, 2], [2, 5]], dtype=np.int32)) is None
    assert factors(KERNELS["gaussian 11"].taps) is None


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40), st.floats(0.02, 1), st.integers(0, 1000))
@settings(deadline=None)
def test_pieces_are_small_and_add_up_to_the_kernel(height, width, limit, filled, seed):
    rng = np.random.default_rng(seed)
    taps = (rng.integers(1, 100, (height, width)) * (rng.random((height, width)) < filled)).astype(np.int32)
    total = np.zeros_like(taps)
    for piece in pieces(taps, limit):
        assert piece.taps.size <= limit
        h, w = piece.taps.shape
        total[piece.row : piece.row + h, piece.column : piece.column + w] += piece.taps
    assert np.array_equal(total, taps)


def test_an_unknown_engine_is_refused_with_the_nearest_name():
    for ask in (lambda: check_engine("opncv"), lambda: convolve(noise(3, 3), halves(), "opncv")):
        with pytest.raises(UsageError, match=r"opncv.*opencv"):
            ask()
    for name in ("auto", "numpy", "scipy", "opencv", "torch"):
        check_engine(name)
    assert set(NAMES) == {"auto", *ENGINES}


@pytest.fixture
def fresh():
    engines._failure.cache_clear()
    yield
    engines._failure.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_missing_library_is_said_and_auto_does_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match="pip install opencv-python-headless"):
        check_engine("opencv")
    assert choose("auto", KERNELS["opencv"]).name == "numpy"
    assert choose("auto", KERNELS["gaussian 31"]).name == "scipy"
    monkeypatch.setitem(sys.modules, "scipy.fft", None)
    engines._failure.cache_clear()
    assert choose("auto", KERNELS["gaussian 31"]).name == "numpy"
    assert np.array_equal(convolve(noise(9, 9), KERNELS["disk"]), reference(noise(9, 9), KERNELS["disk"]))


@pytest.mark.usefixtures("fresh")
def test_cuda_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(engines, "_has_cuda", lambda: False)
    with pytest.raises(UsageError, match="NVIDIA GPU"):
        check_engine("cuda")


def test_the_code_for_gpus_is_exact_where_it_can_be_run():
    import torch

    from deblurbench.blur import tensor

    planes = torch.from_numpy(noise(50, 60)).permute(2, 0, 1)
    kernel = KERNELS["motion 31"]
    sums = tensor._fourier(planes, kernel).permute(1, 2, 0).numpy()
    assert sums.dtype == np.float64
    assert np.array_equal(sums, plain(noise(50, 60), kernel))


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("kind", [0, 1, 2, 3])
@pytest.mark.parametrize("wide", [False, True])
def test_a_library_that_computes_otherwise_is_found_out(monkeypatch, kind, wide):
    wrong = engines._probes()[kind].id

    def off_by_one(levels, kernel):
        sums = plain(levels, kernel)
        if kernel.id == wrong and (levels.dtype != np.uint8) == wide:
            sums[3, 5, 1] += 1
        return sums

    monkeypatch.setitem(ENGINES, "opencv", engines.Engine("opencv", off_by_one))
    with pytest.raises(DeblurbenchError, match="not compute exactly"):
        check_engine("opencv")
    assert choose("auto", KERNELS["gaussian 31"]).name == "scipy"


def test_float32_transforms_would_be_found_out():
    from scipy.fft import irfft2, rfft2

    def careless(levels, kernel):
        size, (h, w) = levels.shape[:2], kernel.taps.shape
        planes = np.moveaxis(levels, 2, 0).astype(np.float32)
        product = rfft2(planes) * rfft2(kernel.taps.astype(np.float32), size)
        return np.rint(np.moveaxis(irfft2(product, size), 0, 2)[h - 1 :, w - 1 :])

    assert not engines.is_exact(engines.Engine("careless", careless))


def test_engines_leave_opencv_threads_alone():
    cv2 = importlib.import_module("cv2")
    before = cv2.getNumThreads()
    convolve(PICTURES["noise"], KERNELS["gaussian 31"], "opencv")
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("engine", ["scipy", "opencv", "torch"])
def test_engines_may_be_used_by_several_threads_at_once(engine):
    kernels = [KERNELS[name] for name in ("motion 31", "gaussian 31", "opencv", "gaussian 7")]
    wrong = []

    def work(kernel):
        for seed in range(6):
            picture = noise(64, 48, seed=seed)
            if not np.array_equal(convolve(picture, kernel, engine), reference(picture, kernel)):
                wrong.append(kernel.id)

    threads = [threading.Thread(target=work, args=(kernel,)) for kernel in kernels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
