"""What can be set of the methods that need no training. Importing this imports no scipy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deblurbench.config import Config

TOLD = "told"


class NoSettings(Config):
    """There is nothing to set."""


class UnsharpSettings(Config):
    """Of `unsharp`.

    Attributes:
        sigma: of the mask's Gaussian, pixels.
        amount: how much of what the mask takes away is added.
    """

    sigma: Annotated[float, Field(ge=0.1, le=20)]
    amount: Annotated[float, Field(ge=0, le=20)]


class BlindSettings(Config):
    """Of a method that finds the kernel by itself; `kernel`: the bank in which it is sought (see `blur.bank`)."""

    kernel: Literal["gaussian", "general"] = "gaussian"


class KernelSettings(Config):
    """Of a method that finds the kernel in a bank, or is `told` it."""

    kernel: Literal["gaussian", "general", "told"] = "gaussian"


class OracleSettings(Config):
    """Of a method that is always told the kernel."""

    kernel: Literal["told"] = "told"
