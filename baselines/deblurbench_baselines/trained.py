"""Baselines that are trained: a network, its settings and its training, behind the core's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deblurbench.config import Config, override, parse
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RecipeError, RunError
from deblurbench.files import canonical_json, make_folder, sha256_file
from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Resources, Restorer, Sensitivity
from deblurbench.runs.inference import WHOLE, Inference
from deblurbench_baselines.configs import TrainedConfig
from deblurbench_baselines.recipe import RecipeBaseline

SHIPPED = Path(__file__).parent / "weights"


class TrainedBaseline(RecipeBaseline):
    """A network from `recipes/<name>.toml`."""

    trains = True
    files = (
        r"state\.pt",
        r"metrics\.csv",
        r"curves\.png",
        r"training\.log",
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

        return count(known.network, self._recipe.counting)

    def shipped(self, config: Config) -> Path | None:
        """As `Baseline.shipped`: `weights/<name>.safetensors`, of the recipe as it stands."""
        file = SHIPPED / f"{self.name}.safetensors"
        return file if file.is_file() and config == self.configure() else None

    def macs(self, config: Config, height: int, width: int) -> int | None:
        """As `Baseline.macs`: see `networks.macs` for what is counted."""
        from deblurbench_baselines.networks.macs import macs

        return macs(self._known(config).network, height, width)

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
        metadata = {**self._metadata(known), "dataset_id": dataset.id}
        task = Task(
            network=known.network,
            training=known.training,
            critic=getattr(known, "critic", None),
            adversarial=getattr(known, "adversarial", None),
            config=known.hash(),
            dataset_id=dataset.id,
            label=self.label_of(known, known.preset),
            metadata=metadata,
        )
        return train(task, dataset, make_folder(run), resources)

    def needs_features(self, config: Config) -> bool:
        """As `Baseline.needs_features`: of the loss `perceptual`, unless its features are random."""
        perceptual = self._known(config).training.perceptual
        return perceptual is not None and not perceptual.random

    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """The network with its weights as a function. Raises RunError where the weights do not fit.

        UsageError where tiles are too small for the network.
        """
        from deblurbench_baselines.inference.restorer import load_restorer

        return load_restorer(self._known(config).network, self._needed(weights), device, inference)

    def sensitivity(self, config: Config, weights: Path | None, device: str) -> Sensitivity:
        """As `Baseline.sensitivity`, by backpropagation. Raises RunError where the weights do not fit."""
        from deblurbench_baselines.inference.sensitivity import load_sensitivity

        return load_sensitivity(self._known(config).network, self._needed(weights), device)

    def export_onnx(
        self, config: Config, weights: Path | None, out: Path, *, opset: int, pictures: Sequence[Picture] = ()
    ) -> float:
        """As `Baseline.export_onnx`; what the network is and the hash of its weights go into the file."""
        from deblurbench_baselines.inference.onnx import export_onnx
        from deblurbench_baselines.inference.restorer import load_network

        known, file = self._known(config), self._needed(weights)
        metadata = {**self._metadata(known), "weights_sha256": sha256_file(file)}
        return export_onnx(load_network(known.network, file), out, opset=opset, metadata=metadata, pictures=pictures)

    def _metadata(self, known: TrainedConfig) -> dict[str, str]:
        """What a file of weights says about its network."""
        return {"baseline": self.name, "preset": known.preset or "", "config": canonical_json(known.as_dict())}

    def _needed(self, weights: Path | None) -> Path:
        if weights is None:
            raise RunError(f"{self.name} needs weights", "train it first, or name a run folder")
        return weights

    def _known(self, config: Config) -> TrainedConfig:
        if not isinstance(config, self._config):
            raise TypeError(f"{self.name} is configured by {self._config.__name__}, not {type(config).__name__}")
        return config
