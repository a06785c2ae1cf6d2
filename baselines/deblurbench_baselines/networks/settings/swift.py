"""Settings of swift and of swift-general."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn

Blocks = Annotated[int, Field(ge=0, le=100)]


class SwiftSettings(NetworkSettings):
    """The network of swift.

    Attributes:
        width: channels at half the resolution; twice as many at a quarter.
        blocks: of each pass, at half the resolution (on either way) and at a quarter.
    """

    width: Annotated[int, Field(ge=4, le=512)] = 32
    blocks: tuple[Blocks, Blocks] = (1, 4)

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return 4

    @property
    def reads_rounding(self) -> bool:
        """As `NetworkSettings.reads_rounding`: without it, the spectrum is none that training has shown."""
        return True

    def build(self) -> nn.Module:
        """The network that these settings describe."""
        from deblurbench_baselines.networks.swift import Swift

        return Swift(self)


class SwiftGeneralSettings(NetworkSettings):
    """The network of swift-general.

    Attributes:
        widths: channels at half the resolution, at a quarter, and so on.
        blocks: at each of these levels, on the way down and again on the way up.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=1, max_length=6)] = (32, 64, 96, 128)
    blocks: Annotated[tuple[Blocks, ...], Field(min_length=1, max_length=6)] = (1, 1, 2, 2)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(f"widths has {len(self.widths)} levels, blocks {len(self.blocks)}")
        return self

    @property
    def multiple(self) -> int:
        """As `NetworkSettings.multiple`."""
        return int(2 ** len(self.widths))

    def build(self) -> nn.Module:
        """The network that these settings describe."""
        from deblurbench_baselines.networks.swift_general import SwiftGeneral

        return SwiftGeneral(self)
