"""What makes batches of crops out of pictures in memory: on the CPU or on a GPU, the same pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from deblurbench.blur.camera import Camera
from deblurbench.draws import Draws
from deblurbench_baselines.data.crop_kernel import CropKernel
from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.data.sampler import Crop


class CropCamera(NamedTuple):
    """The camera behind one crop, which it takes for its picture, before it is turned.

    Attributes:
        camera: its effects: those of `POINTWISE` alone.
        seed, item: of all that is drawn.
    """

    camera: Camera
    seed: int
    item: str

    def draws(self, purpose: str) -> Draws:
        """The stream of random numbers for one purpose."""
        return Draws(self.seed, self.item, purpose)


POINTWISE = frozenset({"noise", "colour", "white_balance"})
"""The effects of a camera that look at one pixel at a time, and leave the sharp picture alone."""


class CropSource(NamedTuple):
    """What one crop is made of.

    Attributes:
        crop: its place and orientation.
        sharp: the number of the frame that its sharp side is cut from.
        blur: the number of the frame that its blurred side is made from.
        kernel: what blurs it; None where the frame is blurred already.
        light: in which it is blurred.
        camera: what happens to it then; None for nothing.
    """

    crop: Crop
    sharp: int
    blur: int
    kernel: CropKernel | None
    light: str
    camera: CropCamera | None = None


class Crops(ABC):
    """Makes batches from frames; see `host_crops` and `device_crops`."""

    @abstractmethod
    def batch(self, sources: Sequence[CropSource]) -> Batch:
        """The crops of both sides."""
