"""What a blur family is: typed parameters that draw an integer kernel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from deblurbench import plugins
from deblurbench.blur.kernel import Kernel
from deblurbench.config import Config
from deblurbench.draws import Draws


class Drawn(NamedTuple):
    """What a blur drew for one pair: its kernel, and the parameters as drawn, for the manifest."""

    kernel: Kernel
    parameters: dict[str, Any]


class Blur(Config):
    """A blur family with its parameters, as a recipe gives them: the base of every `deblurbench.blurs` plug-in."""

    family: ClassVar[str]

    @abstractmethod
    def draw(self, draws: Draws) -> Drawn:
        """The kernel of one pair and its parameters; whatever is random about them comes from `draws`."""


def blur_from(values: Mapping[str, Any], file: str, table: str) -> Blur:
    """The blur that a recipe's table `{family = ..., parameters ...}` describes.

    Raises: UsageError for an unknown family, RecipeError naming `file:table.key` for a wrong parameter.
    """
    blur: Blur = plugins.configure("blurs", "family", values, file, table)
    return blur
