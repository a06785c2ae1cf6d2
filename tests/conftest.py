"""What several tests need: the command line as a function, tiny datasets, pictures, the shared data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from deblurbench.cli.main import main
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import Picture

pytest.register_assert_rewrite("training_kit")

# The same examples in each run; `pytest --hypothesis-profile default` draws new ones.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same")

ROOT = Path(__file__).resolve().parents[1]

TINY = """
schema = 1
name = "tiny"
version = 1
summary = "A dataset for tests."
seed = 9

[[sources]]
source = "deadleaves"
count = 8
size = "48x40"
scenes = { train = 2, val = 1, test = 2 }

[[splits]]
name = "train"
blurs = [{ family = "gaussian", sigma = 1.0 }, { family = "gaussian-opencv", sigma = 0.3, size = 3 }]

[[splits]]
name = "val"
blurs = [{ family = "gaussian", sigma = 1.0 }]

[[splits]]
name = "test-g1.2"
blurs = [{ family = "gaussian-opencv", sigma = 1.2, size = 9 }]
"""

FOLDER = """
schema = 1
name = "mine"
version = 1
summary = "My photos."
seed = 1
[[sources]]
source = "folder"
scenes = { test = 1 }
[[splits]]
name = "test"
blurs = [{ family = "gaussian", sigma = 1.0 }]
"""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process: `cli("score", preds, sharp)`."""

    def run(*args: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    """A small recipe file."""
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return file


@pytest.fixture
def tiny(tmp_path: Path, tiny_recipe: Path) -> Dataset:
    """A small dataset, built."""
    return build(make_plan(read_recipe(tiny_recipe)), tmp_path / "tiny", quiet=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs that developers and CI have beside the checkout."""
    folder = Path(os.environ.get("DEBLURBENCH_SHARED", ROOT.parent / "shared"))
    if not (folder / "photos").is_dir():
        pytest.skip("no shared data folder beside this checkout (it is not part of the project)")
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A tiny dataset for training; its test pictures are no pictures at all."""
    from training_kit import make_dataset

    return make_dataset(tmp_path_factory.mktemp("data") / "tiny", {"train": 4, "val": 2, "test": 1, "test-g1.2": 1})


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much where tests share the cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring takes a process and seconds, for each run; the tests of cost call it by themselves."""
    monkeypatch.setattr("deblurbench.runs.run.keep_cost", lambda *_, **__: None)


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than such small networks."""
    monkeypatch.setattr("deblurbench_baselines.training.report.Report._draw", lambda *_: None)


def noise(height: int, width: int, channels: int | None = 3, seed: int = 0) -> Picture:
    """A uint8 picture of uniform noise; without channels, H x W."""
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_bmp(path: Path, picture: Picture) -> None:
    """A photo whose file no compressor has a say in: raw hashes, and with them names and scenes, stay as they are."""
    Image.fromarray(picture).save(path, format="BMP")
