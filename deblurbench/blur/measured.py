"""Blur by kernels that somebody measured, estimated or simulated, and keeps in files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import fsum
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.blur.kernel_file import SUFFIXES, read_weights
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, UsageError
from deblurbench.files import sha256_file

_NEAR_ONE = 1e-3  # how far the sum of a kernel that claims to be normalised may be from 1


@dataclass(frozen=True)
class Entry:
    """One kernel of a bank: the name and hex SHA-256 of its file, its index in that file, and the kernel."""

    file: str
    sha256: str
    index: int
    kernel: Kernel


class Measured(Blur):
    """One kernel of a bank of files per pair, each as likely as another.

    A kernel's centre is its pixel (h // 2, w // 2), for even sizes too, where the middle lies between two pixels;
    so it is after a rotation. Files are read when the first pair is drawn, once per process.

    Orientation. Some banks store the kernel of a correlation, or of a picture upside down. The kernels of Levin et
    al. (2009; `Levin09.mat` of cszn/KAIR) are such: what was captured is the true convolution of the sharp picture
    with the kernel rotated by 180 degrees, up to a shift of a few pixels. Which way is right no file says, so the
    recipe must.

    Attributes:
        path: a .npy, .png or .mat file, or a folder of them (not those below it), taken in the order of their names;
            relative to the working directory.
        orientation: `as-is` where a bright point shows the kernel as it is stored, `rotated-180` where it shows it
            rotated by 180 degrees (Levin's).
        index: always this kernel of the bank, counted from 0; without it each pair draws one.
        variable: which one to take of .mat files that have several (Levin's pictures keep the kernel in `f`).
        normalise: divide each kernel by its sum; else sums that differ from 1 by more than 0.001 are refused.
    """

    family: ClassVar[str] = "measured"
    path: Annotated[str, Field(min_length=1)]
    orientation: Literal["as-is", "rotated-180"]
    index: Annotated[int, Field(ge=0)] | None = None
    variable: str = ""
    normalise: bool = True

    def draw(self, draws: Draws) -> Drawn:
        """A kernel of the bank, and where it comes from: never a path, which means nothing elsewhere.

        Raises:
            PictureError: a file of the bank is damaged or holds what is no kernel.
            UsageError: there is no bank, or no such kernel in it.
        """
        bank = self.bank()
        number = draws.integer(0, len(bank) - 1) if self.index is None else self.index
        if number >= len(bank):
            raise UsageError(f"{self.path} has {len(bank)} kernels, and none of index {number}", "the first is 0")
        entry = bank[number]
        where = {"file": entry.file, "index": entry.index, "sha256": entry.sha256}
        return Drawn(entry.kernel, where | {"orientation": self.orientation, "normalise": self.normalise})

    def fingerprint(self) -> str:
        """The ids of the kernels of its bank."""
        return " ".join(entry.kernel.id for entry in self.bank())

    def bank(self) -> list[Entry]:
        """All kernels, in the order of their files' names and of each file. Raises what `draw` raises."""
        rotated = self.orientation == "rotated-180"
        return [
            entry
            for file in _files(Path(self.path))
            for entry in _read(file.absolute(), _stamp(file), self.variable, rotated, self.normalise)
        ]


def _files(path: Path) -> list[Path]:
    try:
        files = sorted(path.iterdir(), key=lambda p: p.name) if path.is_dir() else [path]
    except OSError as error:
        raise UsageError(f"cannot read {path}", error.strerror or str(error)) from error
    if files == [path]:
        if not path.is_file():
            raise UsageError(f"{path} does not exist", "a recipe's kernels are looked for from the working directory")
        return files
    files = [p for p in files if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if not files:
        raise UsageError(f"{path} holds no kernels", f"files that end in {', '.join(SUFFIXES)} are read")
    return files


def _stamp(file: Path) -> tuple[int, int]:
    """What tells that a file has changed since it was read."""
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size


@cache
def _read(file: Path, stamp: tuple[int, int], variable: str, rotated: bool, normalise: bool) -> tuple[Entry, ...]:
    entries = []
    sha256 = sha256_file(file)
    for index, weights in enumerate(read_weights(file, variable)):
        total = fsum(weights.ravel())
        if not normalise and abs(total - 1) > _NEAR_ONE:
            raise PictureError(f"{file}: kernel {index} sums to {total:g}, not to 1", "set normalise = true")
        kernel = quantise(weights[::-1, ::-1] if rotated else weights)
        entries.append(Entry(file.name, sha256, index, kernel))
    return tuple(entries)
