"""What makes batches of crops out of pictures in memory: on the CPU or on a GPU, the same pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from deblurbench_baselines.data.crop_kernel import CropKernel
from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.data.sampler import Crop


class CropSource(NamedTuple):
    """What one crop is made of.

    Attributes:
        crop: its place and orientation.
        sharp: the number of the frame that its sharp side is cut from.
        blur: the number of the frame that its blurred side is made from.
        kernel: what blurs it; None where the frame is blurred already.
        light: in which it is blurred.
    """

    crop: Crop
    sharp: int
    blur: int
    kernel: CropKernel | None
    light: str


class Crops(ABC):
    """Makes batches from frames; see `host_crops` and `device_crops`."""

    @abstractmethod
    def batch(self, sources: Sequence[CropSource]) -> Batch:
        """The crops of both sides."""
