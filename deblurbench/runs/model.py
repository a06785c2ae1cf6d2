"""A model that is ready to restore pictures: from a baseline's name, a run folder or a weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deblurbench import plugins
from deblurbench.config import Config
from deblurbench.errors import RunError, UsageError, nearest
from deblurbench.files import parse_json, sha256_file
from deblurbench.runs.baseline import WEIGHTS, Baseline, Restorer
from deblurbench.runs.composed import compose
from deblurbench.runs.device import choose_device
from deblurbench.runs.inference import WHOLE, Inference
from deblurbench.runs.record import RUN, read_run


@dataclass(frozen=True)
class Model:
    """A baseline with its settings and, where it needs them, its weights."""

    baseline: Baseline
    config: Config
    weights: Path | None
    device: str

    def restorer(self, inference: Inference = WHOLE) -> Restorer:
        """The function that restores a picture. Raises as `Baseline.restorer`.

        Tiles, averages and batches go on around it, whatever the baseline: see `composed`.
        """
        return compose([self.bare_restorer(inference)], inference)

    def bare_restorer(self, inference: Inference = WHOLE) -> Restorer:
        """The same, of whole pictures: what several models share and average goes on around all of them."""
        if inference.precision != "float32" and not self.baseline.trains:
            raise UsageError(f"{self.baseline.name} has no network", f"leave {inference.precision} out")
        return self.baseline.restorer(self.config, self.weights, self.device, inference.of_network)

    def weights_sha256(self) -> str | None:
        """Hex SHA-256 of the weights file."""
        return sha256_file(self.weights) if self.weights else None


def open_model(name_or_path: str, device: str = "auto") -> Model:
    """The model behind a baseline's name, a run folder or a `.safetensors` file.

    Raises: UsageError for an unknown name, and for a baseline that has no weights yet; RunError for a
        weights file that does not say what it is.
    """
    path = Path(name_or_path)
    baselines = plugins.find("baselines")
    if (path / RUN).is_file() or (path.is_dir() and name_or_path not in baselines):
        record = read_run(path)
        return _assemble(record.baseline, record.config, path / WEIGHTS, device)
    if path.is_file():
        return _from_weights(path, device)
    if name_or_path not in baselines:
        raise UsageError(f"no baseline, run folder or weights file {name_or_path!r}", nearest(name_or_path, baselines))
    baseline: Baseline = plugins.load("baselines", name_or_path)
    config = baseline.configure()
    shipped = baseline.shipped(config)
    if baseline.trains and shipped is None:
        raise UsageError(
            f"{name_or_path} ships without weights",
            f"train it with `deblurbench run-baseline {name_or_path}`, then name the run folder",
        )
    return Model(baseline, config, shipped, choose_device(device, needed=baseline.trains))


def _from_weights(path: Path, device: str) -> Model:
    metadata = read_metadata(path)
    try:
        values = dict(parse_json(metadata["config"]))
    except (ValueError, TypeError) as error:
        raise RunError(f"the settings in {path} are damaged", "give the run folder instead") from error
    return _assemble(metadata["baseline"], values, path, device)


def _assemble(name: str, values: Mapping[str, object], weights: Path, device: str) -> Model:
    baseline: Baseline = plugins.load("baselines", name)
    if baseline.trains and not weights.is_file():
        raise RunError(f"{weights} is missing", "its training has not finished; give the same run-baseline again")
    config = baseline.config_from(values)
    chosen = choose_device(device, needed=baseline.trains)
    return Model(baseline, config, weights if baseline.trains else None, chosen)


def read_metadata(path: Path) -> Mapping[str, str]:
    """What a weights file says about itself: `baseline`, `preset`, `config`, `dataset_id`.

    Raises: RunError where it is no safetensors file, or does not name its baseline and settings.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} is not a safetensors file", str(error)) from error
    if not {"baseline", "config"} <= metadata.keys():
        raise RunError(f"{path} does not say which baseline it belongs to", "give the run folder instead")
    return metadata
