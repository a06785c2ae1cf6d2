"""The formats in which a dataset's pictures lie on disk; pixel hashes and dataset id never depend on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from deblurbench.errors import UsageError, nearest

if TYPE_CHECKING:
    from deblurbench.dataset.formats.format import Format

_WHERE = {  # name -> (module below this package, class)
    "png": ("files", "Png"),
    "qoi": ("files", "Qoi"),
    "npy": ("files", "Npy"),
    "gopro": ("gopro", "GoPro"),
    "webdataset": ("webdataset", "WebDataset"),
    "lmdb": ("lmdb", "Lmdb"),
    "parquet": ("parquet", "Parquet"),
}
_READ_ONLY = {"adopted": ("adopted", "Adopted")}
"""How `adopt` leaves pictures where they lie: nothing is ever written so."""


class _Formats(Mapping[str, "Format"]):
    """Every format that can be written, by name; a format's module is imported when it is asked for."""

    def __getitem__(self, name: str) -> Format:
        return _load(*_WHERE[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_WHERE)

    def __len__(self) -> int:
        return len(_WHERE)

    def __contains__(self, name: object) -> bool:
        return name in _WHERE


FORMATS: Mapping[str, Format] = _Formats()


def find_format(name: str) -> Format:
    """A format to write or read in. Raises UsageError, suggesting the nearest name, where there is none."""
    if name in _READ_ONLY:
        return _load(*_READ_ONLY[name])
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", nearest(name, FORMATS))
    return FORMATS[name]


def _load(module: str, attribute: str) -> Format:
    found: type[Format] = getattr(import_module(f"{__name__}.{module}"), attribute)
    return found()
