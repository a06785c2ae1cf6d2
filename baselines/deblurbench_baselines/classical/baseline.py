"""Baselines that need no training, behind the core's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from deblurbench.config import Config, override, parse
from deblurbench.errors import UsageError
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.inference import WHOLE, Inference
from deblurbench_baselines.recipe import RecipeBaseline


class ClassicalConfig(Config):
    """Classical baselines have nothing to set: they are blind, and their constants are part of their version."""


class ClassicalBaseline(RecipeBaseline):
    """The function `restore` of `classical/<name>.py`, with `recipes/<name>.toml`."""

    trains = False

    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> ClassicalConfig:
        """The empty recipe. Raises UsageError for any preset, RecipeError for any key."""
        if preset is not None:
            self._recipe.variant(preset)
        return self.config_from(override({}, settings))

    def config_from(self, values: Mapping[str, Any]) -> ClassicalConfig:
        """The empty recipe. Raises RecipeError for any key."""
        return parse(ClassicalConfig, values, self.name)

    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """The method as a function; it runs on the CPU whatever the device. Weights are refused with UsageError."""
        if weights is not None:
            raise UsageError(f"{self.name} takes no weights", "leave them out")
        module = import_module(f"deblurbench_baselines.classical.{self.name}")  # only now: it may import scipy
        return cast(Restorer, module.restore)
