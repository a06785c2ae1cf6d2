"""Settings of NAFNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from deblurbench_baselines.networks.settings.base import NetworkSettings

if TYPE_CHECKING:
    from torch import nn

Blocks = Annotated[int, Field(ge=0, le=100)]


class NAFNetSettings(NetworkSettings):
    """NAFNet of Chen et al. 2022, as trained on GoPro.

    Attributes:
        width: channels at full resolution; each level below has twice as many.
        encoder_blocks: blocks per level on the way down, from full resolution.
        middle_blocks: blocks at the bottom.
        decoder_blocks: blocks per level on the way up, from the lowest resolution.
        local_statistics: when it restores, the channel attention sees means of windows with sides of so many
            pixels of the picture, not of the whole picture; the authors take 1.5 times the side of the training
            crops. 0: of the whole picture. Training always sees means of whole crops.
    """

    width: Annotated[int, Field(ge=1, le=1024)] = 32
    encoder_blocks: Annotated[tuple[Blocks, ...], Field(min_length=1, max_length=6)] = (1, 1, 1, 28)
    middle_blocks: Blocks = 1
    decoder_blocks: Annotated[tuple[Blocks, ...], Field(min_length=1, max_length=6)] = (1, 1, 1, 1)
    local_statistics: Annotated[int, Field(ge=0, le=1 << 16)] = 384

    @property
    def depth(self) -> int:
        """How often the resolution is halved."""
        return len(self.encoder_blocks)

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return 2**self.depth

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if len(self.decoder_blocks) != self.depth:
            raise ValueError(f"encoder_blocks has {self.depth} levels, decoder_blocks {len(self.decoder_blocks)}")
        if 0 < self.local_statistics < 2**self.depth:
            raise ValueError(f"local_statistics is 0 or at least a pixel of the lowest level, {2**self.depth}")
        return self

    def build(self) -> nn.Module:
        """The NAFNet that these settings describe."""
        from deblurbench_baselines.networks.nafnet import NAFNet

        return NAFNet(self)
