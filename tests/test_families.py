"""What holds for every family of blurs whose kernels are known: one list, one set of analytic tests.

A family joins by a `Case` in `CASES`, under the name of its entry point.
"""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from deblurbench.blur.convolve import weighted_sums
from deblurbench.blur.family import blur_from
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import UNIT, Kernel
from deblurbench.draws import Draws
from deblurbench.errors import UsageError

ITEMS = ("train/a", "train/b", "test-x/c")
NOTHING = Draws(0, "", "")


@dataclass(frozen=True)
class Case:
    """One family with settings that make it draw.

    Attributes:
        family: the name of its entry point.
        settings: of a recipe's table.
        golden: the first 12 digits of the ids of the kernels that the first two items draw; of a field, of its first.
        refused: (key, value) pairs that must be refused under that key, each put into the settings.
        centroid: the largest distance of a kernel's centroid from the centre, pixels; None where none is promised.
        rederives: whether the recorded parameters are settings of the same kernel.
    """

    family: str
    settings: dict
    golden: tuple[str, ...]
    refused: tuple[tuple[str, object], ...]
    centroid: float | None = 0.0
    rederives: bool = True
    label: str = ""

    def draw(self, item):
        """What a pair draws: its operator and parameters."""
        return make(self.family, self.settings).draw(Draws(7, item, "blur"))

    def kernels(self, item):
        """The kernels that a pair draws: one, or all of a field."""
        operator = self.draw(item).operator
        return operator.kernels if isinstance(operator, KernelField) else (operator,)


CASES = [
    Case(
        "gaussian",
        {"sigma": [0.5, 2.5]},
        ("23f30f7b4587", "bf2a7164bf92"),
        (("sigma", 0), ("sigma", [2.0, 1.0]), ("sigma", "wide"), ("size", 4), ("sigma_y", True), ("angle", 3)),
        centroid=1e-3,
    ),
    Case(
        "gaussian",
        {"sigma": [2.0, 4.0], "sigma_y": [0.6, 2.0], "angle": [0, 180]},
        ("0de223ca575e", "a5550894fc1b"),
        (("sigma_y", [1, 2, 3]), ("angle", 400)),
        1e-3,
        label="elongated",
    ),
    Case("gaussian-opencv", {"sigma": [0.5, 2.5]}, ("0746d9d557b7", "a4e2931ac8f1"), (("sigma", 101), ("size", 2))),
    Case(
        "box",
        {"width": [1, 9], "height": [1, 9]},
        ("42c1d2b37b97", "c8331701505d"),
        (("width", 0), ("width", 2.5), ("height", [3, 300])),
        centroid=0.5**0.5 + 1e-3,  # an even side has its centre at size // 2: half a pixel off on each axis
    ),
    Case(
        "defocus",
        {"radius": [0.4, 9]},
        ("2c3c69023c3d", "dbed2e89b390"),
        (("radius", 0.0), ("rotation", 5), ("blades", 2), ("blades", 13)),
    ),
    Case(
        "defocus",
        {"radius": [3, 9], "blades": 5, "rotation": [0, 360]},
        ("aa2cf46b054e", "71794e815281"),
        (("rotation", [10, 5]), ("blades", 5.0)),
        centroid=0.02,  # an odd number of corners, seen by square pixels
        label="polygon",
    ),
    Case(
        "linear-motion",
        {"length": [1, 25], "angle": [0, 180]},
        ("1d5935f9834c", "d382182a804d"),
        (("length", 0), ("angle", "up")),
    ),
    Case(
        "diffraction",
        {"cutoff": [0.15, 0.25]},
        ("567a2028dc3a", "c0b551c07e94"),
        (
            ("cutoff", 0.3),
            ("noll", [3, 11]),
            ("noll", [11, 4]),
            ("amplitude", -0.1),
            ("coefficients", [0.1]),
            ("size", 30),
        ),
        centroid=0.01,
    ),
    Case(
        "camera-shake",
        {"length": [5, 30], "steps": 300},
        ("3818d529097d", "cf33545d7926"),
        (("size", 4), ("expl", []), ("steps", 1)),
        centroid=0.05,
        rederives=False,  # the path is drawn too
    ),
    Case(
        "measured",
        {"path": "bank", "orientation": "as-is"},
        ("a42f22d21aee", "7b5459dc1534"),
        (("orientation", "upright"), ("index", -1)),
        centroid=None,  # they are what they are
        rederives=False,  # a path means nothing elsewhere
    ),
    Case(
        "spatially-varying",
        {"rows": 2, "columns": 2, "blur": {"family": "gaussian", "sigma": [0.5, 2.0]}},
        ("46f6de494f1b", "d5105dbaf220"),
        (("rows", 0), ("columns", 2.0), ("blur", {"family": "gaussian", "sigma": 0})),
        centroid=1e-3,
        rederives=False,  # its nodes are listed, and each re-derives its own kernel
    ),
]


@pytest.fixture(autouse=True)
def bank(tmp_path, monkeypatch):
    """Forty kernels of 5 x 5 in a folder of the working directory, for `measured`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bank").mkdir()
    for i in range(40):
        np.save(tmp_path / "bank" / f"{i:02}.npy", (np.arange(25) * (i + 3) % 101).reshape(5, 5))


def make(family, settings):
    return blur_from({"family": family, **settings}, "r.toml", "splits.0.blurs.0")


every = pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(filter(None, (case.family, case.label))))


def shifted(array, down, right):
    return np.roll(array, (down, right), axis=(0, 1))


def inside(kernel, size=16, seed=0):
    """Noise H x W x 1 in a dark margin that is wider than the kernel: no border is ever met."""
    margin = max(kernel.taps.shape) + 4
    picture = np.zeros((size + 2 * margin, size + 2 * margin, 1), dtype=np.int64)
    noise = np.random.default_rng(seed).integers(0, 256, (size, size, 1))
    picture[margin : margin + size, margin : margin + size] = noise
    return picture


def transposed(kernel):
    """The kernel of the transposed blur: turned by 180 degrees about its centre (an even side gets a row of zeros)."""
    height, width = kernel.taps.shape
    odd = np.pad(kernel.taps, ((0, 1 - height % 2), (0, 1 - width % 2)))
    return Kernel(odd[::-1, ::-1])


@every
def test_two_draws_are_pinned(case):
    assert tuple(case.kernels(item)[0].id[:12] for item in ITEMS[:2]) == case.golden


@every
def test_a_draw_depends_on_its_pair_alone(case):
    forwards = [[kernel.id for kernel in case.kernels(item)] for item in ITEMS]
    backwards = [[kernel.id for kernel in case.kernels(item)] for item in ITEMS[::-1]]
    assert forwards == backwards[::-1]
    assert len({ids[0] for ids in forwards}) == len(ITEMS)


@every
def test_mass_is_kept(case):
    for item in ITEMS:
        for kernel in case.kernels(item):
            assert int(kernel.taps.sum(dtype=np.int64)) == UNIT
            assert kernel.taps.min() >= 0
            flat = np.full((5, 7, 1), 201, dtype=np.int64)
            assert (weighted_sums(flat, kernel) == 201 * UNIT).all()


@every
def test_a_bright_pixel_comes_out_as_the_kernel(case):
    for item in ITEMS:
        for kernel in case.kernels(item):
            height, width = kernel.taps.shape
            picture = np.zeros((2 * height + 5, 2 * width + 3, 1), dtype=np.int64)
            row, column = height + 1, width
            picture[row, column] = 1
            expected = np.zeros(picture.shape[:2], dtype=np.int64)
            top, left = row - height // 2, column - width // 2
            expected[top : top + height, left : left + width] = kernel.taps
            assert np.array_equal(weighted_sums(picture, kernel)[:, :, 0], expected)


@every
def test_a_shifted_picture_gives_the_shifted_blur(case):
    for item in ITEMS[:2]:
        for kernel in case.kernels(item):
            picture = inside(kernel)
            moved = weighted_sums(shifted(picture, 2, -3), kernel)
            assert np.array_equal(moved, shifted(weighted_sums(picture, kernel), 2, -3))


@every
def test_the_blur_and_its_transpose_agree_exactly(case):
    """<A x, y> = <x, A^T y> in whole numbers."""
    for item in ITEMS[:2]:
        for kernel in case.kernels(item):
            x, y = inside(kernel, seed=1), inside(kernel, seed=2)
            assert (weighted_sums(x, kernel) * y).sum() == (x * weighted_sums(y, transposed(kernel))).sum() > 0


@every
def test_kernels_are_centred(case):
    for item in ITEMS if case.centroid is not None else ():
        for kernel in case.kernels(item):
            offsets = [np.arange(size) - size // 2 for size in kernel.taps.shape]
            at = [kernel.weights.sum(axis=1 - axis) @ offsets[axis] for axis in (0, 1)]
            assert np.hypot(*at) <= case.centroid


@every
def test_what_is_recorded_is_plain_and_gives_the_kernel_again(case):
    for item in ITEMS:
        operator, parameters = case.draw(item)
        assert json.loads(json.dumps(parameters)) == parameters
        if case.rederives:
            again = make(case.family, parameters).draw(NOTHING)
            assert again.operator.id == operator.id
            assert again.parameters == parameters


@every
def test_wrong_parameters_are_refused_by_name(case):
    for key, value in case.refused:
        with pytest.raises(UsageError) as error:
            make(case.family, {**case.settings, key: value})
        assert error.value.message == f"r.toml:splits.0.blurs.0.{key}"
        assert "more wrong keys" not in error.value.hint


@every
def test_a_mistyped_key_is_named(case):
    key = next(iter(case.settings))
    settings = {name + "x" if name == key else name: value for name, value in case.settings.items()}
    with pytest.raises(UsageError, match=rf"r\.toml:splits\.0\.blurs\.0\.{key}x: unknown key, did you mean '{key}'"):
        make(case.family, settings)
