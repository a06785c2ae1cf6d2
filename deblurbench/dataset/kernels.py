"""`kernels.npz`: every integer kernel of a dataset, by its id."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
import numpy.typing as npt

from deblurbench.places import Place

Taps = npt.NDArray[np.int32]


def write_kernels(file: IO[bytes], kernels: Iterable[tuple[str, Taps]]) -> None:
    """Write kernels (id, int32 taps) as an .npz file, one at a time; the same kernels give the same bytes."""
    seen = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, taps in kernels:
            if name in seen:
                continue
            seen.add(name)
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(taps, dtype="<i4"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue(), zipfile.ZIP_DEFLATED)


@contextmanager
def opened_kernels(place: Place, name: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The kernels of a file, a mapping from id to taps that reads each when it is asked for.

    Raises: OSError, ValueError or zipfile.BadZipFile where it is missing or damaged.
    """
    with place.reading(name) as file, np.load(file, allow_pickle=False) as kernels:
        if not isinstance(kernels, np.lib.npyio.NpzFile):
            raise ValueError("it is no .npz file")
        yield kernels
