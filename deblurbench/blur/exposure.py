"""From a photo's pixels and a drawn blur to the blurred picture: the one place where an operator is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from deblurbench.blur.convolve import convolve, weighted_sums
from deblurbench.blur.family import FrameMean, Operator
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED, Curve, curve
from deblurbench.errors import PictureError, UsageError
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


def expose(exposure: Exposure, operator: Operator, light: str = STORED, engine: str = "auto") -> Picture:
    """The blurred picture, uint8 of the sharp one's shape.

    Args:
        exposure: what there is of the photo.
        operator: what a blur drew.
        light: `stored` to blur the stored 8-bit values, or the name of a response curve (see `blur.light`) to blur
            in its linear light. A recorded picture is what it is, in any light.
        engine: what computes it; the pixels do not depend on it.

    Raises:
        PictureError: a frame, or the recorded picture, is missing or not of the sharp picture's size.
        UsageError: frames are to be averaged and the source has none, or there is no such light.
    """
    if isinstance(operator, Kernel):
        if light == STORED:
            return convolve(exposure.sharp, operator, engine)
        response = curve(light)
        return response.to_stored(weighted_sums(response.to_linear(exposure.sharp), operator, engine), 16)
    if isinstance(operator, KernelField):
        from deblurbench.blur.field_blur import field_sums

        response = curve(light)
        return response.to_stored(*field_sums(response.to_linear(exposure.sharp), operator, engine))
    if isinstance(operator, FrameMean):
        return _mean(exposure, curve(light))
    blurred = exposure.recorded(operator.variant)
    _check_size(blurred, exposure.sharp, "the recorded picture")
    return blurred


def _mean(exposure: Exposure, response: Curve) -> Picture:
    """The mean of the frames, halves up: of stored values (2 sum + n) // (2 n). One frame is in memory at a time."""
    sums = np.zeros(exposure.sharp.shape, dtype=np.uint32)
    white, count = int(response.levels.max()), 0
    for frame in exposure.frames():
        _check_size(frame, exposure.sharp, f"frame {count} of the exposure")
        count += 1
        if count * white >> 32:  # beyond 4096 frames of 20 bits
            sums = sums.astype(np.uint64, copy=False)
        sums += response.to_linear(frame).astype(np.uint32, copy=False)
    if count < 2:
        hint = "take the photos from the source `frames`, with a window of 3 or more"
        raise UsageError("the mean of frames was asked of a photo that is a single picture", hint)
    return response.mean_to_stored(sums, count)


def _check_size(picture: Picture, sharp: Picture, what: str) -> None:
    if picture.shape != sharp.shape:
        sizes = [f"{width}x{height}" for height, width, _ in (picture.shape, sharp.shape)]
        raise PictureError(f"{what} is {sizes[0]}, the sharp picture {sizes[1]}", "all must be of one size")
