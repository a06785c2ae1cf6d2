"""Light that a picture could no longer hold: blurred highlights are brighter than 255 can say.

RSBlur marks, per channel, the samples of each sharp frame that are clipped, averages the marks over the exposure and
adds a random multiple of that mask to the blurred light: B + a M, clipped at white. A mask of the clipped samples of
the blurred picture itself would change nothing, as they are white already; so the marks of the sharp picture go
through the same blur as the picture does (`saturation_mask`), which for frames is RSBlur's average and for a kernel
its blur with that kernel. The mask is rounded to 8 bits, as RSBlur's PNG files are.
Source: rimchang/RSBlur, Uformer-RSBlur/dataset/dataset_RealisticDeblur.py; Rim et al., ECCV 2022, section 5.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from deblurbench.blur.camera.colour import WHITE
from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.family import FrameMean, Operator, Recorded
from deblurbench.blur.values import Value, between
from deblurbench.errors import UsageError
from deblurbench.images.codec import Picture

PUBLISHED = (0.25, 1.75)
Strength = Annotated[Value, AfterValidator(between(0, 100))]
"""a: how much light, in multiples of white, a sample receives that was clipped during the whole exposure."""


def saturation_mask(exposure: Exposure, operator: Operator, engine: str = "auto") -> Picture:
    """The share of the exposure, 0 .. 255, for which each sample was clipped: uint8 of the picture's shape.

    Args:
        exposure: what was blurred.
        operator: what blurred it.
        engine: what computes it; the mask does not depend on it.

    Raises:
        UsageError: the blurred picture was recorded, so there is nothing that could blur the marks.
    """
    if isinstance(operator, Recorded):
        raise UsageError(
            "camera.saturation cannot be had for recorded pairs",
            "it needs the blur itself; leave saturation out of this blur's camera",
        )
    if not isinstance(operator, FrameMean) and not (exposure.sharp == 255).any():
        return np.zeros_like(exposure.sharp)
    marks = Exposure(_clipped(exposure.sharp), lambda: map(_clipped, exposure.frames()), exposure.recorded)
    return expose(marks, operator, "stored", engine)


def saturate(light: npt.NDArray[np.int64], mask: npt.NDArray[np.uint8], strength: float) -> npt.NDArray[np.int64]:
    """min(light + strength * mask / 255, white), rounded once: int64, 2^20 = white, of the shape of both."""
    unit = 1 << 16
    twice = 2 * round(strength * unit) * (WHITE // unit) * np.arange(256, dtype=np.int64)
    return np.minimum(light + ((twice + 255) // 510)[mask], WHITE)


def _clipped(picture: Picture) -> Picture:
    return np.where(picture == 255, np.uint8(255), np.uint8(0))
