"""Kernels from files: .npy, .png, .mat. Whatever a file holds is checked before it is believed.

A kernel PNG is data, not a picture: 16 bits matter, and grey is not made RGB; so it is not read by `images`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurbench.errors import DeblurbenchError, PictureError, UsageError, nearest

Weights = npt.NDArray[np.float64]
"""float64 h x w, finite, >= 0, not all zero; not normalised."""

SUFFIXES = (".mat", ".npy", ".png")
MAX_SIDE = 1001
MAX_TAPS = 1 << 24  # of all kernels of a file
MAX_BYTES = 1 << 26  # of a file, and of what is compressed in it
_HDF5 = b"\x89HDF\r\n\x1a\n"
_GREY = ("1", "L", "I;16")
_NUMBERS = ("double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
_AS_KERNEL = "a kernel is a 2-D array of finite, non-negative numbers"


def read_weights(path: Path, variable: str = "") -> tuple[Weights, ...]:
    """The kernels of a file, in its order; every value as stored.

    Args:
        path: `.npy` (one 2-D array; pickled ones are never loaded), `.png` (grey, 1 to 16 bits), or `.mat` (MATLAB 4
            to 7.3: a matrix, or a cell array of them in MATLAB's linear order; HDF5's transposed matrices are
            transposed back, so that rows are rows).
        variable: of a .mat file that has several.

    Raises:
        PictureError: the file is missing, too large, damaged, or holds what is no kernel.
        UsageError: `variable` is not there, or needed.
        DeblurbenchError: h5py is needed for MATLAB 7.3, and is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise PictureError(f"{path} is no kernel file", f"files that end in {', '.join(SUFFIXES)} are read")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureError(f"{path} is larger than {MAX_BYTES >> 20} MiB", "split it")
        if suffix == ".mat":
            return tuple(_limited(_read_mat(path, variable), path))
        return tuple(_limited(_read_npy(path) if suffix == ".npy" else _read_png(path), path))
    except DeblurbenchError:
        raise
    except FileNotFoundError as error:
        raise PictureError(f"{path} does not exist") from error
    except Exception as error:  # what a damaged file makes a foreign parser raise is nobody's promise
        what = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise PictureError(f"{path} cannot be read ({what})", "replace or remove it") from error


def _limited(arrays: Iterable[npt.NDArray[Any]], path: Path) -> Iterator[Weights]:
    """The arrays, checked one by one: a cell array may name one matrix a million times."""
    taps = 0
    for array in arrays:
        yield _checked(array, path)
        taps += array.size
        if taps > MAX_TAPS:
            raise PictureError(f"{path} holds kernels of more than {MAX_TAPS} values in all", "split it")
    if not taps:
        raise PictureError(f"{path} holds an empty cell array", _AS_KERNEL)


def _check_form(shape: Sequence[int], kind: str, path: Path) -> None:
    """Refuse what its shape and dtype alone show to be no kernel: before any of it is read."""
    if kind not in "biuf":
        raise PictureError(f"{path} holds something else than real numbers", _AS_KERNEL)
    if len(shape) != 2:
        raise PictureError(
            f"{path} holds an array of {len(shape)} axes",
            f"{_AS_KERNEL}: for several, use several files or a cell array",
        )
    if 0 in shape:
        raise PictureError(f"{path} holds an empty array", _AS_KERNEL)
    if max(shape) > MAX_SIDE:
        raise PictureError(f"{path} holds a kernel of {shape[1]} x {shape[0]}", f"at most {MAX_SIDE} a side: crop it")


def _checked(array: npt.NDArray[Any], path: Path) -> Weights:
    _check_form(array.shape, array.dtype.kind, path)
    with np.errstate(over="ignore"):
        weights = array.astype(np.float64)
    if not np.isfinite(weights).all():
        raise PictureError(f"{path} holds a kernel with infinite or undefined values", _AS_KERNEL)
    if (weights < 0).any():
        raise PictureError(f"{path} holds a kernel with negative values (down to {weights.min():g})", _AS_KERNEL)
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not 0 < total < np.inf:
        raise PictureError(f"{path} holds a kernel whose sum is {total:g}", "it needs a finite sum above 0")
    return weights


def _read_npy(path: Path) -> list[npt.NDArray[Any]]:
    with path.open("rb") as file:
        if file.read(2) == b"PK":  # NumPy would open it, and leave it open where it is damaged
            raise PictureError(f"{path} is an .npz archive", "save each kernel as an .npy file")
    # Mapped, so that a huge shape costs nothing before it is refused.
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    _check_form(array.shape, array.dtype.kind, path)
    return [np.array(array)]


def _read_png(path: Path) -> list[npt.NDArray[Any]]:
    with Image.open(path, formats=("PNG",)) as file:
        if file.mode not in _GREY or getattr(file, "n_frames", 1) != 1 or "transparency" in file.info:
            raise PictureError(f"{path} is of mode {file.mode}, not one plain grey picture", "convert it to grey")
        _check_form((file.height, file.width), "u", path)
        return [np.asarray(file)]


def _read_mat(path: Path, variable: str) -> Iterable[npt.NDArray[Any]]:
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(_HDF5) or head[512:].startswith(_HDF5):
        return _read_hdf5(path, variable)
    from scipy.io import loadmat, whosmat

    if len(head) > 128 and 0 not in head[:4]:  # version 4 has no text in front, and compresses nothing
        _refuse_bomb(path, "<" if head[126:128] == b"IM" else ">")
    shapes = {name: shape for name, shape, _ in whosmat(path)}
    name = _choose(variable, list(shapes), path)
    if np.prod([float(size) for size in shapes[name]]) > MAX_SIDE**2:
        size = " x ".join(str(size) for size in shapes[name][::-1])
        raise PictureError(f"{path} holds an array of {size}", f"at most {MAX_SIDE} a side: crop it")
    value = loadmat(path, variable_names=(name,))[name]
    if not isinstance(value, np.ndarray):
        raise PictureError(f"{path} holds no plain matrix in {name!r}", _AS_KERNEL)
    return list(value.ravel(order="F")) if value.dtype == object else [value]


def _refuse_bomb(path: Path, order: str) -> None:
    """Refuse a MATLAB 5 file whose compressed elements hold more than `MAX_BYTES`, without keeping them."""
    data = path.read_bytes()
    position, total = 128, 0
    while position + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, position)
        if kind == 15:  # miCOMPRESSED
            body = data[position + 8 : position + 8 + size]
            total += len(zlib.decompressobj().decompress(body, MAX_BYTES + 1))
        if total > MAX_BYTES:
            raise PictureError(f"{path} unpacks to more than {MAX_BYTES >> 20} MiB", "split it")
        position += 8 + size


def _read_hdf5(path: Path, variable: str) -> Iterator[npt.NDArray[Any]]:
    try:
        import h5py
    except ImportError as error:
        raise DeblurbenchError(
            f"{path} is of MATLAB 7.3 and needs h5py", "pip install 'deblurbench[formats]'"
        ) from error

    def matrix(item: Any) -> npt.NDArray[Any]:
        kind = item.attrs.get("MATLAB_class", b"double") if isinstance(item, h5py.Dataset) else b"no matrix"
        if kind.decode() not in _NUMBERS or item.external or item.is_virtual:
            raise PictureError(f"{path} holds something else than plain matrices", _AS_KERNEL)
        if "MATLAB_empty" in item.attrs:
            raise PictureError(f"{path} holds an empty array", _AS_KERNEL)
        for shape in (item.shape, item.chunks or (1, 1)):  # a whole chunk is unpacked, however little of it is used
            _check_form(shape[::-1], item.dtype.kind, path)
        return np.asarray(item[()]).T  # MATLAB stores columns first, HDF5 rows first

    with h5py.File(path, "r") as file:
        # What is linked from other files is left alone; `#refs#` holds what cell arrays refer to.
        inside = [n for n in file if isinstance(file.get(n, getlink=True), h5py.HardLink) and not n.startswith("#")]
        item = file[_choose(variable, inside, path)]
        if not (isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is h5py.Reference):
            yield matrix(item)
            return
        if item.size > MAX_TAPS or np.prod(item.chunks or 1) > MAX_TAPS:
            raise PictureError(f"{path} holds a cell array of {item.shape}", "split it")
        for reference in item[()].ravel():
            yield matrix(file[reference])


def _choose(variable: str, names: list[str], path: Path) -> str:
    if variable and variable not in names:
        raise UsageError(f"{path} has no variable {variable!r}", nearest(variable, names))
    if not variable and len(names) != 1:
        raise UsageError(
            f"{path} has {len(names)} variables", f"name one as `variable`: {', '.join(sorted(names)[:12])}"
        )
    return variable or names[0]
