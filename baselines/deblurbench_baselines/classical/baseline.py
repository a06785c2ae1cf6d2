"""Baselines that need no training, behind the core's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from deblurbench.config import Config, override, parse
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.runs.baseline import Baseline, Restorer
from deblurbench_baselines.recipe import read_recipe


class ClassicalConfig(Config):
    """Classical baselines have nothing to set: they are blind, and their constants are part of their version."""


class ClassicalBaseline(Baseline):
    """The function `restore` of `classical/<name>.py`, with `recipes/<name>.toml`."""

    trains = False

    def __init__(self, name: str) -> None:
        self._recipe = read_recipe(name)
        self.name, self.version, self.summary = self._recipe.name, self._recipe.version, self._recipe.summary
        self.parameters, self.trainable = self._recipe.counts(None)
        self.presets = tuple(self._recipe.presets)

    def counts(self, preset: str | None = None) -> tuple[int | None, int | None]:
        """(None, None): there is nothing to count."""
        return self._recipe.counts(preset)

    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> ClassicalConfig:
        """The empty recipe. Raises UsageError for any preset, RecipeError for any key."""
        if preset is not None:
            self._recipe.preset(preset)
        return self.reconfigure(override({}, settings))

    def reconfigure(self, values: Mapping[str, Any]) -> ClassicalConfig:
        """The empty recipe. Raises RecipeError for any key."""
        return parse(ClassicalConfig, values, self.name)

    def train(self, config: Config, dataset: Dataset, run: Path, *, device: str, quiet: bool = False) -> None:
        """Always raises UsageError: there is nothing to train."""
        raise UsageError(f"{self.name} needs no training", "predict with it right away")

    def restorer(self, config: Config, weights: Path | None, device: str) -> Restorer:
        """The method as a function; it runs on the CPU whatever the device. Weights are refused with UsageError."""
        if weights is not None:
            raise UsageError(f"{self.name} takes no weights", "leave them out")
        module = import_module(f"deblurbench_baselines.classical.{self.name}")  # only now: it may import scipy
        return cast(Restorer, module.restore)
