"""Response curves: tables against `decimal`, the way back against its definition, measured curves from files."""

import io
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

import numpy as np
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.family import Recorded
from deblurbench.blur.field import KernelField
from deblurbench.blur.gaussian import Gaussian
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import check_light, curve
from deblurbench.errors import PictureError, UsageError

NAMED = ["stored", "srgb", "gamma-2.2"]
BITS = {"srgb": 16, "gamma-2.2": 20}


def ideal_light(name, x):
    """The curves as their definitions have them, for Decimal x in 0 .. 1."""
    if name == "gamma-2.2":
        return x ** Decimal("2.2") if x else Decimal(0)
    if x <= Decimal("0.04045"):
        return x / Decimal("12.92")
    return ((x + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")


def of(picture, frames=(), recorded=None):
    return Exposure(picture, lambda: frames, recorded or {}.__getitem__)


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.fixture
def crf(tmp_path):
    """Write a response file and give the name of its light."""

    def write(data, name="crf.npy"):
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else npy(data))
        return f"crf:{tmp_path / name}"

    return write


@pytest.fixture
def measured(crf):
    """A camera whose channels have the exponents 1.8 (R), 2 (G) and 2.4 (B), as OpenCV would hold it."""
    levels = (np.arange(256) + 1.0)[:, None, None] / 128
    return crf((levels ** np.array([2.4, 2.0, 1.8])).astype(np.float32))


@pytest.mark.parametrize("name", BITS)
def test_tables_are_what_decimal_arithmetic_gives(name):
    white = 2 ** BITS[name] - 1
    with localcontext(prec=60):
        levels = [
            int((white * ideal_light(name, Decimal(i) / 255) + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
            for i in range(256)
        ]
        bounds = [
            int((white * 65536 * ideal_light(name, Decimal(2 * i + 1) / 510)).to_integral_value(ROUND_CEILING))
            for i in range(255)
        ]
    assert curve(name).levels.tolist() == [levels]
    assert curve(name).bounds.tolist() == [bounds]


def test_tables_are_pinned():
    assert [curve(name).id[:16] for name in NAMED] == ["74b7510bb994655d", "757f5c306724a854", "cd20082633418c06"]


@pytest.mark.parametrize("name", [*NAMED, "measured"])
def test_there_and_back_is_the_same_picture(name, measured):
    response = curve(measured if name == "measured" else name)
    picture = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    levels = response.to_linear(picture)
    assert np.array_equal(response.to_stored(levels, 0), picture)
    for shift in (16, 32, 42):
        assert np.array_equal(response.to_stored(levels.astype(np.int64) << shift, shift), picture)
    for count in (3, 7, 13, 999):
        assert np.array_equal(response.mean_to_stored(levels.astype(np.uint32) * np.uint32(count), count), picture)


@given(
    name=st.sampled_from(NAMED),
    unit=st.one_of(st.integers(1, 10_000), st.integers(0, 42).map(lambda shift: 1 << shift)),
    near=st.lists(st.tuples(st.integers(0, 254), st.integers(-2, 2)), min_size=1, max_size=6),
    anywhere=st.lists(st.fractions(0, 1), min_size=1, max_size=6),
)
def test_the_way_back_is_its_definition(name, unit, near, anywhere):
    """The stored value is the number of bounds that sums / unit reaches, in Python's integers."""
    response = curve(name)
    bounds, white = response.bounds[0].tolist(), int(response.levels[0, -1])
    sums = [max(unit * bounds[i] // 65536 + offset, 0) for i, offset in near]
    sums += [int(white * unit * part) for part in anywhere]
    expected = [sum(value * 65536 >= unit * bound for bound in bounds) for value in sums]
    got = response._to_stored(np.array(sums, dtype=np.int64).reshape(1, -1, 1), unit)
    assert got.ravel().tolist() == expected


def test_stored_values_are_rounded_half_up():
    sums = np.arange(256 * 14).reshape(1, -1, 1)
    for count in (1, 2, 7, 8, 13):
        expected = np.minimum((2 * sums + count) // (2 * count), 255)  # beyond white is white
        assert np.array_equal(curve("stored").mean_to_stored(sums, count), expected)


@pytest.mark.parametrize(("name", "share"), [("srgb", 1e-3), ("gamma-2.2", 5e-4)])
def test_blur_in_linear_light_is_the_ideal_but_for_few_samples(name, share):
    """Against float64 on a worst case, noise. Measured on nine photographs and three Gaussians: 0.03 to 0.07 %
    (srgb) and 0.007 to 0.032 % (gamma-2.2) of the samples differ, by one level."""
    picture, kernel = noise(60, 80), Gaussian(sigma=1.2).kernel()
    table = np.array([float(ideal_light(name, Decimal(i) / 255)) for i in range(256)])
    halves = np.array([float(ideal_light(name, Decimal(2 * i + 1) / 510)) for i in range(255)])
    reach = kernel.taps.shape[0] // 2
    light = np.pad(table[picture], ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(light, kernel.taps.shape, axis=(0, 1))
    ideal = np.searchsorted(halves, np.einsum("hwcyx,yx->hwc", windows, kernel.weights[::-1, ::-1]), side="right")
    got = expose(of(picture), kernel, name).astype(int)
    assert np.abs(got - ideal).max() <= 1
    assert np.mean(got != ideal) <= share
    assert np.mean(got - expose(of(picture), kernel).astype(int)) > 5  # and light adds up brighter than values do


@pytest.mark.parametrize("name", [*NAMED, "measured"])
def test_every_operator_keeps_flat_pictures_and_deltas_in_any_light(name, measured):
    name = measured if name == "measured" else name
    flat = np.full((9, 11, 3), (200, 3, 77), dtype=np.uint8)
    wide, delta = Gaussian(sigma=2.0).kernel(), Kernel(np.array([[65536]], dtype=np.int32))
    for operator in (wide, KernelField((wide, delta, delta, wide), 2, 2)):
        assert np.array_equal(expose(of(flat), operator, name), flat)
    picture = noise(9, 11)
    for operator in (delta, KernelField((delta, delta), 1, 2)):
        assert np.array_equal(expose(of(picture), operator, name), picture)


def test_a_field_of_one_kernel_is_that_kernel_in_any_light(measured):
    picture, kernel = noise(20, 30), Gaussian(sigma=1.5).kernel()
    for name in (*NAMED, measured):
        whole = expose(of(picture), kernel, name)
        assert np.array_equal(expose(of(picture), KernelField((kernel,) * 6, 2, 3), name), whole)


def test_recorded_pictures_are_read_as_they_are():
    sharp, blurred = noise(8, 9), noise(8, 9, seed=1)
    exposure = of(sharp, recorded={"gamma": blurred, "small": blurred[:4]}.__getitem__)
    for light in NAMED:
        assert expose(exposure, Recorded("gamma"), light) is blurred
    with pytest.raises(PictureError, match="the recorded picture is 9x4, the sharp picture 9x8"):
        expose(exposure, Recorded("small"))


def test_a_measured_curve_is_read_in_opencv_order(measured, crf):
    levels = curve(measured).levels
    assert levels.shape == (3, 256)
    assert levels[:, 255].tolist() == [2**20 - 1] * 3
    assert levels[0, 128] > levels[1, 128] > levels[2, 128]  # the exponents 1.8, 2 and 2.4: red, green, blue
    line = (np.arange(256) + 1.0) ** 2
    rows = "\n".join(f"{b}, {g}, {r}" for b, g, r in np.stack([line**1.2, line, line**0.9], axis=1).tolist())
    text = curve(crf(rows.encode(), "a.csv")).levels
    assert np.abs(text - levels).max() <= 1  # float64 here, float32 there
    named = "\n".join(f"{r},{g},{b}" for b, g, r in (row.split(", ") for row in rows.splitlines()))
    assert np.array_equal(curve(crf(f"\ufeffR, G, B\r\n{named}".encode(), "b.csv")).levels, text)


def test_above_250_a_measured_curve_is_straight(crf):
    line = np.arange(256.0) ** 2
    wild = line.copy()
    wild[252:] = [5e5, 3e5, np.finfo(float).max / 8, 7.0]  # what Robertson's calibration may say there
    expected = line.copy()
    expected[251:] = line[250] + (line[251] - line[249]) / 2 * np.arange(1, 6)
    expected = np.floor(expected / expected[255] * (2**20 - 1) + 0.5)
    assert curve(crf(wild)).levels.tolist() == [expected.tolist()]


def test_a_measured_line_blurs_like_stored_values(crf):
    """A straight response only scales the levels, so the blur is that of the stored values."""
    picture, kernel = noise(30, 40), Gaussian(sigma=1.0).kernel()
    straight = expose(of(picture), kernel, crf(np.arange(256)))
    different = straight != expose(of(picture), kernel)
    assert different.mean() < 1e-3  # 4112 steps to a level, which their bounds halve


def test_opencv_calibrates_a_curve_that_is_taken(crf):
    """A camera of response x^(1/2.2), six exposures: its inverse is found within 3 % of white."""
    cv2 = pytest.importorskip("cv2")
    scene = np.linspace(0, 1, 256 * 64).reshape(128, 128)
    times = np.array([1 / 8, 1 / 4, 1 / 2, 1, 2, 4], dtype=np.float32)
    shots = [
        np.rint(np.clip(scene * t, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)[..., None].repeat(3, 2) for t in times
    ]
    found = cv2.createCalibrateRobertson().process(shots, times)
    assert found.shape == (256, 1, 3)
    levels = curve(crf(found)).levels / (2**20 - 1)
    assert np.abs(levels - (np.arange(256) / 255) ** 2.2).max() < 0.03


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (np.r_[0:100, 99:255], "a.npy", r"a\.npy does not rise from level 99 to 100 \(column 1\)"),
        (np.stack([np.arange(256)] * 2 + [np.r_[0:7, 6, 8:256]], 1), "a.npy", r"level 6 to 7 \(column 1\)"),
        (np.arange(256) * -1.0, "a.npy", "not between 0 and a positive white"),
        (np.arange(256) - 1.0, "a.npy", "not between 0 and a positive white"),
        (np.zeros(256), "a.npy", "positive white"),
        (np.where(np.arange(256) == 9, np.nan, 1.0), "a.npy", "holds no response curve"),
        (np.where(np.arange(256) == 9, np.inf, 1.0), "a.npy", "holds no response curve"),
        (np.arange(255), "a.npy", "holds no response curve"),
        (np.zeros((256, 2)), "a.npy", "holds no response curve"),
        (np.zeros((256, 3), dtype=bool), "a.npy", "holds no response curve"),
        (np.zeros((3, 256)), "a.npy", "holds no response curve"),
        (np.float64(3), "a.npy", "holds no response curve"),
        (npy(np.arange(256))[:-9], "a.npy", r"is no \.npy file"),
        (b"", "a.npy", r"is no \.npy file"),
        (b"", "a.csv", "has 0 lines"),
        (b"1,2,3\n" * 255, "a.csv", "has 255 lines"),
        (b"1,2,3\n" * 255 + b"1,2", "a.csv", "no table of numbers"),
        (b"1,2,x\n" * 256, "a.csv", "no table of numbers"),
        (b"1,2\n" * 256, "a.csv", "holds no response curve"),
        (b"\xff\xfe" * 300, "a.csv", "is no text"),
        (b"1\n" * (1 << 20), "a.csv", "too large"),
    ],
)
def test_a_file_that_is_no_rising_curve_is_refused_by_name(data, name, words, crf):
    with pytest.raises(UsageError, match=words) as refused:
        curve(crf(data, name))
    assert name in str(refused.value)
    assert refused.value.hint


def test_a_pickle_is_no_curve(crf):
    file = io.BytesIO()
    np.save(file, np.array([{}] * 256, dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match=r"is no \.npy file"):
        curve(crf(file.getvalue()))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    from deblurbench.blur.crf import response_levels

    torn = b"\x93NUMPY\x01\x00\x01\x00("
    for name in ("x.csv", "x.npy"):
        for content in (data, torn + data, b"PK\x03\x04" + data, npy(np.arange(256))[: len(data)] + data):
            with pytest.raises(UsageError):
                response_levels(name, content)


def test_a_file_that_changed_is_read_again(crf):
    first = curve(crf(np.arange(256)))
    second = curve(crf(np.arange(256) ** 2))
    assert first.id != second.id


def test_lights_are_known_by_name(tmp_path):
    for name in (*NAMED, "crf:somewhere.npy"):
        check_light(name)
    for name, words in [("srbg", "did you mean 'srgb'"), ("crf:", "crf:FILE"), (2.2, "known"), (None, "known")]:
        with pytest.raises(UsageError, match=words):
            check_light(name)
    with pytest.raises(UsageError, match=r"did you mean 'gamma-2\.2'"):
        curve("gamma2.2")
    with pytest.raises(UsageError, match=r"cannot read the response curve .*none\.npy"):
        curve(f"crf:{tmp_path / 'none.npy'}")
