"""What all settings of networks have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from deblurbench.config import Config

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels of a layer."""


class NetworkSettings(Config):
    """The settings of one kind of network that restores pictures. `build` makes the network they describe."""

    @property
    def multiple(self) -> int:
        """Pixels per step of the lowest resolution. A part of a picture that begins at a multiple of it is divided as
        the whole picture is."""
        return 1

    @property
    def reads_rounding(self) -> bool:
        """Whether the network goes by the noise that rounding to 8 bits leaves, as one may that divides by the blur's
        spectrum. It is then given 8 bits of a finer picture, and the rest is added to what it gives."""
        return False

    @abstractmethod
    def build(self) -> nn.Module:
        """The network, freshly initialised from torch's global random stream.

        It maps float N x 3 x H x W in [0, 1] to the same shape, for any H and W.
        """


class CriticSettings(Config):
    """The settings of one kind of critic (discriminator): it tells restored from sharp crops."""

    @abstractmethod
    def build(self, side: int) -> nn.Module:
        """The critic of crops of `side` x `side` pixels, freshly initialised from torch's global random stream.

        It maps float N x 3 x side x side in [0, 1] to float N x 1 (or N x 1 x h x w, of patches): the higher, the
        sharper it takes them to be. Raises RecipeError where crops are too small for it.
        """
