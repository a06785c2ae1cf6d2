"""Baselines that are trained: a network, its settings and its training, behind the core's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from deblurbench.config import Config, override, parse
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RecipeError, RunError
from deblurbench.files import canonical_json, make_folder
from deblurbench.runs.baseline import Resources, Restorer
from deblurbench_baselines.losses.settings import AdversarialSettings
from deblurbench_baselines.networks.settings.base import CriticSettings, NetworkSettings
from deblurbench_baselines.networks.settings.cnn import CNNSettings
from deblurbench_baselines.networks.settings.critics import ConvCriticSettings
from deblurbench_baselines.networks.settings.gir import GIRSettings
from deblurbench_baselines.networks.settings.resnet_generator import ResnetGeneratorSettings
from deblurbench_baselines.networks.settings.unet import UNetSettings
from deblurbench_baselines.recipe import RecipeBaseline
from deblurbench_baselines.training.settings import TrainingSettings


class TrainedConfig(Config):
    """A resolved recipe. `preset` is None for the default variant."""

    preset: str | None = None
    network: NetworkSettings
    training: TrainingSettings

    @model_validator(mode="after")
    def _check_teacher(self) -> Self:
        if not self.training.losses and not isinstance(self, AdversarialConfig):
            raise ValueError("training.losses is empty, and there is no critic")
        return self


class AdversarialConfig(TrainedConfig):
    """A resolved recipe of a network that is trained against a critic."""

    critic: CriticSettings
    adversarial: AdversarialSettings

    @model_validator(mode="after")
    def _check_pieces(self) -> Self:
        if self.training.accumulate > 1:
            raise ValueError("training.accumulate is for networks without a critic")
        return self


class CNNConfig(TrainedConfig):
    """A resolved recipe of the CNN."""

    network: CNNSettings


class UNetConfig(TrainedConfig):
    """A resolved recipe of the U-Net."""

    network: UNetSettings


class GANConfig(AdversarialConfig):
    """A resolved recipe of DeblurGAN."""

    network: ResnetGeneratorSettings
    critic: ConvCriticSettings


class GAN2MConfig(AdversarialConfig):
    """A resolved recipe of the GAN of two million parameters."""

    network: UNetSettings
    critic: ConvCriticSettings


class GIRConfig(AdversarialConfig):
    """A resolved recipe of the Generative Image Rectifier."""

    network: GIRSettings
    critic: ConvCriticSettings


class TrainedBaseline(RecipeBaseline):
    """A network from `recipes/<name>.toml`."""

    trains = True
    files = (
        r"state\.pt",
        r"metrics\.csv",
        r"curves\.png",
        r"training\.log",
        r"alarms\.jsonl",
        r"model_summary\.txt",
        r"samples/epoch-\d+\.png",
        r"tensorboard/events\.[^/]+",
    )

    def __init__(self, name: str, config: type[TrainedConfig]) -> None:
        super().__init__(name)
        self._config = config

    def counts(self, config: Config) -> tuple[int | None, int | None]:
        """(parameters, trainable) as declared; counted where keys of the network were changed."""
        known = self._known(config)
        if known.network == self.configure(known.preset).network:
            declared = self._recipe.variant(known.preset)
            return declared.parameters, declared.trainable
        from deblurbench_baselines.networks.count import count

        return count(known.network)

    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> TrainedConfig:
        """The resolved recipe: tables `network` and `training`.

        Raises: UsageError for an unknown preset, RecipeError for a wrong key.
        """
        values = override(self._recipe.resolved(preset), settings)
        if "preset" in values:
            raise RecipeError(f"{self.name}:preset", "a preset is chosen by name, not set")
        return parse(self._config, {**values, **({"preset": preset} if preset else {})}, self.name)

    def config_from(self, values: Mapping[str, Any]) -> TrainedConfig:
        """The resolved recipe from its plain values. Raises RecipeError for a wrong key."""
        return parse(self._config, values, self.name)

    def train(self, config: Config, dataset: Dataset, run: Path, resources: Resources) -> bool:
        """Train on `train`, select on `val`; goes on where an interrupted run stopped; see `training.session`.

        Raises: RunError where the run cannot be continued or the loss diverges.
        """
        from deblurbench_baselines.training.session import train
        from deblurbench_baselines.training.task import Task

        known = self._known(config)
        metadata = {
            "baseline": self.name,
            "preset": known.preset or "",
            "config": canonical_json(known.as_dict()),
            "dataset_id": dataset.id,
        }
        task = Task(
            network=known.network,
            training=known.training,
            critic=getattr(known, "critic", None),
            adversarial=getattr(known, "adversarial", None),
            config=known.hash(),
            dataset_id=dataset.id,
            label=self.label(known.preset),
            metadata=metadata,
        )
        return train(task, dataset, make_folder(run), resources)

    def needs_features(self, config: Config) -> bool:
        """As `Baseline.needs_features`: of the loss `perceptual`, unless its features are random."""
        perceptual = self._known(config).training.perceptual
        return perceptual is not None and not perceptual.random

    def restorer(self, config: Config, weights: Path | None, device: str) -> Restorer:
        """The network with its weights as a function. Raises RunError where the weights do not fit."""
        from deblurbench_baselines.inference.restorer import load_restorer

        if weights is None:
            raise RunError(f"{self.name} needs weights", "train it first, or name a run folder")
        return load_restorer(self._known(config).network, weights, device)

    def _known(self, config: Config) -> TrainedConfig:
        if not isinstance(config, self._config):
            raise TypeError(f"{self.name} is configured by {self._config.__name__}, not {type(config).__name__}")
        return config
