"""Box blur: the mean over a rectangle of pixels."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import spread
from deblurbench.blur.values import Whole, between, draw_whole
from deblurbench.draws import Draws

Side = Annotated[Whole, AfterValidator(between(1, 255))]


class Box(Blur):
    """The mean filter of `width` x `height` pixels; without a height it is as high as wide.

    Any two taps differ by one unit of 2^-16 at most. A box of odd sides is mirror-symmetric about its centre; along
    an even side it reaches one pixel further up or left, since the centre is size // 2. Drawn in this order: width,
    height.
    """

    family: ClassVar[str] = "box"
    width: Side
    height: Side | None = None

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its width and height."""
        width = draw_whole(draws, self.width)
        height = width if self.height is None else draw_whole(draws, self.height)
        kernel = spread(np.ones((height, width), dtype=np.int64))
        return Drawn(kernel, {"width": width, "height": height})
