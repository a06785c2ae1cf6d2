"""From a dataset folder to weights: what `Baseline.train` does for a network."""

from __future__ import annotations

from pathlib import Path

import torch

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError
from deblurbench.progress import progress, say
from deblurbench.runs.baseline import WEIGHTS
from deblurbench_baselines.tensors import torch_device
from deblurbench_baselines.training.checkpoint import STATE, load_state
from deblurbench_baselines.data.pairs import read_pairs
from deblurbench_baselines.data.sampler import check_sizes
from deblurbench_baselines.training.schedule import best_epoch, finished
from deblurbench_baselines.training.task import Task
from deblurbench_baselines.training.trainer import Trainer


def train(task: Task, dataset: Dataset, run: Path, *, device: str, quiet: bool = False) -> None:
    """Train until finished, continuing what is in `run`; a finished run is left as it is.

    torch's random streams and thread settings are left as the caller has them.

    Raises: RunError where `run` belongs to other settings or another dataset, or the loss diverges.
    """
    where = torch_device(device)
    state = load_state(run / STATE, task.config, task.dataset_id)
    if state is not None and finished(task.training, state.mses):
        _check_weights(run)
        return
    train_pairs = read_pairs(dataset, "train", quiet=quiet)
    val_pairs = read_pairs(dataset, "val", quiet=quiet)
    check_sizes(task.training, train_pairs)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(task.training.seed)
        trainer = Trainer(task, train_pairs, val_pairs, run, where)
        trainer.resume(state)
        _run(trainer, task, len(train_pairs) * task.training.crops_per_pair, quiet)
    best = trainer.history[best_epoch(trainer.mses) - 1]
    say(
        f"{task.label}: best on val in epoch {best.epoch} of {len(trainer.history)}: "
        f"{best.val_psnr:.2f} dB (blurred {best.blurred_psnr:.2f})",
        quiet=quiet,
    )


def _check_weights(run: Path) -> None:
    if not (run / WEIGHTS).is_file():
        raise RunError(f"{run} is finished, but its {WEIGHTS} is gone", "train it anew with --overwrite")


def _run(trainer: Trainer, task: Task, crops: int, quiet: bool) -> None:
    done = crops * len(trainer.history)
    with progress(f"train {task.label}", crops * task.training.epochs, "crops", quiet=quiet, done=done) as bar:
        for _ in trainer.epochs(bar):
            pass
