"""The recipes of the baselines that ship: TOML files beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from deblurbench.config import Config, parse, read_toml
from deblurbench.errors import UsageError, nearest
from deblurbench.runs.baseline import Baseline

FOLDER = Path(__file__).parent / "recipes"


class Variant(Config):
    """What the default of a recipe and its presets have alike.

    Attributes:
        label: as tables show it; None: the baseline's name and, in parentheses, the preset's.
        parameters, trainable: as the founders' framework counts them, see `Recipe`; None for classical methods.
        critic_parameters: the same of the critic, where there is one.
        network, training, critic, adversarial, method: tables of settings; of a preset the keys in which it differs.
            `method` is that of baselines without training.
    """

    summary: str
    label: str | None = None
    parameters: int | None = None
    trainable: int | None = None
    critic_parameters: int | None = None
    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    critic: dict[str, Any] = Field(default_factory=dict)
    adversarial: dict[str, Any] = Field(default_factory=dict)
    method: dict[str, Any] = Field(default_factory=dict)

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """The tables of settings that are there."""
        named = {name: getattr(self, name) for name in ("network", "training", "critic", "adversarial", "method")}
        return {name: table for name, table in named.items() if table}


class Recipe(Variant):
    """A baseline's recipe file.

    Attributes:
        name, version, summary: as `Baseline` has them.
        source: where it comes from, and what is the project's own reading.
        counting: whose count `parameters` is: `keras` counts running statistics, too, `torch` does not.
        presets: the other variants by name.
    """

    name: str
    version: int
    source: str
    counting: Literal["keras", "torch"] = "keras"
    presets: dict[str, Variant] = Field(default_factory=dict)

    def variant(self, preset: str | None) -> Variant:
        """The default or a preset. Raises UsageError, suggesting the nearest, where there is none of that name."""
        if preset is None:
            return self
        if preset not in self.presets:
            raise UsageError(f"{self.name} has no preset {preset!r}", nearest(preset, self.presets))
        return self.presets[preset]

    def resolved(self, preset: str | None) -> dict[str, Mapping[str, Any]]:
        """The tables of the default or of a preset: a preset's keys replace those of the default."""
        changed = {} if preset is None else self.variant(preset).tables
        names = {**self.tables, **changed}
        return {name: {**self.tables.get(name, {}), **changed.get(name, {})} for name in names}


class RecipeBaseline(Baseline):
    """A baseline that is described by `recipes/<name>.toml`."""

    def __init__(self, name: str) -> None:
        self._recipe = read_recipe(name)
        self.name, self.version, self.summary = self._recipe.name, self._recipe.version, self._recipe.summary
        self.parameters, self.trainable = self._recipe.parameters, self._recipe.trainable
        self.presets = tuple(self._recipe.presets)

    def label(self, preset: str | None, changed: str | None = None) -> str:
        """As `Baseline.label`; a recipe may say another name, such as gan-nofeat."""
        own = self._recipe.variant(preset).label
        if own is None:
            return super().label(preset, changed)
        if not changed:
            return own
        return f"{own[:-1]}, changed {changed})" if own.endswith(")") else f"{own} (changed {changed})"


def read_recipe(name: str) -> Recipe:
    """The recipe of a baseline that ships. Raises RecipeError naming the wrong key."""
    path = FOLDER / f"{name}.toml"
    return parse(Recipe, read_toml(path), path.name)
