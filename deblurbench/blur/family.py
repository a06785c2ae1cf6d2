"""What a blur family is: typed parameters that draw an integer kernel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from deblurbench import plugins
from deblurbench.blur.kernel import Kernel
from deblurbench.config import Config, parse
from deblurbench.draws import Draws
from deblurbench.errors import RecipeError


class Blur(Config):
    """A blur family with its parameters, as a recipe gives them: the base of every `deblurbench.blurs` plug-in."""

    family: ClassVar[str]

    @abstractmethod
    def kernel(self, draws: Draws) -> Kernel:
        """The kernel of one pair; whatever is random about it comes from `draws`."""

    def describe(self) -> dict[str, Any]:
        """The family and its parameters, for the manifest."""
        return {"family": self.family, **self.as_dict()}


def blur_from(values: Mapping[str, Any], file: str, table: str) -> Blur:
    """The blur that a recipe's table `{family = ..., parameters ...}` describes.

    Raises: UsageError for an unknown family, RecipeError naming `file:table.key` for a wrong parameter.
    """
    parameters = dict(values)
    name = parameters.pop("family", None)
    if not isinstance(name, str):
        raise RecipeError(f"{file}:{table}.family", "name a blur family here, such as gaussian")
    family: type[Blur] = plugins.load("blurs", name)
    return parse(family, parameters, file, table)
