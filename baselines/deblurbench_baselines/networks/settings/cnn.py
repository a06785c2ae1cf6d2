"""Settings of the course's shallow CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from deblurbench_baselines.networks.settings.base import NetworkSettings, Width

if TYPE_CHECKING:
    from torch import nn


class CNNSettings(NetworkSettings):
    """The three-layer CNN of the course: `widths` are the channels after the first and the second layer."""

    widths: Annotated[tuple[Width, ...], Field(min_length=2, max_length=2)] = (128, 64)

    def build(self) -> nn.Module:
        """The CNN that these settings describe."""
        from deblurbench_baselines.networks.cnn import CNN

        return CNN(self)
