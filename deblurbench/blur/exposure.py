"""From a photo's pixels and a drawn blur to the blurred picture: the one place where an operator is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deblurbench.blur.convolve import convolve
from deblurbench.blur.family import FrameMean, Operator, Recorded
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import Kernel
from deblurbench.images.codec import Picture


@dataclass(frozen=True)
class Exposure:
    """All that a blur may look at, prepared (cropped, resized) alike: pictures are uint8 H x W x 3.

    Attributes:
        sharp: the sharp picture.
        frames: gives every frame of the exposure, in order; the sharp one alone where the source has no frames.
        recorded: gives the blurred picture of a variant that the source recorded; raises PictureError without one.
    """

    sharp: Picture
    frames: Callable[[], Iterable[Picture]]
    recorded: Callable[[str], Picture]


def expose(exposure: Exposure, operator: Operator, light: str = "stored", engine: str = "auto") -> Picture:
    """The blurred picture, uint8 of the sharp one's shape.

    Args:
        exposure: what there is of the photo.
        operator: what a blur drew.
        light: `stored` to blur the stored 8-bit values, or the name of a response curve (see `blur.light`) to blur
            in its linear light.
        engine: what computes it; the pixels do not depend on it.
    """
    raise NotImplementedError
