"""A trained baseline of somebody else's package, which takes no time, and its fixtures: what the tests of runs run.

Each epoch is a line of `acme-state.txt`; the weights are a number that the restorer adds to each picture: the seed, and
ten times the fold. With a time limit, one epoch is all that a call does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TINY, Result

from deblurbench import plugins
from deblurbench.config import Config, override, parse
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import UsageError, nearest
from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import WEIGHTS, Baseline, Resources, Restorer
from deblurbench.runs.inference import WHOLE, Inference

STATE = "acme-state.txt"
ENTRY_POINTS = "[deblurbench.baselines]\nacme = acme_kit:acme\nacme-plain = acme_kit:plain\n"


class AcmeFolds(Config):
    """As `training.folds` of the baselines that ship."""

    count: int
    fold: int


class AcmeFeatures(Config):
    """As `training.perceptual` of the baselines that ship."""

    sha256: str | None = None
    random: bool = False


class AcmeTraining(Config):
    """What the tests change."""

    seed: int = 1
    epochs: int = 2
    folds: AcmeFolds | None = None
    perceptual: AcmeFeatures | None = None


class AcmeConfig(Config):
    """A resolved recipe."""

    preset: str | None = None
    training: AcmeTraining


class AcmeBaseline(Baseline):
    """See the module."""

    version, summary, parameters, trainable, trains = 1, "for tests", 7, 7, True
    files = (r"acme-state\.txt", r"acme-log/epoch-\d+\.txt")

    def __init__(self, name: str, presets: Mapping[str, Mapping[str, Any]]) -> None:
        self.name, self.presets, self._tables = name, tuple(presets), presets
        self.calls: list[Resources] = []

    def configure(self, preset: str | None = None, settings: Sequence[str] = ()) -> AcmeConfig:
        """As `Baseline.configure`."""
        if preset is not None and preset not in self.presets:
            raise UsageError(f"{self.name} has no preset {preset!r}", nearest(preset, self.presets))
        table = self._tables[preset] if preset else {}
        values = override({"training": dict(table)}, settings)
        return parse(AcmeConfig, {**values, **({"preset": preset} if preset else {})}, self.name)

    def config_from(self, values: Mapping[str, Any]) -> AcmeConfig:
        """As `Baseline.config_from`."""
        return parse(AcmeConfig, values, self.name)

    def needs_features(self, config: Config) -> bool:
        """As `Baseline.needs_features`."""
        assert isinstance(config, AcmeConfig)
        perceptual = config.training.perceptual
        return perceptual is not None and not perceptual.random

    def train(self, config: Config, dataset: Dataset, run: Path, resources: Resources) -> bool:
        """As `Baseline.train`."""
        assert isinstance(config, AcmeConfig)
        self.calls.append(resources)
        training = config.training
        state = run / STATE
        done = len(state.read_text().splitlines()) if state.is_file() else 0
        while done < training.epochs:
            done += 1
            state.write_text("epoch\n" * done)
            (run / "acme-log").mkdir(exist_ok=True)
            (run / "acme-log" / f"epoch-{done}.txt").touch()
            if resources.minutes is not None and done < training.epochs:
                return False
        fold = training.folds.fold if training.folds else 0
        (run / WEIGHTS).write_text(str(training.seed + 10 * fold))
        return True

    def restorer(self, config: Config, weights: Path | None, device: str, inference: Inference = WHOLE) -> Restorer:
        """As `Baseline.restorer`."""
        assert weights is not None
        added = int(weights.read_text())

        def restore(blurred: Picture) -> Picture:
            return np.clip(blurred.astype(np.int64) + added, 0, 255).astype(np.uint8)

        return restore


acme = AcmeBaseline(
    "acme", {"small": {"epochs": 1}, "vgg": {"perceptual": {}}, "random": {"perceptual": {"random": True}}}
)
plain = AcmeBaseline("acme-plain", {})


@pytest.fixture(name="once", scope="module")
def once_fixture(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The dataset `tiny`, built once: nothing is ever written into it."""
    file = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(TINY)
    return build(make_plan(read_recipe(file)), tmp_path_factory.mktemp("data") / "tiny", quiet=True)


@pytest.fixture(name="installed", autouse=True)
def installed_fixture(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package acme is installed, and has not been called."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(folder)
    plugins.find.cache_clear()
    acme.calls.clear()
    yield
    plugins.find.cache_clear()


@pytest.fixture(name="run")
def run_fixture(cli: Callable[..., Result], once: Dataset, tmp_path: Path) -> Callable[..., Result]:
    """`run-baseline acme ... --out run`."""

    def run(*arguments: object, name: str = "acme") -> Result:
        return cli("run-baseline", name, "--data", once.path, "--out", tmp_path / "run", "--quiet", *arguments)

    return run


@pytest.fixture(name="torchrun")
def torchrun_fixture(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The environment of one process of several."""

    def become(rank: int, count: int = 2, **more: object) -> None:
        values = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, **more}
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return become


def files(folder: Path) -> set[str]:
    """The files below a folder, as POSIX paths."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
