"""Kernels from files: every format, every refusal, and which way up Levin's kernels are."""

import hashlib
import io
import pickle
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, PngImagePlugin
from scipy.io import savemat

from deblurbench import config
from deblurbench.blur import kernel_file
from deblurbench.blur.convolve import convolve
from deblurbench.blur.kernel import UNIT, Kernel, quantise
from deblurbench.blur.kernel_file import MAX_SIDE, MAX_TAPS, read_weights
from deblurbench.blur.measured import Measured
from deblurbench.draws import Draws
from deblurbench.errors import DeblurbenchError, PictureError, RecipeError, UsageError

WEIGHTS = np.array([[0.0, 0.25, 0.0, 0.125], [0.5, 0.0, 0.125, 0.0], [0.0, 0.0, 0.0, 0.0]])


def write_hdf5(path, **variables):
    """A file as MATLAB 7.3 writes it: transposed matrices, and cell arrays of references; rows are rows in `values`."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if not isinstance(value, list):
                file[name] = np.asarray(value).T
                file[name].attrs["MATLAB_class"] = np.bytes_("double")
                continue
            for i, matrix in enumerate(value):
                file[f"#refs#/{name}{i}"] = np.asarray(matrix).T
                file[f"#refs#/{name}{i}"].attrs["MATLAB_class"] = np.bytes_("double")
            references = [[file[f"#refs#/{name}{i}"].ref] for i in range(len(value))]
            file.create_dataset(name, data=references, dtype=h5py.ref_dtype, shape=(len(value), 1))
            file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    return path


def cells(*matrices):
    value = np.empty((1, len(matrices)), dtype=object)
    value[0] = matrices
    return value


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "<u2", "|i1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, dtype, order):
    stored = np.asarray(WEIGHTS * 16, dtype=dtype, order=order)
    np.save(tmp_path / "k.npy", stored)
    (weights,) = read_weights(tmp_path / "k.npy")
    assert weights.dtype == np.float64
    assert weights.tolist() == (WEIGHTS * 16).tolist()


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_png_keeps_its_bits(tmp_path, dtype, top):
    stored = (WEIGHTS * 2 * top).astype(dtype)
    Image.fromarray(stored).save(tmp_path / "K.PNG")
    (weights,) = read_weights(tmp_path / "K.PNG")
    assert weights.tolist() == stored.tolist()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("version", ["4", "5", "7.3"])
def test_mat_matrix(tmp_path, version, compressed):
    path = tmp_path / "k.mat"
    if version == "7.3":
        write_hdf5(path, f=WEIGHTS, x=np.ones((2, 2)))
    else:
        savemat(path, {"f": WEIGHTS, "x": np.ones((2, 2))}, format=version, do_compression=compressed)
    (weights,) = read_weights(path, "f")
    assert weights.tolist() == WEIGHTS.tolist()
    with pytest.raises(UsageError, match=r"k.mat has 2 variables.*f, x"):
        read_weights(path)
    with pytest.raises(UsageError, match=r"no variable 'ff'.*did you mean 'f'"):
        read_weights(path, "ff")


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_mat_cells_in_linear_order(tmp_path, version):
    matrices = [WEIGHTS, np.eye(2), WEIGHTS[:2], np.ones((1, 1))]
    if version == "7.3":
        write_hdf5(tmp_path / "k.mat", kernels=matrices)
    else:
        square = cells(*matrices).reshape(2, 2, order="F")
        savemat(tmp_path / "k.mat", {"kernels": square}, do_compression=True)
    assert [w.tolist() for w in read_weights(tmp_path / "k.mat")] == [m.tolist() for m in matrices]


def bad_arrays():
    return {
        "negative": (np.array([[1.0, -0.5]]), r"negative values \(down to -0.5\)"),
        "nan": (np.array([[1.0, np.nan]]), "infinite or undefined"),
        "infinite": (np.array([[1.0, np.inf]]), "infinite or undefined"),
        "overflow": (np.full((2, 2), 1e308), "sum is inf"),
        "zero": (np.zeros((3, 3)), "sum is 0"),
        "empty": (np.zeros((0, 3)), "empty"),
        "line": (np.ones(5), "1 axes"),
        "colour": (np.ones((3, 3, 3)), "3 axes.*several files"),
        "huge": (np.ones((2, MAX_SIDE + 1)), "1002 x 2.*at most 1001"),
        "complex": (np.ones((2, 2), dtype=complex), "else than real numbers"),
        "text": (np.array([["a", "b"]]), "else than real numbers"),
        "record": (np.zeros((2, 2), dtype=[("a", "f8")]), "else than real numbers"),
    }


@pytest.mark.parametrize("case", bad_arrays())
def test_npy_of_what_is_no_kernel_is_refused(tmp_path, case):
    array, what = bad_arrays()[case]
    np.save(tmp_path / "k.npy", array)
    with pytest.raises(PictureError, match=rf"k\.npy.*{what}"):
        read_weights(tmp_path / "k.npy")


@pytest.mark.parametrize("case", ["negative", "nan", "zero", "huge", "colour", "complex", "text"])
@pytest.mark.parametrize("version", ["5", "7.3"])
def test_mat_of_what_is_no_kernel_is_refused(tmp_path, case, version):
    array, what = bad_arrays()[case]
    if version == "5":
        savemat(tmp_path / "k.mat", {"k": array})
    else:
        write_hdf5(tmp_path / "k.mat", k=array.astype("S1") if case == "text" else array)
    with pytest.raises(PictureError, match=rf"k\.mat.*({what})"):
        read_weights(tmp_path / "k.mat")


_sprung = []


def spring():
    _sprung.append(1)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self):
        return spring, ()


def test_pickled_arrays_are_never_loaded(tmp_path):
    np.save(tmp_path / "k.npy", np.array([[Trap()]], dtype=object), allow_pickle=True)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("k.npy", "raw.npy"):
        with pytest.raises(PictureError, match=name):
            read_weights(tmp_path / name)
    assert not _sprung
    pickle.loads((tmp_path / "raw.npy").read_bytes())
    assert _sprung.pop() == 1  # it is a trap


def test_a_huge_shape_costs_nothing(tmp_path):
    """A header of a few bytes that claims 7 TB, and one whose data are there but too many."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    (tmp_path / "k.npy").write_bytes(header.getvalue())
    with pytest.raises(PictureError, match=r"k\.npy"):
        read_weights(tmp_path / "k.npy")
    with (tmp_path / "sparse.npy").open("wb") as file:
        file.truncate(kernel_file.MAX_BYTES + 1)
    with pytest.raises(PictureError, match=r"sparse\.npy is larger than 64 MiB"):
        read_weights(tmp_path / "sparse.npy")


def test_npz_archives_are_refused_unopened(tmp_path):
    np.savez_compressed(tmp_path / "k.npz", k=WEIGHTS)
    shutil.move(tmp_path / "k.npz", tmp_path / "k.npy")
    with pytest.raises(PictureError, match=r"k\.npy is an \.npz archive"):
        read_weights(tmp_path / "k.npy")


def test_mat_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel_file, "MAX_BYTES", 1 << 20)
    savemat(tmp_path / "k.mat", {"k": cells(np.zeros((1000, 500)), np.eye(2))}, do_compression=True)
    assert (tmp_path / "k.mat").stat().st_size < 1 << 14
    zeros = zlib.compress(bytes(2 << 20))
    header = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI"  # of a machine with the other byte order
    (tmp_path / "big.mat").write_bytes(header + struct.pack(">II", 15, len(zeros)) + zeros)
    for name in ("loadmat", "whosmat"):
        monkeypatch.setattr(f"scipy.io.{name}", lambda *_, **__: pytest.fail("it was unpacked"))
    for name in ("k.mat", "big.mat"):
        with pytest.raises(PictureError, match=f"{name} unpacks to more than 1 MiB"):
            read_weights(tmp_path / name)


def test_hdf5_tricks_are_refused(tmp_path):
    import h5py

    path = write_hdf5(tmp_path / "other.mat", k=WEIGHTS)
    with h5py.File(tmp_path / "link.mat", "w") as file:
        file["k"] = h5py.ExternalLink(path.name, "k")
    with pytest.raises(UsageError, match="no variable 'k'"):
        read_weights(tmp_path / "link.mat", "k")
    with h5py.File(tmp_path / "external.mat", "w") as file:
        file.create_dataset("k", (2, 2), "f8", external=[(str(path), 0, 32)])
    with pytest.raises(PictureError, match=r"external\.mat.*else than plain matrices"):
        read_weights(tmp_path / "external.mat")
    with h5py.File(tmp_path / "chunk.mat", "w") as file:
        file.create_dataset("k", (2, 2), "u1", maxshape=(None, None), chunks=(4096, 4096), compression="gzip")[:] = 1
    with pytest.raises(PictureError, match=r"chunk\.mat.*at most 1001"):
        read_weights(tmp_path / "chunk.mat")
    with h5py.File(tmp_path / "many.mat", "w") as file:
        file["#refs#/a"] = np.ones((1001, 1001), dtype=np.uint8)
        file.create_dataset("k", data=[[file["#refs#/a"].ref]] * 1000, dtype=h5py.ref_dtype)
    with pytest.raises(PictureError, match=rf"many\.mat.*more than {MAX_TAPS} values"):
        read_weights(tmp_path / "many.mat")
    with h5py.File(tmp_path / "text.mat", "w") as file:
        file["k"] = np.ones((3, 3), dtype=np.uint16)
        file["k"].attrs["MATLAB_class"] = np.bytes_("char")
    with pytest.raises(PictureError, match=r"text\.mat.*else than plain matrices"):
        read_weights(tmp_path / "text.mat")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = write_hdf5(tmp_path / "k.mat", k=WEIGHTS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DeblurbenchError, match=r"h5py.*deblurbench\[formats\]"):
        read_weights(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_colour_pngs_are_refused(tmp_path, mode):
    Image.new(mode, (3, 3), 1).save(tmp_path / "k.png")
    with pytest.raises(PictureError, match=rf"k\.png is of mode {mode}.*convert it to grey"):
        read_weights(tmp_path / "k.png")


def test_other_pngs_are_refused(tmp_path):
    frames = [Image.new("L", (3, 3), level) for level in (1, 2)]
    frames[0].save(tmp_path / "film.png", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "clear.png", transparency=1)
    Image.new("L", (1002, 1), 9).save(tmp_path / "wide.png")
    Image.new("L", (3, 3), 9).save(tmp_path / "k.jpg")
    (tmp_path / "jpeg.png").write_bytes((tmp_path / "k.jpg").read_bytes())
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "0" * (1 << 26), zip=True)
    frames[0].save(tmp_path / "bomb.png", pnginfo=text)
    for name, what in [
        ("film.png", "one plain grey picture"),
        ("clear.png", "one plain grey picture"),
        ("wide.png", "at most 1001"),
        ("jpeg.png", "cannot be read"),
        ("bomb.png", "cannot be read"),
        ("k.jpg", "is no kernel file"),
        ("none.png", "does not exist"),
    ]:
        with pytest.raises(PictureError, match=rf"{name}.*{what}"):
            read_weights(tmp_path / name)


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """The bytes of a good file of each format."""
    folder = tmp_path_factory.mktemp("good")
    np.save(folder / "k.npy", WEIGHTS)
    Image.fromarray((WEIGHTS * 255).astype(np.uint8)).save(folder / "k.png")
    savemat(folder / "5.mat", {"k": cells(WEIGHTS, WEIGHTS)}, do_compression=True)
    savemat(folder / "4.mat", {"k": WEIGHTS}, format="4")
    write_hdf5(folder / "7.mat", k=[WEIGHTS, WEIGHTS])
    return [(path.suffix, path.read_bytes()) for path in sorted(folder.iterdir())]


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused(tmp_path, good_files, data):
    """Whatever bytes there are: kernels that can be used, or an error that names the file."""
    suffix, content = data.draw(st.sampled_from(good_files))
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))]
    path = tmp_path / f"k{suffix}"
    path.write_bytes(bytes(damaged))
    try:
        kernels = read_weights(path)
    except DeblurbenchError as error:
        refused = str(path) in error.message
    else:
        refused = False
    assert refused or all(quantise(weights).taps.sum() == UNIT for weights in kernels)


@given(
    st.sampled_from([".npy", ".png", ".mat"]),
    st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda rest: b"\x93NUMPY\x01\x00" + rest)),
)
@example(".npy", b"PK\x03\x04")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"k{suffix}"
    path.write_bytes(content)
    with pytest.raises(DeblurbenchError, match="k"):
        read_weights(path)


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 1e300)))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path, weights):
    if not weights.any():
        weights[0, 0] = 1
    np.save(tmp_path / "k.npy", weights)
    write_hdf5(tmp_path / "k.mat", k=[weights])
    assert np.array_equal(read_weights(tmp_path / "k.npy")[0], weights)
    assert np.array_equal(read_weights(tmp_path / "k.mat")[0], weights)


def bank(folder):
    np.save(folder / "a.npy", WEIGHTS)
    Image.fromarray(np.full((2, 2), 7, dtype=np.uint8)).save(folder / "b.png")
    write_hdf5(folder / "c.mat", k=[WEIGHTS[:2], np.eye(3)])
    (folder / "SOURCES.csv").write_text("file\n")
    (folder / ".hidden.npy").write_text("")
    (folder / "below").mkdir()
    np.save(folder / "below" / "d.npy", WEIGHTS)
    return folder


def test_a_folder_is_a_bank_in_the_order_of_names(tmp_path):
    entries = Measured(path=str(bank(tmp_path)), orientation="as-is").bank()
    assert [(e.file, e.index) for e in entries] == [("a.npy", 0), ("b.png", 0), ("c.mat", 0), ("c.mat", 1)]
    assert entries[0].sha256 == hashlib.sha256((tmp_path / "a.npy").read_bytes()).hexdigest()
    assert entries[1].kernel.taps.tolist() == [[UNIT // 4] * 2] * 2
    assert entries[0].kernel.taps.tolist() == (WEIGHTS * UNIT).tolist()


def test_each_pair_draws_and_says_what(tmp_path, monkeypatch):
    bank(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    blur = Measured(path=tmp_path.name, orientation="as-is")
    drawn = [blur.draw(Draws(0, f"{i}", "blur")) for i in range(200)]
    seen = {(d.parameters["file"], d.parameters["index"]): d for d in drawn}
    assert seen.keys() == {("b.png", 0), ("a.npy", 0), ("c.mat", 0), ("c.mat", 1)}
    counts = [sum(d.parameters == s.parameters for d in drawn) for s in seen.values()]
    assert min(counts) > 30
    expected = {
        "file": "c.mat",
        "index": 1,
        "sha256": hashlib.sha256((tmp_path / "c.mat").read_bytes()).hexdigest(),
        "orientation": "as-is",
        "normalise": True,
    }
    assert seen["c.mat", 1].parameters == expected
    assert str(tmp_path) not in str([d.parameters for d in drawn])
    fixed = Measured(path=tmp_path.name, orientation="as-is", index=0)
    assert {fixed.draw(Draws(0, f"{i}", "")).operator.id for i in range(9)} == {seen["a.npy", 0].operator.id}


def test_files_are_read_once_and_again_when_they_change(tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(
        "deblurbench.blur.measured.read_weights", lambda path, variable: reads.append(path.name) or read_weights(path)
    )
    np.save(tmp_path / "k.npy", WEIGHTS)
    blur = Measured(path=str(tmp_path / "k.npy"), orientation="as-is")
    assert not reads  # a recipe is read without its kernels
    first = [blur.draw(Draws(0, f"{i}", "")).operator.id for i in range(5)]
    assert reads == ["k.npy"]
    np.save(tmp_path / "k.npy", np.eye(9))
    assert blur.draw(Draws(0, "", "")).operator.id not in first
    assert reads == ["k.npy"] * 2


def test_rotation_keeps_the_documented_centre(tmp_path):
    """A bright point at (10, 10): of 3 x 4 taps the centre is (1, 2), before and after the rotation."""
    np.save(tmp_path / "k.npy", WEIGHTS)
    picture = np.zeros((21, 21, 1), dtype=np.uint8)
    picture[10, 10] = 240
    for orientation, weights in (("as-is", WEIGHTS), ("rotated-180", WEIGHTS[::-1, ::-1])):
        kernel = Measured(path=str(tmp_path / "k.npy"), orientation=orientation).draw(Draws(0, "", "")).operator
        assert convolve(picture, kernel)[9:12, 8:12, 0].tolist() == (240 * weights).tolist()


def test_sums_are_checked_unless_they_are_normalised(tmp_path):
    np.save(tmp_path / "one.npy", WEIGHTS * 1.0005)
    np.save(tmp_path / "two.npy", WEIGHTS * 2)
    kernels = [
        Measured(path=str(tmp_path / name), orientation="as-is", normalise=normalise).draw(Draws(0, "", "")).operator
        for name, normalise in (("one.npy", False), ("one.npy", True), ("two.npy", True))
    ]
    assert len({kernel.id for kernel in kernels}) == 1
    with pytest.raises(PictureError, match=r"two\.npy: kernel 0 sums to 2, not to 1.*normalise = true"):
        Measured(path=str(tmp_path / "two.npy"), orientation="as-is", normalise=False).draw(Draws(0, "", ""))


def test_banks_that_are_none_are_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "SOURCES.csv").write_text("file")
    for path, index, what in [
        (tmp_path / "none", None, r"does not exist.*working directory"),
        (empty, None, "holds no kernels"),
        (bank(tmp_path), 4, "has 4 kernels, and none of index 4"),
    ]:
        with pytest.raises(UsageError, match=what):
            Measured(path=str(path), orientation="as-is", index=index).draw(Draws(0, "", ""))


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"path": "k"}, "b.orientation: this key is missing"),
        ({"path": "k", "orientation": "upside-down"}, "b.orientation"),
        ({"path": "", "orientation": "as-is"}, "b.path"),
        ({"path": "k", "orientation": "as-is", "index": -1}, "b.index"),
    ],
)
def test_what_cannot_be_is_refused(settings, where):
    with pytest.raises(RecipeError, match=where):
        config.parse(Measured, settings, "r.toml", "b")


def test_levins_mat_equals_the_eight_arrays(shared):
    """They were normalised once more: the last digit of a float differs, no tap of the integer kernel does."""
    kernels = read_weights(shared / "kernels" / "Levin09.mat")
    assert [len(weights) for weights in kernels] == [19, 17, 15, 27, 13, 21, 23, 23]
    for i, weights in enumerate(kernels):
        array = np.load(shared / "kernels" / f"levin09_{i + 1}.npy")
        assert np.abs(weights - array).max() < 1e-16
        assert np.abs(weights.T - array).max() > 0.01
        assert quantise(weights).id == quantise(array).id


def test_an_even_kernel_is_taken_as_it_is(shared):
    kernel = (
        Measured(path=str(shared / "kernels" / "k_large_2.png"), orientation="as-is").draw(Draws(0, "", "")).operator
    )
    assert kernel.taps.shape == (70, 70)
    levels = np.asarray(Image.open(shared / "kernels" / "k_large_2.png"), dtype=float)
    assert np.abs(kernel.weights - levels / levels.sum()).max() <= 1 / UNIT


def residual(blurred, captured, reach=6):
    """The least mean squared difference over all shifts of up to `reach` pixels."""
    margin = 40  # the longest kernel's half and the shift stay inside
    inner = captured[margin:-margin, margin:-margin]
    height, width = inner.shape
    return min(
        np.square(blurred[margin + dy :, margin + dx :][:height, :width] - inner).mean()
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
    )


@pytest.mark.parametrize("picture", [1, 3])
def test_levins_captured_blur_is_that_of_the_rotated_kernels(shared, picture):
    """Kernels 1 and 3 are nearly symmetric and say little; the others leave no doubt."""
    folder = shared / "real_blur_pairs" / "levin_grey"
    sharp = np.asarray(Image.open(folder / f"im{picture}_sharp.png"))[:, :, None]
    for number in (2, 4, 5, 6, 7, 8):
        captured = np.asarray(Image.open(folder / f"im{picture}_k{number}_blur.png"), dtype=float)
        left = {}
        for orientation in ("as-is", "rotated-180"):
            blur = Measured(path=str(shared / "kernels" / "Levin09.mat"), orientation=orientation, index=number - 1)
            kernel = blur.draw(Draws(0, "", "")).operator
            assert isinstance(kernel, Kernel)
            left[orientation] = residual(convolve(sharp, kernel)[:, :, 0].astype(float), captured)
        assert left["rotated-180"] < 25, (number, left)
        assert 2 * left["rotated-180"] < left["as-is"], (number, left)
