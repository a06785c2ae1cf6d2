"""The learning rate and the end of training, as functions of what `val` has shown so far.

Nothing here keeps state: the list of the MSEs on `val`, one per finished epoch, says all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from deblurbench_baselines.training.settings import TrainingSettings

_THRESHOLD = 1e-4  # an MSE counts as lower for the plateau if it is by this part of itself: torch's default


def learning_rate(settings: TrainingSettings, mses: Sequence[float], step: int, steps: int) -> float:
    """The rate of step `step` (from 0) of the epoch after those of `mses`, of `steps` steps each."""
    done = len(mses) * steps + step
    if settings.schedule == "plateau":
        lowered = settings.learning_rate * settings.plateau_factor ** plateaus(mses, settings.plateau_patience)
        rate = max(lowered, settings.learning_rate_floor)
    else:
        floor = settings.learning_rate_floor
        rate = floor + (settings.learning_rate - floor) * _height(settings, done, steps)
    return rate * min(1.0, (done + 1) / (settings.warm_up + 1))


def _height(settings: TrainingSettings, done: int, steps: int) -> float:
    """How high between its floor and its highest the rate stands after `done` steps, 0 .. 1."""
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "cosine":
        return (1 + math.cos(math.pi * done / (settings.epochs * steps))) / 2
    flat = settings.constant_epochs * steps
    return 1 - max(0, done - flat) / (settings.epochs * steps - flat)


def plateaus(mses: Sequence[float], patience: int) -> int:
    """How many plateaus there were: each time more than `patience` epochs in a row brought no lower MSE."""
    best, waited, count = math.inf, 0, 0
    for mse in mses:
        if mse < best * (1 - _THRESHOLD):
            best, waited = mse, 0
        else:
            waited += 1
        if waited > patience:
            waited, count = 0, count + 1
    return count


def best_epoch(mses: Sequence[float]) -> int:
    """The epoch (from 1) with the lowest MSE, the first of equals; 0 where there was none yet."""
    return 1 + min(range(len(mses)), key=lambda i: mses[i]) if mses else 0


def finished(settings: TrainingSettings, mses: Sequence[float]) -> bool:
    """Whether all epochs are done, or the last `early_stopping` of them brought nothing better."""
    if len(mses) >= settings.epochs:
        return True
    return settings.early_stopping is not None and len(mses) - best_epoch(mses) >= settings.early_stopping
