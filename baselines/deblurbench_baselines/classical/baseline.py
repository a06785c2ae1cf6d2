"""Baselines that need no training, behind the core's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from deblurbench.blur.bank import BANKS
from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.config import Config, override, parse
from deblurbench.errors import UsageError
from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import KernelRestorer, Restorer
from deblurbench.runs.inference import WHOLE, Inference
from deblurbench_baselines.classical.settings import TOLD, NoSettings
from deblurbench_baselines.recipe import RecipeBaseline

ORACLE = "oracle"
"""The preset that is told the kernel."""


class ClassicalBaseline(RecipeBaseline):
    """The function `restore` of a module of this package, which takes the settings of `recipes/<name>.toml` by name."""

    trains = False

    def __init__(self, name: str, settings: type[Config] = NoSettings, module: str | None = None) -> None:
        super().__init__(name)
        self._settings = settings
        self._module_name = f"{__package__}.{module or name.replace('-', '_')}"

    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> Config:
        """The settings of the default or a preset. Raises UsageError for an unknown preset, RecipeError for a key."""
        return self.config_from(override(self._recipe.resolved(preset).get("method", {}), settings))

    def config_from(self, values: Mapping[str, Any]) -> Config:
        """The settings from their plain values. Raises RecipeError for a wrong key."""
        return parse(self._settings, values, self.name)

    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """The method as a function, on the CPU, whatever the device. Raises UsageError for weights, tiles and such."""
        self._refuse(weights, inference)
        return partial(self._module().restore, **config.as_dict())

    def _refuse(self, weights: Path | None, inference: Inference) -> None:
        if weights is not None:
            raise UsageError(f"{self.name} takes no weights", "leave them out")
        if (inference.tile, inference.ensemble, inference.precision) != (None, False, WHOLE.precision):
            raise UsageError(f"{self.name} restores whole pictures, once", "leave tiles, ensemble and precision out")

    def _module(self) -> ModuleType:
        return import_module(self._module_name)  # only now: it may import scipy


class DeconvolutionBaseline(ClassicalBaseline):
    """A method that undoes a known blur: the function `deconvolution` of its module (see `belief.Deconvolution`).

    Its setting `kernel` says how the blur becomes known: a bank in which it is sought, or `told`.
    """

    def is_told(self, config: Config) -> bool:
        """As `Baseline.is_told`."""
        return bool(config.as_dict()["kernel"] == TOLD)

    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """The blind method as a function. Raises UsageError as `ClassicalBaseline.restorer`, and where it is told."""
        self._refuse(weights, inference)
        if self.is_told(config):
            preset = f" --preset {ORACLE}" if ORACLE in self.presets else ""
            raise UsageError(
                f"{self.name} is told the kernel", f"run it on a dataset: run-baseline {self.name}{preset}"
            )
        from deblurbench_baselines.classical.belief import restore_blind

        bank = BANKS[config.as_dict()["kernel"]]()
        return partial(restore_blind, bank=bank, deconvolution=self._module().deconvolution)

    def told_restorer(self, config: Config) -> KernelRestorer:
        """As `Baseline.told_restorer`; it works in the light in which the picture was blurred."""
        from deblurbench_baselines.classical.belief import restore_told

        deconvolution = self._module().deconvolution

        def restorer(picture: Picture, kernel: Kernel, light: str = STORED, *, camera: bool = False) -> Picture:
            return restore_told(picture, kernel, deconvolution, light, camera=camera)

        return restorer

    def label_of(self, config: Config, preset: str | None) -> str:
        """As `Baseline.label_of`; no row of a method that was told goes without saying so."""
        return super().label_of(config, ORACLE if ORACLE in self.presets and self.is_told(config) else preset)
