"""Training that is interrupted at any moment ends with the bits of an undisturbed run."""

import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from training_kit import TINY, WEIGHTS, assert_same_run, metrics, train, train_until

from deblurbench.errors import RunError
from deblurbench.runs.baseline import Resources
from deblurbench.runs.record import METRICS
from deblurbench_baselines import gan, unet
from deblurbench_baselines.training import session, trainer
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.learner import Learner

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("stops", [(1,), (3,), (1, 1, 1)])
def test_interrupted_run_ends_with_the_same_bits(dataset, tmp_path, monkeypatch, stops):
    train(dataset, tmp_path / "whole")
    for epochs in stops:
        train_until(monkeypatch, epochs, dataset, tmp_path / "parts")
    assert len(metrics(tmp_path / "parts")) == sum(stops)
    train(dataset, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
def test_plateau_and_patience_survive_an_interruption(dataset, tmp_path, monkeypatch):
    more = [
        "training.learning_rate=1e-12",
        "training.schedule='plateau'",
        "training.plateau_patience=0",
        "training.early_stopping=3",
    ]
    train(dataset, tmp_path / "whole", *more)
    train_until(monkeypatch, 2, dataset, tmp_path / "parts", *more)
    train(dataset, tmp_path / "parts", *more)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("following", ["trainer.save_weights", "trainer.save_state", "report.Report.epoch"])
def test_interruption_between_two_files_changes_nothing(dataset, tmp_path, monkeypatch, following):
    """A kill just before `following` would write, in the last epoch, which is the best one."""
    more = ["training.epochs=2"]
    train(dataset, tmp_path / "whole", *more)
    train_until(monkeypatch, 1, dataset, tmp_path / "parts", *more)

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"deblurbench_baselines.training.{following}", killed)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path / "parts", *more)
    train(dataset, tmp_path / "parts", *more)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


ALL_AT_ONCE = [
    "training.ema=0.9",
    "training.clip=0.01",
    "training.accumulate=2",
    "training.optimiser='adamw'",
    "training.weight_decay=0.01",
    "training.schedule='linear'",
    "training.constant_epochs=1",
    "training.losses={l1=1.0, fft=0.1, ssim=0.5}",
]


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("more", [[], ALL_AT_ONCE, ["training.precision='float16'"]], ids=["plain", "all", "scaled"])
def test_run_that_is_stopped_after_every_step_ends_with_the_same_bits(dataset, tmp_path, monkeypatch, more):
    monkeypatch.setattr(trainer, "_STEPS_BETWEEN_LOOKS", 2)  # what they saw is part of the state, too
    train(dataset, tmp_path / "whole", *more)
    config = unet.configure("demo", [*TINY, *more])
    calls = 0
    while not unet.train(config, dataset, tmp_path / "parts", Resources(minutes=0, quiet=True)):
        calls += 1
        assert calls < 20
    assert calls == 11  # 4 epochs of 3 steps
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
def test_critic_is_continued_too(dataset, tmp_path):
    more = ["training.epochs=2", "training.batch=4", "training.crops_per_pair=2", "training.crop=24"]
    config = gan.configure("smoke", more)
    gan.train(config, dataset, tmp_path / "whole", Resources(quiet=True))
    while not gan.train(config, dataset, tmp_path / "parts", Resources(minutes=0, quiet=True)):
        pass
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_training_after_the_step_at_hand(dataset, tmp_path, monkeypatch, number):
    step = Learner.step

    def ask(self, *args):
        signal.raise_signal(number)
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", ask)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path / "parts")
    assert torch.load(tmp_path / "parts" / STATE, weights_only=True)["started"]["steps"] == 1
    train(dataset, tmp_path / "whole")
    train(dataset, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
def test_process_killed_at_three_moments_ends_with_the_same_bits(dataset, tmp_path):
    """In the first epoch, between two, and later; a state is written after each step."""
    run = tmp_path / "killed"
    more = ["training.epochs=20", "training.early_stopping=20", "training.crops_per_pair=8"]
    code = f"""
import torch; torch.set_num_threads(1)
from pathlib import Path
from deblurbench.dataset.reader import open_dataset
from deblurbench.runs.baseline import Resources
from deblurbench_baselines import gan, unet
from deblurbench_baselines.training import trainer
trainer._SECONDS_BETWEEN_STATES = 0
config = unet.configure("demo", {[*TINY, *more]!r})
unet.train(config, open_dataset(Path({str(dataset.path)!r})), Path({str(run)!r}), Resources())
"""

    def epochs():
        return len(metrics(run)) if (run / METRICS).exists() else 0

    seen = []
    for moment in ((run / STATE).exists, lambda: epochs() >= 2, lambda: epochs() >= 6):
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not moment():
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        seen.append(epochs())
    assert seen[0] <= seen[1] <= seen[2] < 20
    train(dataset, run, *more)
    train(dataset, tmp_path / "whole", *more)
    assert [row["epoch"] for row in metrics(run)] == [str(n) for n in range(1, 21)]
    assert_same_run(tmp_path / "whole", run)


def test_finished_run_is_left_alone(dataset, tmp_path, monkeypatch):
    train(dataset, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr(session, "training_parts", None)  # not even the pictures are read
    train(dataset, tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(RunError, match="is gone"):
        train(dataset, tmp_path)


@pytest.mark.usefixtures("no_curves")
def test_state_of_another_run_is_refused(dataset, tmp_path):
    train(dataset, tmp_path, "training.epochs=1")
    with pytest.raises(RunError, match="belongs to other settings"):
        train(dataset, tmp_path, "training.epochs=2")
    with pytest.raises(RunError, match="belongs to another dataset"):
        train(replace(dataset, id="f" * 64), tmp_path, "training.epochs=1")


class Hostile:
    """What a pickle could do."""

    def __reduce__(self):
        return print, ("code in a state file ran",)


@pytest.mark.parametrize("content", [b"", b"damaged", pickle.dumps(Hostile(), 2), pickle.dumps({"schema": 1}, 2)])
def test_damaged_state_is_refused_and_runs_no_code(dataset, tmp_path, content, capsys):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(RunError, match=r"state\.pt is damaged"):
        train(dataset, tmp_path)
    assert "ran" not in capsys.readouterr().out
