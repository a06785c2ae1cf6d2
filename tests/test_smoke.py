"""Every network that is trained, from the command line: its preset `smoke` whole, its full recipe for some steps."""

import json

import pytest

import deblurbench_baselines
from deblurbench import plugins
from deblurbench.cli.main import main
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.recipe import FOLDER
from deblurbench_baselines.training.learner import make_learner

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = """
schema = 1
name = "small"
version = 1
summary = "A recipe for tests."
seed = 5
[[sources]]
source = "deadleaves"
count = 6
size = "80x64"
scenes = { train = 4, val = 1, test = 1 }
[[splits]]
name = "train"
blurs = [{ family = "gaussian-opencv", size = 13, sigma = 2.0 }]
[[splits]]
name = "val"
blurs = [{ family = "gaussian-opencv", size = 13, sigma = 2.0 }]
[[splits]]
name = "test-g1"
blurs = [{ family = "gaussian-opencv", size = 13, sigma = 2.0 }]
"""
TRAINED = sorted(
    name for name in plugins.find("baselines") if getattr(deblurbench_baselines, name.replace("-", "_")).trains
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.toml").write_text(RECIPE)
    return build(make_plan(read_recipe(folder / "small.toml")), folder / "set", quiet=True)


def test_every_recipe_of_a_network_is_offered():
    recipes = {path.stem for path in FOLDER.glob("*.toml") if "[network]" in path.read_text()}
    assert set(TRAINED) == recipes
    assert len(TRAINED) == 12


@pytest.mark.parametrize("name", TRAINED)
def test_smoke_preset_trains_predicts_and_scores(small, tmp_path, capsys, name):
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        main(
            ["run-baseline", name, "--preset", "smoke", "--data", str(small.path), "--out", str(run), "--device", "cpu"]
        )
    assert ended.value.code == 0
    assert "test-g1" in capsys.readouterr().out
    for file in ("weights.safetensors", "metrics.csv", "curves.png", "model_summary.txt", "training.log", "scores.csv"):
        assert (run / file).stat().st_size > 0
    assert list((run / "samples").glob("*.png"))
    record = json.loads((run / "run.json").read_text())
    assert record["parameters"] > 0
    assert "smoke" in record["label"]


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("name", TRAINED)
def test_full_recipe_starts_and_makes_progress(small, tmp_path, monkeypatch, name):
    """The whole network, on small crops; six steps from which it learns the two crops that it sees."""
    baseline = getattr(deblurbench_baselines, name.replace("-", "_"))
    side = 64 if baseline.name.startswith(("gan", "gir")) else 32
    shown = ["training.batch=2", "training.crops_per_pair=1", f"training.crop={side}", "training.augment='none'"]
    config = baseline.configure(None, [*shown, "training.epochs=400", "training.warm_up=9"])
    losses, seen = [], []

    def made(*args):
        learner = make_learner(*args)
        step = learner.step

        def again(batch, rate, share):
            seen.append(batch)
            terms = step(seen[0], rate, share)
            losses.append(sum(float(terms[key]) for key in config.training.losses))
            return terms

        learner.step = again
        return learner

    monkeypatch.setattr("deblurbench_baselines.training.session.make_learner", made)
    monkeypatch.setattr("deblurbench_baselines.training.trainer.validate", _no_validation)
    for _ in range(6):  # each call takes up what the one before has left
        assert not baseline.train(config, small, tmp_path, Resources(minutes=0, quiet=True))
    assert min(losses[1:]) < losses[0], losses


def _no_validation(*_):
    from deblurbench_baselines.training.validation import Validation

    return Validation(0.01, 0.1, None, False)
