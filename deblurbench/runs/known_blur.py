"""How each picture of a dataset was blurred, for a method that is told: one kernel, and the light it acted in."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.dataset.kernels import Taps, opened_kernels, read_kernel
from deblurbench.dataset.manifest import KERNELS, Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError

_CRF = "crf:"


class KnownBlur(NamedTuple):
    """The blur of one picture; `camera`: whether it passed through a camera's effects afterwards."""

    kernel: Kernel
    light: str
    camera: bool

    @property
    def can_be_told(self) -> bool:
        """Whether a method can undo it: not in a light whose curve lies in a file beside the recipe."""
        return not _lies_in_a_file(self.light)


def check_known_blurs(name: str, dataset: Dataset) -> None:
    """Raise UsageError, before anything is made, where a picture of a test split has no single known kernel.

    Args:
        name: of the baseline that is told.
        dataset: such as an adopted one, frame averages, or one whose kernels vary over the picture.
    """
    for split in dataset.test_splits:
        for record in dataset.records(split):
            if why := _unknown(record):
                raise UsageError(
                    f"{name} is told the kernel of each picture, but {dataset.place} {why} ({record.pair})",
                    "take a dataset that was built with one kernel per picture, or a blind baseline",
                )


def _unknown(record: Record) -> str | None:
    """Why the blur of a pair cannot be told."""
    family, light = record.blur.get("family", "this blur"), _light(record)
    if not record.kernels:
        return f"knows none: {family} has no kernel"
    if len(record.kernels) > 1:
        return f"has several for one picture: {family}"
    if _lies_in_a_file(light):
        return f"was blurred in a light whose curve it does not hold: {light}"
    return None


def known_blurs(dataset: Dataset, splits: Iterable[str]) -> Generator[KnownBlur, None, None]:
    """The blur of every picture of some splits, in the order of their records, which `check_known_blurs` has passed.

    Raises: DatasetError where a kernel is missing or damaged.
    """
    with opened_kernels(dataset.place, KERNELS) as kernels:
        for split in splits:
            for record in dataset.records(split):
                yield read_blur(record, kernels)


def read_blur(record: Record, kernels: Mapping[str, Taps]) -> KnownBlur:
    """The blur of a record that has one kernel. Raises DatasetError where that is missing or damaged."""
    return KnownBlur(Kernel(read_kernel(kernels, record.kernels[0])), _light(record), record.camera is not None)


def _lies_in_a_file(light: str) -> bool:
    return light.startswith(_CRF)


def _light(record: Record) -> str:
    return str(record.blur.get("light", STORED))
