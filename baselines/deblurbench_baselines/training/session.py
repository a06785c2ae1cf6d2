"""From a dataset folder to weights: what `Baseline.train` does for a network."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import torch

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RunError, UsageError
from deblurbench.progress import progress
from deblurbench.runs.baseline import WEIGHTS, Resources
from deblurbench_baselines.data.feeds import open_feed
from deblurbench_baselines.data.pairs import read_pairs, spread, training_parts
from deblurbench_baselines.failures import explained
from deblurbench_baselines.free_memory import free_bytes
from deblurbench_baselines.losses.combined import Losses
from deblurbench_baselines.losses.perceptual import make_perceptual
from deblurbench_baselines.networks.count import trainable_parameters
from deblurbench_baselines.networks.shapes import shaped
from deblurbench_baselines.tensors import torch_device
from deblurbench_baselines.training.checkpoint import STATE, checked, load_state
from deblurbench_baselines.training.learner import Learner, make_learner
from deblurbench_baselines.training.processes import Processes, join
from deblurbench_baselines.training.report import Report
from deblurbench_baselines.training.schedule import finished
from deblurbench_baselines.training.stop import Stop
from deblurbench_baselines.training.task import Task
from deblurbench_baselines.training.trainer import Trainer

_MOST_CROPS = 10_000_000  # of an epoch: they take 2 GB
_BYTES = 16  # per parameter: its value, its gradient and Adam's two means


def train(task: Task, dataset: Dataset, run: Path, resources: Resources) -> bool:
    """Train until finished, continuing what is in `run`; a finished run is left as it is.

    torch's random streams and thread settings are left as the caller has them.

    Returns: whether it is finished; False where its time was up.

    Raises:
        RunError: `run` belongs to other settings or another dataset, the loss diverges, or memory does not suffice.
        KeyboardInterrupt: it was asked to stop; all up to the last step is kept.
    """
    stop = Stop(resources.minutes)
    device = torch_device(resources.device)
    processes = join(device)  # before anything is read: the first process joins when the run folder is ready
    state = load_state(run / STATE, task.config, task.dataset_id)
    if len(set(processes.gather(None if state is None else (len(state.history), state.started.steps)))) > 1:
        raise RunError(f"the processes do not see the same {run / STATE}", "give all machines one folder for --out")
    if state is not None and finished(task.training, state.mses):
        if not (run / WEIGHTS).is_file():
            raise RunError(f"{run} is finished, but its {WEIGHTS} is gone", "train it anew with --overwrite")
        return True
    losses = _losses(task, resources)  # a wrong file of features is said before pictures are read
    parts = training_parts(dataset, task.training.folds, quiet=resources.quiet)
    _check_epoch(len(parts.train) * task.training.crops_per_pair)
    val = read_pairs(dataset, spread(parts.val, task.training.val_pairs), "val", quiet=resources.quiet)
    with (
        explained("use a smaller training.batch or training.crop, or training.accumulate; or --feed loader"),
        closing(open_feed(dataset, parts.train, task.training, resources, device)) as feed,
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        Report(run, task, resources, processes) as report,
        stop.on_signals(),
    ):
        learner = _learner(task, losses, device, processes)
        trainer = Trainer(task, learner, feed, val, run, device, report, processes, stop)
        with checked(run / STATE):
            trainer.resume(state)
        report.begin(learner.networks, trainer.history, trainer.crops_done)
        total = trainer.crops_per_epoch * task.training.epochs
        quiet = resources.quiet or processes.rank > 0
        with progress(f"train {task.label}", total, "crops", quiet=quiet, done=trainer.crops_done) as bar:
            for _ in trainer.epochs(bar):
                pass
        report.end(trainer.history, trainer.finished)
    if stop.interrupted and not trainer.finished:
        raise KeyboardInterrupt
    return trainer.finished


def _losses(task: Task, resources: Resources) -> Losses:
    """The losses of the settings, on the CPU. No random stream is moved."""
    settings, perceptual = task.training, None
    if settings.perceptual is not None:
        perceptual = make_perceptual(settings.perceptual, resources.features, settings.seed)
    return Losses(settings.losses, perceptual)


def _learner(task: Task, losses: Losses, device: torch.device, processes: Processes) -> Learner:
    """What learns, initialised from the seed: equal in all processes, which then draw apart."""
    settings = task.training
    _check_size(task, device)
    torch.manual_seed(settings.seed)
    learner = make_learner(task, losses, device, processes)
    if processes.rank:
        torch.manual_seed((settings.seed + (processes.rank << 40)) % (1 << 63))
    return learner


def _check_epoch(crops: int) -> None:
    """Raise UsageError for an epoch of so many crops that their places alone fill the memory."""
    if crops > _MOST_CROPS:
        raise UsageError(f"an epoch of {crops:,} crops is too long", "use fewer training.crops_per_pair, more epochs")


def _check_size(task: Task, device: torch.device) -> None:
    """Raise RunError where what learns does not fit into the device's memory, before the system ends this process."""
    networks = [shaped(task.network.build)]
    if task.critic is not None:
        networks.append(shaped(partial(task.critic.build, task.training.crop)))
    needed, free = _BYTES * sum(map(trainable_parameters, networks)), free_bytes(device)
    if needed > free:
        what = f"training takes {needed / 1e9:.0f} GB for this network, and {free / 1e9:.0f} GB of {device} are free"
        raise RunError(what, "choose a smaller network")
