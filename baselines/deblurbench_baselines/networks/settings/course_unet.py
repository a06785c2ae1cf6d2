"""Settings of the course's U-Net of founding document 000."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn


class CourseUNetSettings(NetworkSettings):
    """The course's U-Net with one convolution per stage.

    `widths` are the channels per level, from full resolution to the lowest; a decoder stage has half the channels
    of the encoder stage beside it.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=2, max_length=8)] = (64, 128, 256, 512, 512)

    @property
    def depth(self) -> int:
        """How often the resolution is halved."""
        return len(self.widths) - 1

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return 2**self.depth

    @model_validator(mode="after")
    def _check_halves(self) -> Self:
        odd = [width for width in self.widths[:-1] if width % 2]
        if odd:
            raise ValueError(f"widths above the lowest level are even, not {', '.join(map(str, odd))}")
        return self

    def build(self) -> nn.Module:
        """The U-Net that these settings describe."""
        from deblurbench_baselines.networks.course_unet import CourseUNet

        return CourseUNet(self)
