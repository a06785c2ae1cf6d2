"""What a baseline is to the core: the contract behind every `deblurbench.baselines` plug-in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import Kernel
from deblurbench.blur.light import STORED
from deblurbench.config import Config
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.files import canonical_json, sha256_text
from deblurbench.images.codec import Picture
from deblurbench.runs.inference import WHOLE, Inference

Restorer = Callable[[Picture], Picture]
"""Takes a blurred picture (uint8 H x W x 3), returns the restored one of the same shape, clipped and rounded."""


class KernelRestorer(Protocol):
    """The same for a method that is told how the picture was blurred."""

    def __call__(self, picture: Picture, kernel: Kernel, light: str = STORED, *, camera: bool = False) -> Picture:
        """`kernel` blurred it in a `light`, as recipes name it; behind it a `camera` may have added noise."""


Sensitivity = Callable[[Picture], npt.NDArray[np.float32]]
"""Takes a blurred picture (uint8 H x W x 3), returns the gradient, float32 H x W, of the restored pixel at
(H // 2, W // 2) by each blurred one: of brightness, the mean over the channels, before anything is rounded."""

Feed = Literal["auto", "memory", "loader", "device"]

WEIGHTS = "weights.safetensors"
SEED = "training.seed"
FEATURES = "training.perceptual.sha256"


@dataclass(frozen=True)
class Resources:
    """With what a training is carried out. None of it changes what comes out, on the CPU to the last bit.

    Attributes:
        device: as torch names it.
        feed: where crops come from: `memory`, `loader` (read from disk as they are needed, by `workers` processes),
            `device` (all in the device's memory, blurred there), or `auto`.
        workers: processes that read, for the feed `loader`.
        minutes: after which training stops, to be continued; None: never.
        features: the file of weights of a perceptual loss, whose SHA-256 the settings have.
        tensorboard: whether to write TensorBoard's files beside `metrics.csv`.
        quiet: whether to show nothing.
    """

    device: str = "cpu"
    feed: Feed = "auto"
    workers: int = 1
    minutes: float | None = None
    features: Path | None = None
    tensorboard: bool = False
    quiet: bool = False


class Baseline(ABC):
    """A deblurring method with its recipe. Importing it must not import torch: `list` shows it.

    Attributes:
        name: as people type it.
        version: of the recipe; it goes into every run.
        summary: one line.
        parameters: of the default recipe: the total that founders quote, running statistics included where their
            framework counts them; None for classical methods.
        trainable: how many of them are trained.
        presets: names of its variants beside the default.
        trains: whether it needs training before it can predict.
        files: what its training leaves in a run folder beside the weights: patterns for whole paths below it, in
            POSIX form. `--overwrite` and `--retrain` remove these, and nothing that is not named.
    """

    name: str
    version: int
    summary: str
    parameters: int | None
    trainable: int | None
    presets: tuple[str, ...]
    trains: bool
    files: tuple[str, ...] = ()

    @abstractmethod
    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> Config:
        """The resolved recipe: the default or a preset, with `key=value` settings put in.

        Raises: UsageError for an unknown preset, RecipeError for a wrong key.
        """

    @abstractmethod
    def config_from(self, values: Mapping[str, Any]) -> Config:
        """The resolved recipe from what `Config.as_dict` gave: how a run or a weights file is read back."""

    @abstractmethod
    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """The function that restores a picture, in the way that `inference` says.

        Raises: RunError where the weights do not fit, UsageError for a way that is not this baseline's, and where
            `is_told` the kernel.
        """

    def shipped(self, config: Config) -> Path | None:
        """The file of weights that comes with the package for this recipe; None: it has to be trained first."""
        return None

    def is_told(self, config: Config) -> bool:
        """Whether it is told the kernel of each picture: a ceiling, which only a dataset that knows its kernels has."""
        return False

    def told_restorer(self, config: Config) -> KernelRestorer:
        """The function that restores a picture whose kernel is known. Only called where `is_told`."""
        raise UsageError(f"{self.name} finds the kernel by itself", "ask for its `restorer`")

    def sensitivity(self, config: Config, weights: Path | None, device: str) -> Sensitivity | None:
        """What the middle of a restored picture depends on, by its gradient; None: `explain` changes pixels instead."""
        return None

    def macs(self, config: Config, height: int, width: int) -> int | None:
        """Multiplications with an addition for one picture of that size; None where nobody counts them."""
        return None

    def train(self, config: Config, dataset: Dataset, run: Path, resources: Resources) -> bool:
        """Train on the dataset's train split, select on val, leave `weights.safetensors` in `run`.

        Called again after an interruption, it goes on where it stopped. Never touches a test split. Only
        called where `trains`. Returns whether training is finished: not where its time was up.
        """
        raise UsageError(f"{self.name} needs no training", "predict with it right away")

    def needs_features(self, config: Config) -> bool:
        """Whether training compares features of a network whose weights are a file that the user has to name.

        Such a config has the key `training.perceptual.sha256` for the hash of that file, and training takes the file
        from `Resources.features`.
        """
        return False

    def export_onnx(
        self, config: Config, weights: Path | None, out: Path, *, opset: int, pictures: Sequence[Picture] = ()
    ) -> float:
        """Write the network with its weights as an ONNX file; returns by how much its output differs at most.

        Compared are random batches and `pictures`. Raises RunError where the network cannot be exported.
        """
        raise UsageError(f"{self.name} has no network", "name the run folder or weights file of a trained one")

    def counts(self, config: Config) -> tuple[int | None, int | None]:
        """(parameters, trainable) of the network that `config` describes; Nones where there is none."""
        return None, None

    def label(self, preset: str | None, changed: str | None = None) -> str:
        """The name that tables show. A preset never goes under the founders' name, nor does a recipe with changed keys.

        `changed` tells such recipes apart: the first digits of their hash.
        """
        marks = ", ".join(filter(None, [preset, f"changed {changed}" if changed else None]))
        return f"{self.name} ({marks})" if marks else self.name

    def label_of(self, config: Config, preset: str | None) -> str:
        """The label of a resolved recipe: it is changed where any key but the seed, or whose file the features come
        from, is not as the preset has it."""
        named = _without_chance(config)
        changed = sha256_text(named)[:6] if named != _without_chance(self.configure(preset)) else None
        return self.label(preset, changed)


def value_at(config: Config, key: str) -> Any:
    """The value of a dotted key of a resolved recipe; None where there is none."""
    value: Any = config.as_dict()
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _without_chance(config: Config) -> str:
    """The settings that make a name, as one text."""
    values = config.as_dict()
    for key in (SEED, FEATURES):
        *tables, last = key.split(".")
        table: Any = values
        for name in tables:
            table = table.get(name, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict):
            table.pop(last, None)
    return canonical_json(values)
