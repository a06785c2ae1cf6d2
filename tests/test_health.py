"""Health alarms: each is provoked; healthy runs give none."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from deblurbench.errors import RecipeError, RunError
from deblurbench_baselines import cnn, unet
from deblurbench_baselines.data.pairs import training_parts
from deblurbench_baselines.training.health import Health
from deblurbench_baselines.training.settings import Folds


def run(health, windows, size=50, start=0):
    """Tell `health` of windows of (loss, terms); returns the alarms with the step at which each was given."""
    given = []
    for index, (loss, terms) in enumerate(windows, 1):
        step = start + index * size
        given += [(step, alarm) for alarm in health.steps(step, loss, terms)]
    return given


def names(given):
    return [(step, ("-" if alarm.over else "") + alarm.name) for step, alarm in given]


def losses(*values):
    return [(value, {"mse": value}) for value in values]


def gan(critic, adversarial, count=1, content=0.1):
    terms = {"critic": critic, "adversarial": adversarial, "perceptual": content}
    return [(100 * content + adversarial, terms)] * count


def validate(health, psnrs, blurred=27.0, unchanged=False):
    return [(e, alarm) for e, psnr in enumerate(psnrs, 1) for alarm in health.validated(e, psnr, blurred, unchanged)]


# Not a number


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_loss_that_is_not_finite_ends_the_training(value):
    health = Health(learning_rate=0.002)
    health.steps(50, 0.1, {})
    with pytest.raises(RunError) as caught:
        health.steps(51, value, {})
    assert str(caught.value) == (
        f"the loss became {value} in epoch 1: "
        "train anew with a lower rate: --overwrite --set training.learning_rate=0.0002"
    )


def test_term_and_epoch_that_are_not_finite_are_named():
    health = Health(learning_rate=1e-4, precision="float16")
    validate(health, [28.0, 28.1])
    with pytest.raises(RunError, match=r"the loss critic became nan in epoch 3: .*=1e-05, .*precision=bfloat16"):
        health.steps(1, 0.5, {"critic": math.nan})
    unet.configure("demo", ["training.learning_rate=1e-05", "training.precision=bfloat16", "training.clip=1"])


# Spikes


def test_spike_of_the_training_loss_is_said_when_it_starts_and_when_it_is_over():
    calm = [0.010, 0.011, 0.009, 0.010, 0.012, 0.010]
    given = run(Health(), losses(*calm, 0.049, 0.051, 0.2, 0.03, 0.011, 0.01))
    assert names(given) == [(400, "loss-spike"), (550, "-loss-spike")]
    assert "the training loss rose to 0.051, 5.1 times its recent median of 0.01, at step 351" in given[0][1].message
    assert "back at 0.011" in given[1][1].message


def test_spike_that_stays_is_said_once():
    health = Health()
    assert names(run(health, losses(*[0.01] * 6, *[0.1] * 50))) == [(350, "loss-spike")]
    assert health.active == ("loss-spike",)


def test_tenfold_validation_loss_of_document_000_gives_alarm():
    """Its log: train .011 .008 .0095 .0025, test .001 .0007 .007 .0018, at epochs 1 to 4."""
    mses = [0.001, 0.0007, 0.007, 0.0018, 0.0012, 0.0011, 0.0010, 0.0008, 0.0007, 0.0006]
    given = validate(Health(), [-10 * math.log10(mse) for mse in mses], blurred=20.0)
    assert names(given) == [(3, "loss-spike"), (4, "-loss-spike")]
    assert "the MSE on val rose to 0.007, 8.2 times" in given[0][1].message
    assert "at epoch 3" in given[0][1].message


def test_spike_of_a_term_is_seen_beside_a_wasserstein_loss_that_passes_zero():
    swings = np.random.default_rng(1).normal(0, 30, 40)
    windows = [w for swing in swings for w in gan(-abs(swing), swing)]
    assert names(run(Health(), windows)) == []
    given = run(Health(), [*windows, *gan(-3.0, 2.0, content=0.6)])
    assert names(given) == [(2050, "loss-spike")]
    assert "the training loss perceptual" in given[0][1].message


def test_windows_of_few_steps_are_judged_together():
    """One batch of hard crops is five times the mean, and no spike."""
    health = Health()
    given = run(health, losses(*[0.01] * 200, 0.06, *[0.01] * 30), size=1)
    assert given == []
    assert names(run(health, losses(*[0.06] * 60), size=1, start=231)) == [(275, "loss-spike")]


# Critics


def test_saturated_critic_of_document_002_gives_alarm():
    """Its log: -0.49999999979, -0.4999999996, -0.5: the floor of a sigmoid critic, not convergence."""
    log = [(228.23, -0.49999999979), (215.76, -0.4999999996), (205.53, -0.5)]
    windows = [(total, {"critic": critic, "adversarial": 0.5, "perceptual": 2.2}) for total, critic in log]
    given = run(Health(floor=-0.5), windows)
    assert names(given) == [(100, "critic-floor")]
    assert "-0.4999999996 is at its floor of -0.5 since step 1" in given[0][1].message
    assert names(run(Health(), windows)) == []  # wgan-gp has no floor


def test_critic_near_its_floor_or_briefly_at_it_gives_none():
    assert run(Health(floor=-0.5), gan(-0.4985, 0.5, 50)) == []
    assert run(Health(floor=-0.5), [*gan(-0.4999, 0.5), *gan(-0.3, 0.2)] * 20) == []
    given = run(Health(floor=-0.5), [*gan(-0.4, 0.3, 3), *gan(-0.4999, 0.5, 4), *gan(-0.4, 0.3, 3)])
    assert names(given) == [(250, "critic-floor"), (400, "-critic-floor")]


def test_untrained_gan_of_document_003_gives_alarm():
    """Its log: critic 1.3789 to 1.3818, the sum of two halves; generator 0.7061 to 0.7129; no trend: ln 2 each."""
    stream = np.random.default_rng(3)
    windows = [w for _ in range(20) for w in gan(stream.uniform(1.3789, 1.3818) / 2, stream.uniform(0.7061, 0.7129))]
    given = run(Health(floor=0.0), windows)
    assert names(given) == [(500, "critic-idle")]
    assert "since step 1" in given[0][1].message


@pytest.mark.parametrize(
    ("critic", "adversarial", "name"), [(0.3, 3.1, "critic-wins"), (4.0, 0.39, "network-wins"), (0.35, 3.1, None)]
)
def test_losses_out_of_balance_give_alarm(critic, adversarial, name):
    given = run(Health(floor=0.0), [*gan(critic, adversarial, 12), *gan(1.0, 1.0)])
    assert names(given) == ([(500, name), (650, f"-{name}")] if name else [])


def test_brief_imbalance_gives_none():
    assert run(Health(floor=0.0), [*gan(0.1, 3.0, 9), *gan(0.9, 1.2, 1)] * 5) == []


# Validation


def test_validation_below_the_blurred_pictures_is_said_once_per_streak():
    health = Health()
    given = validate(health, [25.0, 26.0, 26.2, 26.3, 26.4, 26.5, 26.6, 27.1, 26.9, 27.2])
    assert names(given) == [(5, "below-blurred"), (8, "-below-blurred")]
    assert "(26.40 dB, blurred 27.00 dB) since epoch 1" in given[0][1].message
    assert health.active == ()


def test_first_epochs_may_be_below_the_blurred_pictures():
    assert validate(Health(), [22.0, 25.0, 26.0, 26.9, 27.0, 27.5]) == []


def test_network_that_does_nothing_is_said():
    health = Health()
    given = validate(health, [27.0, 27.0], unchanged=True)
    assert names(given) == [(1, "unchanged")]
    assert health.active == ("unchanged",)
    (over,) = health.validated(3, 27.2, 27.0, False)
    assert (over.name, over.over) == ("unchanged", True)


def test_perfect_pictures_give_no_alarm():
    assert validate(Health(), [math.inf] * 8, blurred=math.inf) == []


# Healthy runs


@pytest.mark.parametrize("seed", range(5))
def test_healthy_training_gives_no_alarm(seed):
    """A loss that falls along a cosine, with the noise of batches and some hard ones; 1,500 windows."""
    stream = np.random.default_rng(seed)
    falling = 0.001 + 0.02 * np.exp(-np.arange(1500) / 40) + 0.002 * np.cos(np.linspace(0, math.pi, 1500)) ** 2
    noisy = falling * stream.lognormal(0, 0.3, 1500) * np.where(stream.random(1500) < 0.02, 2, 1)
    health = Health()
    assert run(health, losses(*noisy)) == []
    psnrs = 27.5 + 4 * (1 - np.exp(-np.arange(60) / 12)) + stream.normal(0, 0.4, 60)
    assert validate(health, psnrs) == []


@pytest.mark.parametrize("seed", range(5))
def test_healthy_gan_gives_no_alarm(seed):
    """Losses that circle round each other, as those of a critic and a network do."""
    stream = np.random.default_rng(seed)
    angle = np.linspace(0, 60, 800)
    critic = (0.9 + 0.4 * np.sin(angle)) * stream.lognormal(0, 0.1, 800)
    network = (1.5 + 0.9 * np.cos(angle)) * stream.lognormal(0, 0.1, 800)
    content = (0.05 + np.exp(-angle)) * stream.lognormal(0, 0.2, 800)
    windows = [w for c, n, p in zip(critic, network, content, strict=True) for w in gan(c, n, content=p)]
    assert run(Health(floor=0.0), windows) == []
    sigmoid = [w for s in -0.25 + 0.2 * np.sin(angle) for w in gan(s, -s)]
    assert run(Health(floor=-0.5), sigmoid) == []


# Resume


def test_alarms_of_a_resumed_run_are_the_same():
    """Stopped anywhere, its state through JSON, it says what the undisturbed one says."""
    stream = np.random.default_rng(7)
    windows = []
    for index in range(90):
        critic = -0.4999 if 20 <= index < 33 else -0.3
        content = 0.6 if index in (50, 51, 70) else 0.05 * stream.lognormal(0, 0.1)
        windows += gan(critic, 0.4, content=content)

    def tell(health, indices):
        said = []
        for index in indices:
            loss, terms = windows[index]
            said += health.steps(17 * (index + 1), loss, terms)
            if index % 9 == 8:
                epoch = (index + 1) // 9
                said += health.validated(epoch, 26.0 if epoch < 7 else 28.0, 27.0, epoch in (2, 3))
        return said

    whole = tell(Health(floor=-0.5), range(90))
    started = {alarm.name for alarm in whole if not alarm.over}
    assert started == {"critic-floor", "loss-spike", "below-blurred", "unchanged"}
    for stop in range(1, 90):
        first, second = Health(floor=-0.5), Health(floor=-0.5)
        said = tell(first, range(stop))
        second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
        assert second.active == first.active
        assert said + tell(second, range(stop, 90)) == whole


# The test split


@pytest.mark.parametrize("baseline", [cnn, unet])
@pytest.mark.parametrize(
    "setting",
    ["training.split=test", "training.val=test", "training.select=test", "split=test", "training.folds.split=test"],
)
def test_no_setting_selects_on_a_test_split(baseline, setting):
    with pytest.raises(RecipeError, match=r"split|val|select"):
        baseline.configure(None, [setting])


def test_parts_that_are_trained_and_selected_on_are_never_of_a_test_split(tiny):
    with pytest.raises(RunError, match="no train split"):
        training_parts(replace(tiny, splits={"test-g1.2": 2}), quiet=True)
    for folds in (None, Folds(count=3, fold=2)):
        parts = training_parts(tiny, folds, quiet=True)
        assert {record.split for part in parts for record in part} == {"train", "val"}
    without_val = training_parts(replace(tiny, splits={"train": 6, "test-g1.2": 3}), quiet=True)
    assert {record.split for part in without_val for record in part} == {"train"}
