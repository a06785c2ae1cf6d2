"""Which pairs of a dataset can be made again from their sharp pictures, crop by crop, and with what.

Those that one kernel blurred as they stand, in a light that has a name. What a camera, several frames or a field of
kernels made, what was recorded and what was cut out of a larger picture cannot: its blurred picture has to be kept.
Noise could be drawn again, but its random words take four times the memory of the picture that they make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.dataset.kernels import opened_kernels, read_kernel
from deblurbench.dataset.manifest import KERNELS, Record
from deblurbench.dataset.reader import Dataset
from deblurbench.images.hashing import pixel_hash
from deblurbench_baselines.data.crop_kernel import CropKernel

_LIGHTS = (STORED, "srgb", "gamma-2.2")  # a curve from a file is not part of a dataset


class Remake(NamedTuple):
    """How a blurred crop is made from the sharp picture."""

    kernel: CropKernel
    light: str


def remakes(dataset: Dataset, records: Sequence[Record]) -> list[Remake | None]:
    """For each record, how its blurred picture is made again; None where it cannot be.

    The first pair of each family and light is made again and compared with its hash: where it comes out otherwise,
    all of that kind are kept. Equal kernels are one object.

    Raises: DatasetError where a kernel is missing or damaged, PictureError where a picture cannot be read.
    """
    if not any(map(_by_one_kernel, records)):
        return [None] * len(records)
    made: dict[str, CropKernel] = {}
    agree: dict[tuple[str, str], bool] = {}
    found: list[Remake | None] = []
    with opened_kernels(dataset.place, KERNELS) as kernels:
        for record in records:
            if not _by_one_kernel(record):
                found.append(None)
                continue
            kind, name = (str(record.blur.get("family")), record.blur["light"]), record.kernels[0]
            if kind not in agree:
                agree[kind] = _comes_out(dataset, record, Kernel(read_kernel(kernels, name)))
            if agree[kind] and name not in made:
                made[name] = CropKernel(Kernel(read_kernel(kernels, name)))
            found.append(Remake(made[name], kind[1]) if agree[kind] else None)
    return found


def _by_one_kernel(record: Record) -> bool:
    as_it_stands = record.files is None and not record.tile and not record.camera
    return as_it_stands and len(record.kernels) == 1 and record.blur.get("light") in _LIGHTS


def _comes_out(dataset: Dataset, record: Record, kernel: Kernel) -> bool:
    sharp = dataset.read(record, "sharp")
    exposure = Exposure(sharp, lambda: [sharp], lambda _: sharp)
    return pixel_hash(expose(exposure, kernel, record.blur["light"])) == record.blur_sha256
