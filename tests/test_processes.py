"""Two processes that train together do what one does alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes_kit import main
from safetensors.torch import load_file
from training_kit import TINY, WEIGHTS, metrics

from deblurbench_baselines.training.checkpoint import STATE

pytestmark = pytest.mark.usefixtures("one_thread", "no_curves")

# BatchNorm sees the crops of its own process alone on the CPU, so gradients are compared without.
MORE = [*TINY, "network.batch_norm=[]", "training.epochs=2", "training.batch=6", "training.losses={mse=1.0, l1=0.1}"]


def run_two(folder, out, *more):
    """The kit in two processes, as torchrun starts them; without it, whose agent takes long to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kit = Path(__file__).with_name("processes_kit.py")
    common = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen([sys.executable, str(kit), str(folder), str(out), *more], env=common | {"RANK": str(rank)})
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]


def test_two_processes_have_the_gradients_and_the_training_of_one(dataset, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    run_two(dataset.path, tmp_path / "two", *MORE)
    main(dataset.path, tmp_path / "one", *MORE)
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
    more = [*TINY, "training.epochs=1", "training.batch=11"]
    run_two(dataset.path, tmp_path, *more)
    assert len(metrics(tmp_path / "run")) == 1
