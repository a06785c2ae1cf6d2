"""Settings of the U-Nets of the founding documents 001, 002 and 004."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn


class UNetSettings(NetworkSettings):
    """A U-Net.

    Attributes:
        widths: channels per level, from full resolution to the bottleneck.
        batch_norm: blocks with BatchNorm: `e1`, `e2`, ... from full resolution down, `bottleneck`, and `d1`,
            `d2`, ... for the decoder blocks beside `e1`, `e2`, ...
        batch_norm_after: `block`: once, at the block's end; `convolution`: after each of its convolutions and
            before the ReLU, and these convolutions have no bias.
        unshuffle: side of the pixel blocks that become channels before the first level (1: none).
            A step costs about its square times less.
        residual: output = input + head, head zero-initialised, no sigmoid.
        sigmoid: a sigmoid ends the network, if it is not residual.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=2, max_length=8)] = (32, 64, 128, 256, 512)
    batch_norm: tuple[str, ...] = ("e2", "e4", "bottleneck")
    batch_norm_after: Literal["block", "convolution"] = "block"
    unshuffle: Annotated[int, Field(ge=1, le=8)] = 1
    residual: bool = False
    sigmoid: bool = True

    @property
    def depth(self) -> int:
        """How often the resolution is halved."""
        return len(self.widths) - 1

    @property
    def blocks(self) -> list[str]:
        """The names of all blocks, in the order in which they run."""
        down = [f"e{level}" for level in range(1, self.depth + 1)]
        up = [f"d{level}" for level in range(self.depth, 0, -1)]
        return [*down, "bottleneck", *up]

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return self.unshuffle * 2**self.depth

    @model_validator(mode="after")
    def _check_blocks(self) -> Self:
        unknown = [name for name in self.batch_norm if name not in self.blocks]
        if unknown or len(set(self.batch_norm)) != len(self.batch_norm):
            raise ValueError(f"batch_norm names blocks once each, of {', '.join(self.blocks)}")
        return self

    def build(self) -> nn.Module:
        """The U-Net that these settings describe."""
        from deblurbench_baselines.networks.unet import UNet

        return UNet(self)
