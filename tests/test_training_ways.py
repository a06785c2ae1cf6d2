"""The ways to carry a training out: precision, compiling, pieces, averages, feeds. What must not matter does not."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_kit import TINY, WEIGHTS, assert_same_run, metrics, train

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import RecipeError, UsageError
from deblurbench.runs.baseline import Resources
from deblurbench_baselines import gan, unet
from deblurbench_baselines.networks.unet import UNet
from deblurbench_baselines.tensors import fixed_shapes
from deblurbench_baselines.training import trainer
from deblurbench_baselines.training.health import Health
from deblurbench_baselines.training.learner import AdversarialLearner, Learner
from deblurbench_baselines.training.optimisation import MovingAverage, Optimiser
from deblurbench_baselines.training.processes import Processes

pytestmark = pytest.mark.usefixtures("one_thread", "no_curves")

CPU = torch.device("cpu")
SHORT = "training.epochs=1"
RECIPE = """
schema = 1
name = "small"
version = 1
summary = "A recipe for tests."
seed = 5
[[sources]]
source = "deadleaves"
count = 6
size = "40x32"
scenes = { train = 4, val = 2 }
[[splits]]
name = "train"
blurs = [{ family = "gaussian-opencv", size = 7, sigma = 1.0 }]
[[splits]]
name = "val"
blurs = [{ family = "gaussian-opencv", size = 7, sigma = 1.0 }]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A dataset that can be made again: `fresh` needs its recipe, the feed on the device its kernels."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "small.toml").write_text(RECIPE)
    return build(make_plan(read_recipe(folder / "small.toml")), folder / "set", quiet=True)


def weights(run):
    return load_file(run / WEIGHTS)


def test_every_feed_gives_the_same_bits(built, tmp_path):
    config = unet.configure("demo", [*TINY, "training.epochs=2"])
    for feed, workers in (("memory", 1), ("device", 1), ("loader", 1), ("loader", 2)):
        assert unet.train(config, built, tmp_path / f"{feed}{workers}", Resources("cpu", feed, workers, quiet=True))
    for other in ("device1", "loader1", "loader2"):
        assert_same_run(tmp_path / "memory1", tmp_path / other)


def test_fresh_blur_trains_and_needs_the_device(built, tmp_path):
    config = unet.configure("demo", [*TINY, SHORT, "training.blur=fresh"])
    unet.train(config, built, tmp_path / "fresh", Resources(quiet=True))
    assert len(metrics(tmp_path / "fresh")) == 1
    with pytest.raises(UsageError, match=r"--feed memory gives blur as it is built: .*--feed device"):
        unet.train(config, built, tmp_path / "x", Resources(feed="memory", quiet=True))


def test_pieces_of_a_batch_add_up_to_it(dataset, tmp_path):
    """Without BatchNorm, whose statistics are those of a piece."""
    more = [SHORT, "network.batch_norm=[]", "training.clip=0.05"]
    train(dataset, tmp_path / "whole", *more)
    train(dataset, tmp_path / "pieces", *more, "training.accumulate=3")
    for name, tensor in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(tmp_path / "pieces")[name], tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_comes_near_full_precision(dataset, tmp_path, precision):
    train(dataset, tmp_path / "full", SHORT)
    train(dataset, tmp_path / "mixed", SHORT, f"training.precision={precision}")
    full, mixed = weights(tmp_path / "full"), weights(tmp_path / "mixed")
    assert any(not torch.equal(full[name], mixed[name]) for name in full)
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in mixed.values())
    assert float(metrics(tmp_path / "mixed")[0]["train_loss"]) == pytest.approx(
        float(metrics(tmp_path / "full")[0]["train_loss"]), rel=0.02
    )


def test_compiled_network_trains_alike_and_keeps_its_names(dataset, tmp_path, monkeypatch):
    compiled = []

    def remember(graph, inputs):
        left_open.extend(value for value in inputs if isinstance(value, torch.SymInt))
        return graph.forward

    def compile_eagerly(network, mode=None, **how):
        compiled.append(mode)
        return whole(network, backend=remember, **how)

    left_open, whole = [], torch.compile
    more = ["training.epochs=2", "training.batch=5"]  # the last one is of 2
    train(dataset, tmp_path / "plain", *more)
    monkeypatch.setattr(torch, "compile", compile_eagerly)
    train(dataset, tmp_path / "compiled", *more, "training.compile=max-autotune")
    assert compiled == ["max-autotune"]
    assert not left_open  # sizes
    for name, tensor in weights(tmp_path / "plain").items():
        torch.testing.assert_close(weights(tmp_path / "compiled")[name], tensor)


def test_order_in_memory_does_not_matter(dataset, tmp_path, monkeypatch):
    orders = []
    forward = UNet.forward

    def watched(self, batch):
        if self.training:
            orders.append(batch.is_contiguous())
        return forward(self, batch)

    monkeypatch.setattr(UNet, "forward", watched)
    train(dataset, tmp_path / "last", SHORT)
    assert orders == [False] * 3
    train(dataset, tmp_path / "first", SHORT, "training.channels_last=false")
    assert orders[3:] == [True] * 3
    for name, tensor in weights(tmp_path / "last").items():
        torch.testing.assert_close(weights(tmp_path / "first")[name], tensor, rtol=1e-3, atol=1e-5)


def test_moving_average_is_what_it_is_called():
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    average = MovingAverage(network, 0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 2.0, -3.0, 4.0]):
        with torch.no_grad():
            network.weight.fill_(value)
        average.update()
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * value
        assert average.network.weight.item() == pytest.approx(expected)
    assert not average.network.weight.requires_grad
    again = MovingAverage(network, 0.5)
    again.restore(average.state())
    average.update()
    again.update()
    assert torch.equal(again.network.weight, average.network.weight)


def test_running_statistics_are_not_averaged():
    network = nn.BatchNorm2d(1)
    average = MovingAverage(network, 0.9)
    network(torch.full((1, 1, 2, 2), 3.0))
    average.update()
    assert average.network.running_mean.item() == network.running_mean.item() != 0


def test_average_is_what_is_kept(dataset, tmp_path):
    train(dataset, tmp_path / "own", SHORT)
    train(dataset, tmp_path / "average", SHORT, "training.ema=0.99")
    state = torch.load(tmp_path / "average" / "state.pt", weights_only=True)["learner"]
    for name, tensor in weights(tmp_path / "average").items():
        assert torch.equal(state["average"]["network"][name], tensor)
    assert torch.equal(state["network"]["head.weight"], weights(tmp_path / "own")["head.weight"])
    assert not torch.equal(state["network"]["head.weight"], weights(tmp_path / "average")["head.weight"])


def test_gpu_settings_are_put_back():
    """They can be set without a GPU."""

    def found():
        return torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision()

    before = found()
    with fixed_shapes(torch.device("cuda")):
        assert found() == (True, "high")
    assert found() == before
    with fixed_shapes(CPU):
        assert found() == before


def test_alarms_are_given_the_means_of_the_steps_since_the_last_look(dataset, tmp_path, monkeypatch):
    seen, losses = [], []
    step, steps = Learner.step, Health.steps

    def learn(self, batch, *args):
        terms = step(self, batch, *args)
        losses.append(terms["loss"].item())
        return terms

    def look(self, number, loss, terms):
        seen.append((number, loss))
        return steps(self, number, loss, terms)

    monkeypatch.setattr(trainer, "_STEPS_BETWEEN_LOOKS", 2)
    monkeypatch.setattr(Learner, "step", learn)
    monkeypatch.setattr(Health, "steps", look)
    train(dataset, tmp_path, "training.epochs=2", "training.batch=5")  # 5 crops, 5, and 2
    assert [number for number, _ in seen] == [2, 3, 5, 6]
    wanted = [(losses[0] + losses[1]) / 2, losses[2], (losses[3] + losses[4]) / 2, losses[5]]
    assert [loss for _, loss in seen] == pytest.approx(wanted)


def test_critic_takes_its_own_steps_and_weighs_what_it_is_told(dataset, tmp_path, monkeypatch):
    taken, terms = [], []
    step, learn = Optimiser.step, AdversarialLearner.step

    def watched(self, rate):
        taken.append((self._optimiser.param_groups[0]["betas"], rate))
        step(self, rate)

    def remember(self, *args):
        terms.append({name: value.item() for name, value in learn(self, *args).items()})
        return {name: torch.tensor(value) for name, value in terms[-1].items()}

    monkeypatch.setattr(Optimiser, "step", watched)
    monkeypatch.setattr(AdversarialLearner, "step", remember)
    more = [SHORT, "training.crop=24", "training.learning_rate=0.001", "training.betas=[0.8, 0.9]"]
    critics = ["critic_steps=2", "learning_rate=0.003", "betas=[0.1, 0.2]", "weight=0.5"]
    config = gan.configure("smoke", [*more, *(f"adversarial.{setting}" for setting in critics)])
    gan.train(config, dataset, tmp_path, Resources(quiet=True))
    assert len(taken) == 3 * len(terms) > 0
    for first, second, own in zip(taken[::3], taken[1::3], taken[2::3], strict=True):
        assert own[0] == (0.8, 0.9)
        assert first == second == ((0.1, 0.2), pytest.approx(3 * own[1]))
    for found in terms:
        weighed = sum(weight * found[name] for name, weight in config.training.losses.items())
        assert found["loss"] == pytest.approx(weighed + 0.5 * found["adversarial"], rel=1e-5)


def optimiser(**changes):
    network = nn.Linear(2, 1, bias=False)
    nn.init.ones_(network.weight)
    settings = unet.configure("demo", TINY).training.model_copy(update=changes)
    return network, Optimiser(settings, network, CPU, Processes())


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_long_gradients_are_clipped(precision):
    """As they are without the factor that float16 needs."""
    seen = []
    network, steps = optimiser(clip=0.5, precision=precision)
    steps._optimiser.register_step_pre_hook(lambda *_: seen.append(network.weight.grad.clone()))
    steps.backward((network.weight * torch.tensor([[3.0, 4.0]])).sum())
    steps.step(0.1)
    torch.testing.assert_close(seen[0], torch.tensor([[0.3, 0.4]]))
    assert network.weight.grad is None


def test_step_that_overflows_in_float16_is_skipped():
    network, steps = optimiser(precision="float16", clip=None)
    scale = steps._scaler.get_scale()
    steps.backward(network.weight.sum() * float("inf"))
    steps.step(0.1)
    assert torch.equal(network.weight, torch.ones(1, 2))
    assert steps._scaler.get_scale() == scale / 2


def test_saturated_critic_gives_alarm(dataset, tmp_path, capsys):
    """Document 002's critic against a network that stands still: it tells them apart and comes to rest at -0.5."""
    more = [
        "training.crop=24",
        "training.crops_per_pair=450",
        "training.epochs=1",
        "training.augment='none'",
        "training.learning_rate=1e-6",
        "adversarial.kind=wgan-sigmoid",
        "adversarial.learning_rate=0.002",
        "critic.norm=none",
    ]
    gan.train(gan.configure("smoke", more), dataset, tmp_path, Resources(quiet=False))
    row = metrics(tmp_path)[0]
    assert "critic-floor" in row["alarms"].split()
    assert "ALARM: critic-floor" in capsys.readouterr().err
    assert "critic-floor" in (tmp_path / "training.log").read_text()
    health = torch.load(tmp_path / "state.pt", weights_only=True)["health"]
    json.dumps(health)


def test_pieces_are_refused_where_cuda_graphs_would_overwrite_their_gradients():
    for mode in ("reduce-overhead", "max-autotune"):
        with pytest.raises(RecipeError, match=f"accumulate does not go with compile = '{mode}'"):
            unet.configure(None, ["training.accumulate=2", f"training.compile={mode}"])
    unet.configure(None, ["training.accumulate=2", "training.compile=default"])


@pytest.mark.parametrize(
    ("baseline", "setting", "message"),
    [
        (unet, "training.losses={}", "losses is empty, and there is no critic"),
        (gan, "training.accumulate=2", "accumulate is for networks without a critic"),
        (unet, "training.losses={perceptual=1.0}", "go together"),
        (unet, "training.losses={mae=1.0}", "mae"),
        (unet, "training.accumulate=17", "has no 17 pieces"),
        (unet, "training.constant_epochs=25", None),
        (unet, "training.precision=fp8", "bfloat16"),
        (unet, "training.folds={count=3, fold=4}", "fold 4 of 3"),
        (gan, "adversarial.kind=hinge", "wgan-gp"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(baseline, setting, message):
    if message is None:
        baseline.configure(None, [setting])  # only the linear schedule looks at it
        setting, message = "training.schedule=linear", "leaves no epoch"
        with pytest.raises(RecipeError, match=message):
            baseline.configure(None, ["training.constant_epochs=25", setting])
        return
    with pytest.raises(RecipeError, match=message):
        baseline.configure(None, [setting])
