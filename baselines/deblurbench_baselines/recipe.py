"""The recipes of the baselines that ship: TOML files beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from deblurbench.config import Config, parse, read_toml
from deblurbench.errors import UsageError, nearest
from deblurbench.runs.baseline import Baseline

FOLDER = Path(__file__).parent / "recipes"


class Preset(Config):
    """A variant of a recipe: the keys of `network` and `training` in which it differs, and its own counts."""

    summary: str
    parameters: int | None = None
    trainable: int | None = None
    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class Recipe(Config):
    """A baseline's recipe file.

    Attributes:
        name, version, summary: as `Baseline` has them.
        source: where it comes from, and what is the project's own reading.
        parameters, trainable: as a Keras summary prints them; None for classical methods.
        network, training: tables of the default variant.
        presets: the other variants by name.
    """

    name: str
    version: int
    summary: str
    source: str
    parameters: int | None = None
    trainable: int | None = None
    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    presets: dict[str, Preset] = Field(default_factory=dict)

    def preset(self, name: str) -> Preset:
        """The preset of that name. Raises UsageError, suggesting the nearest, where there is none."""
        if name not in self.presets:
            raise UsageError(f"{self.name} has no preset {name!r}", nearest(name, self.presets))
        return self.presets[name]

    def tables(self, preset: str | None) -> dict[str, Mapping[str, Any]]:
        """The tables `network` and `training` of the default or of a preset."""
        if preset is None:
            return {"network": self.network, "training": self.training}
        changed = self.preset(preset)
        return {"network": {**self.network, **changed.network}, "training": {**self.training, **changed.training}}

    def counts(self, preset: str | None) -> tuple[int | None, int | None]:
        """Declared (parameters, trainable) of the default or of a preset."""
        of = self if preset is None else self.preset(preset)
        return of.parameters, of.trainable


class RecipeBaseline(Baseline):
    """A baseline that is described by `recipes/<name>.toml`."""

    def __init__(self, name: str) -> None:
        self._recipe = read_recipe(name)
        self.name, self.version, self.summary = self._recipe.name, self._recipe.version, self._recipe.summary
        self.parameters, self.trainable = self._recipe.counts(None)
        self.presets = tuple(self._recipe.presets)


def read_recipe(name: str) -> Recipe:
    """The recipe of a baseline that ships. Raises RecipeError naming the wrong key."""
    path = FOLDER / f"{name}.toml"
    return parse(Recipe, read_toml(path), path.name)
