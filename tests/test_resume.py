"""Training that is interrupted at any moment ends with the bits of an undisturbed run."""

import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from training_kit import TINY, WEIGHTS, assert_same_run, metrics, train, train_until

from deblurbench.errors import RunError
from deblurbench_baselines.training import session
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.history import METRICS, write_metrics
from deblurbench_baselines.training.trainer import Trainer

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
@pytest.mark.parametrize("last", [WEIGHTS, STATE])
def test_interruption_between_two_files_changes_nothing(dataset, tmp_path, monkeypatch, last):
    """A kill just after `last` was written, in the second epoch."""
    train(dataset, tmp_path / "whole")
    train_until(monkeypatch, 1, dataset, tmp_path / "parts")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        name = "save_state" if last == WEIGHTS else "write_metrics"
        patch.setattr(f"deblurbench_baselines.training.trainer.{name}", killed)
        if last == STATE:  # taking up the state reports it; only the next report is interrupted
            patch.setattr(Trainer, "resume", _quiet_resume(Trainer.resume, patch, killed))
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path / "parts")
    train(dataset, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def _quiet_resume(resume, patch, killed):
    def wrapped(self, state):
        patch.setattr("deblurbench_baselines.training.trainer.write_metrics", write_metrics)
        resume(self, state)
        patch.setattr("deblurbench_baselines.training.trainer.write_metrics", killed)

    return wrapped


@pytest.mark.usefixtures("no_curves")
def test_killed_process_is_continued_bit_for_bit(dataset, tmp_path):
    more = ["training.epochs=20", "training.early_stopping=20"]
    code = f"""
import torch; torch.set_num_threads(1)
from pathlib import Path
from deblurbench.dataset.reader import open_dataset
from deblurbench_baselines import unet
config = unet.configure("demo", {[*TINY, *more]!r})
unet.train(config, open_dataset(Path({str(dataset.path)!r})), Path({str(tmp_path / "killed")!r}), device="cpu")
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (
            (tmp_path / "killed" / METRICS).exists() and len(metrics(tmp_path / "killed")) >= 3
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 3 <= len(metrics(tmp_path / "killed")) < 20
    train(dataset, tmp_path / "killed", *more)
    train(dataset, tmp_path / "whole", *more)
    assert [row["epoch"] for row in metrics(tmp_path / "killed")] == [str(n) for n in range(1, 21)]
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_finished_run_is_left_alone(dataset, tmp_path, monkeypatch):
    train(dataset, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr(session, "read_pairs", None)  # not even the pictures are read
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
