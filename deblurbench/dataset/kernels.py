"""`kernels.npz`: every integer kernel of a dataset, by its id."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.manifest import Record
from deblurbench.errors import DatasetError
from deblurbench.places import Place

Taps = npt.NDArray[np.int32]


def write_kernels(file: IO[bytes], kernels: Iterable[tuple[str, Taps]]) -> None:
    """Write kernels (id, int32 taps), each id once, as an .npz file; the same ones in the same order, the same bytes.

    They are taken one at a time; what is kept of each, for the end of the file, is about 0.6 KiB.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, taps in kernels:
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(taps, dtype="<i4"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue(), zipfile.ZIP_DEFLATED)


@contextmanager
def opened_kernels(place: Place, name: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The kernels of a file, a mapping from id to taps; `read_kernel` reads one.

    Raises: DatasetError where the file is missing or damaged.
    """
    with ExitStack() as stack:
        try:
            kernels = np.load(stack.enter_context(place.reading(name)), allow_pickle=False)
            if not isinstance(kernels, np.lib.npyio.NpzFile):
                raise ValueError("it is no .npz file")
        except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
            raise DatasetError(f"{place}/{name}: cannot be read ({error})", "build the dataset again") from error
        yield stack.enter_context(kernels)


def read_kernel(kernels: Mapping[str, Taps], name: str) -> Taps:
    """A kernel's taps. Raises DatasetError where they are not there, or do not give its id."""
    try:
        taps = kernels[name]
    except KeyError as error:
        raise DatasetError(f"kernel {name[:12]} is missing", "build the dataset again") from error
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise DatasetError(f"kernel {name[:12]} cannot be read ({error})", "build the dataset again") from error
    try:
        if taps.dtype == np.int32 and Kernel(taps).id == name:
            return taps
    except ValueError:
        pass
    raise DatasetError(f"kernel {name[:12]} does not match its id", "build the dataset again")


def used_kernels(records: Iterable[tuple[Record, Mapping[str, Taps]]]) -> Iterator[tuple[str, Taps]]:
    """Every kernel of some records, each once, where it is used first; each record comes with the kernels of its file.

    Raises: DatasetError where one is missing or damaged.
    """
    seen = set()
    for record, kernels in records:
        for name in record.kernels:
            if name not in seen:
                seen.add(name)
                yield name, read_kernel(kernels, name)
