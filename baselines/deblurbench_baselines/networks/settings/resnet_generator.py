"""Settings of the generator of DeblurGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn


class ResnetGeneratorSettings(NetworkSettings):
    """The generator of DeblurGAN, as founding document 002 has it in Keras.

    Attributes:
        width: channels at full resolution; twice as many at half, four times as many at a quarter of it.
        blocks: residual blocks, at a quarter of the resolution.
        dropout: the part of the values that each block drops in training.
    """

    width: Annotated[Width, Field(le=1024)] = 64
    blocks: Annotated[int, Field(ge=1, le=100)] = 9
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return 4

    def build(self) -> nn.Module:
        """The generator that these settings describe."""
        from deblurbench_baselines.networks.resnet_generator import ResnetGenerator

        return ResnetGenerator(self)
