"""Two processes that train together do what one does alone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes_kit import CPU, main
from safetensors.torch import load_file
from training_kit import TINY, WEIGHTS, assert_equal, metrics, settings, train

from deblurbench.errors import RunError
from deblurbench_baselines import unet
from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.losses.combined import Losses
from deblurbench_baselines.training import session
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.learner import Learner
from deblurbench_baselines.training.processes import Processes
from deblurbench_baselines.training.task import Task

pytestmark = pytest.mark.usefixtures("one_thread", "no_curves")

# BatchNorm sees the crops of its own process alone on the CPU, so gradients are compared without. A batch of 5 falls
# into shares of 3 and 2, those into pieces of 2 and 1.
MORE = [
    *TINY,
    "network.batch_norm=[]",
    "training.epochs=2",
    "training.batch=5",
    "training.accumulate=2",
    "training.losses={mse=1.0, l1=0.1}",
]


def run_two(what, folder, out, *more):
    """The kit in two processes, as torchrun starts them; without it, whose agent takes long to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kit = Path(__file__).with_name("processes_kit.py")
    common = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(kit), what, str(folder), str(out), *more], env=common | {"RANK": str(rank)}
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]


def test_two_processes_have_the_gradients_and_the_training_of_one(dataset, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    run_two("train", dataset.path, tmp_path / "two", *MORE)
    main("train", dataset.path, tmp_path / "one", *MORE)
    alone = load_file(tmp_path / "one" / "gradients-0.safetensors")
    both = [load_file(tmp_path / "two" / f"gradients-{rank}.safetensors") for rank in range(2)]
    largest = max(float(gradient.abs().max()) for gradient in alone.values())
    assert largest > 0
    for name, gradient in alone.items():
        assert torch.equal(both[0][name], both[1][name])
        assert float((gradient - both[0][name]).abs().max()) <= 1e-6 * largest
    weights = [load_file(tmp_path / name / "run" / WEIGHTS) for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)
    for row, other in zip(metrics(tmp_path / "one" / "run"), metrics(tmp_path / "two" / "run"), strict=True):
        assert float(other["train_loss"]) == pytest.approx(float(row["train_loss"]), rel=1e-4)
        assert float(other["val_mse"]) == pytest.approx(float(row["val_mse"]), rel=1e-3)
    state = torch.load(tmp_path / "two" / "run" / STATE, weights_only=True)
    assert len(state["random"]) == 2
    assert not torch.equal(state["random"][0]["cpu"], state["random"][1]["cpu"])


def test_a_batch_may_leave_a_process_without_crops(dataset, tmp_path):
    """4 pairs of 3 crops in batches of 11: to the last batch of one crop the second process adds nothing."""
    more = [*TINY, "network.batch_norm=[]", "training.epochs=1", "training.batch=11", "training.precision=float16"]
    run_two("train", dataset.path, tmp_path, *more)
    train(dataset, tmp_path / "alone", *more[len(TINY) :])
    (row,), (other,) = metrics(tmp_path / "run"), metrics(tmp_path / "alone")
    assert float(row["train_loss"]) == pytest.approx(float(other["train_loss"]), rel=1e-3)


def test_all_processes_meet_for_as_many_pieces():
    """Fewer would leave the others waiting in SyncBatchNorm."""
    config = unet.configure("demo", [*TINY, "training.accumulate=3"])
    task = Task(config.network, config.training, None, None, "", "", "", {})
    for count, parts in ((1, [0.5, 0.5]), (2, [0.5, 0.5, 0])):
        learner = Learner(task, Losses(settings().losses), CPU, Processes(0, count))
        pieces = list(learner._pieces(Batch(torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16))))
        assert [part for _, part in pieces] == parts
        assert {len(piece.blur) for piece, _ in pieces} == {1}


def test_processes_that_are_stopped_end_with_the_same_bits(dataset, tmp_path):
    """With running statistics, which each process has of its own crops. One alone is asked to stop, and all do."""
    run_two("stop", dataset.path, tmp_path, *TINY, "training.epochs=2", "training.ema=0.9")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["calls"] == 4
    first, second = found["statistics"]
    assert first == second
    assert len(first) == 8  # twice two epochs of two looks
    whole, parts = (torch.load(tmp_path / name / STATE, weights_only=True) for name in ("whole", "parts"))
    for key in ("learner", "random"):
        assert_equal(whole[key], parts[key])
    assert (tmp_path / "whole" / WEIGHTS).read_bytes() == (tmp_path / "parts" / WEIGHTS).read_bytes()


def test_machines_without_a_common_folder_are_refused(dataset, tmp_path, monkeypatch):
    """Each would go on from another state."""
    train(dataset, tmp_path, "training.epochs=1")
    monkeypatch.setattr(Processes, "gather", lambda self, value: [value, None])
    monkeypatch.setattr(session, "join", lambda device: Processes(0, 2))
    with pytest.raises(RunError, match=r"do not see the same .*one folder"):
        train(dataset, tmp_path, "training.epochs=1")
