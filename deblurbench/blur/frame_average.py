"""Blur by averaging successive frames of a video, as GoPro and REDS were made."""

from __future__ import annotations

from typing import ClassVar

from deblurbench.blur.family import Blur, Drawn, FrameMean
from deblurbench.draws import Draws


class FrameAverage(Blur):
    """The mean of all frames of a photo's window; the sharp picture is the middle one.

    How many frames a window has is the source's to say (`frames`, setting `window`), and the manifest lists the raw
    hash of each. In the light `stored` it is GoPro's `blur`; in `gamma-2.2`, its `blur_gamma`, (mean x^2.2)^(1/2.2);
    in `crf:FILE`, the way of REDS. GoPro: 7 to 13 frames (Nah, Kim and Lee, CVPR 2017; SeungjunNah/DeepDeblur_release,
    README.md).
    """

    family: ClassVar[str] = "frame-average"

    def draw(self, draws: Draws) -> Drawn:
        """The mean: nothing is drawn."""
        return Drawn(FrameMean(), {})
