"""Settings of critics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from deblurbench_baselines.networks.settings.base import CriticSettings, Width

if TYPE_CHECKING:
    from torch import nn


class ConvCriticSettings(CriticSettings):
    """Convolutions with LeakyReLU 0.2, then a score per patch or, by dense layers, per crop.

    Attributes:
        kernel: side of all convolutions.
        widths, strides: channels and stride of each convolution.
        norm: what follows each convolution but the first. `batch`: BatchNorm, which makes each score depend on the
            whole batch; `layer`: over channels and pixels of one crop, what the paper of WGAN-GP (Gulrajani et al.,
            2017, section 4) recommends beside a gradient penalty; `none`.
        patches: whether a convolution to one channel follows: a map, one value for each patch.
        hidden: width of a dense layer that follows, and a last one that gives one score; 0: the map is the score.
        activation: of the dense layer.
    """

    kernel: Annotated[int, Field(ge=1, le=15)] = 4
    widths: Annotated[tuple[Width, ...], Field(min_length=1, max_length=10)] = (64, 64, 128, 256, 512)
    strides: Annotated[tuple[Annotated[int, Field(ge=1, le=4)], ...], Field(max_length=10)] = (2, 2, 2, 2, 1)
    norm: Literal["batch", "layer", "none"] = "batch"
    patches: bool = True
    hidden: Annotated[int, Field(ge=0, le=65536)] = 1024
    activation: Literal["tanh", "relu"] = "tanh"

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if len(self.strides) != len(self.widths):
            raise ValueError(f"{len(self.widths)} widths and {len(self.strides)} strides do not go together")
        if not (self.patches or self.hidden):
            raise ValueError("a critic gives scores by `patches`, by `hidden`, or by both")
        return self

    def build(self, side: int) -> nn.Module:
        """The critic of crops of `side` x `side` pixels; any side will do."""
        from deblurbench_baselines.networks.critics import ConvCritic

        return ConvCritic(self, side)
