"""What a blur family is: typed parameters that draw, for one pair, what turns a sharp picture into a blurred one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from deblurbench import plugins
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import Kernel
from deblurbench.config import Config
from deblurbench.draws import Draws


@dataclass(frozen=True)
class FrameMean:
    """The mean of all frames of an exposure: the photo must come from a source of frames."""


@dataclass(frozen=True)
class Recorded:
    """No synthesis: the blurred picture was recorded with the sharp one, and is read. `variant`: which one."""

    variant: str = ""


Operator = Kernel | KernelField | FrameMean | Recorded
"""What a drawn blur does: convolve with one kernel, with a field of kernels, average frames, or read what is there."""


class Drawn(NamedTuple):
    """What a blur drew for one pair: the operator, and the parameters as drawn, for the manifest."""

    operator: Operator
    parameters: dict[str, Any]


class Blur(Config):
    """A blur family with its parameters, as a recipe gives them: the base of every `deblurbench.blurs` plug-in."""

    family: ClassVar[str]

    @abstractmethod
    def draw(self, draws: Draws) -> Drawn:
        """The operator of one pair and its parameters; whatever is random about them comes from `draws`."""

    def fingerprint(self) -> str:
        """What it depends on beside its parameters, such as the content of files; empty for most families.

        Raises: what reading them raises.
        """
        return ""


def blur_from(values: Mapping[str, Any], file: str, table: str) -> Blur:
    """The blur that a recipe's table `{family = ..., parameters ...}` describes.

    Raises: UsageError for an unknown family, RecipeError naming `file:table.key` for a wrong parameter.
    """
    blur: Blur = plugins.configure("blurs", "family", values, file, table)
    return blur
