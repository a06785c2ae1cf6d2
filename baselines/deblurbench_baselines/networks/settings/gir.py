"""Settings of the Generative Image Rectifier of founding document 003."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn


class GIRSettings(NetworkSettings):
    """The hybrid of convolutions and Fourier transforms.

    Attributes:
        widths: channels after the first convolution and after each of the two encoder blocks.
        fourier: the block in the middle. `spectral`: a gain per channel and frequency, learnt, between the transform
            and its inverse; `published`: the document's, the transform and at once its inverse, which is |x|.
        pooled: whether each encoder block begins with a max-pool by 2 and each decoder block with an upsampling by 2.
            The document's text names both, its layer list has neither. They have no parameters.
        skips: whether each decoder block is also given what had its size on the way down, which the text names, too.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=3, max_length=3)] = (64, 128, 256)
    fourier: Literal["spectral", "published"] = "spectral"
    pooled: bool = True
    skips: bool = True

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return 4 if self.pooled else 1

    def build(self) -> nn.Module:
        """The generator that these settings describe."""
        from deblurbench_baselines.networks.gir import GIR

        return GIR(self)
