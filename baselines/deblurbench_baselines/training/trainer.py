"""The training loop. Killed after any epoch it goes on, and ends with the bits of an uninterrupted run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from deblurbench.errors import RunError
from deblurbench.progress import Progress
from deblurbench.runs.baseline import WEIGHTS
from deblurbench_baselines.inference.restorer import NetworkRestorer
from deblurbench_baselines.inference.weights import save_weights
from deblurbench_baselines.tensors import place, to_batch
from deblurbench_baselines.training.checkpoint import (
    STATE,
    State,
    random_state,
    restore_random_state,
    save_state,
)
from deblurbench_baselines.training.history import CURVES, METRICS, Epoch, draw_curves, write_metrics
from deblurbench_baselines.training.optimisation import loss_function, make_optimiser, set_learning_rate
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.data.sampler import Crop, batches, cut, epoch_crops
from deblurbench_baselines.training.schedule import best_epoch, finished, learning_rate
from deblurbench_baselines.training.task import Task
from deblurbench_baselines.training.validation import decibels, mean_squared_error, validation_mse

_STEPS_BETWEEN_CHECKS = 50  # of the loss: looking at it makes a GPU wait
_SECONDS_BETWEEN_CURVES = 5.0  # drawing them takes a good part of a short epoch


class Trainer:
    """One network, its training and validation pairs, and the run folder that it writes into.

    The network is initialised from torch's random stream as it stands.
    """

    def __init__(self, task: Task, train: Sequence[Pair], val: Sequence[Pair], run: Path, device: torch.device) -> None:
        self._task, self._settings = task, task.training
        self._train, self._val = train, val
        self._run, self._device = run, device
        self._network = place(task.network.build(), device)
        self._optimiser = make_optimiser(self._settings, self._network)
        self._loss = loss_function(self._settings)
        self._blurred = math.fsum(mean_squared_error(pair.blur, pair.sharp) for pair in val) / len(val)
        self._drawn = -math.inf
        self.history: list[Epoch] = []

    @property
    def mses(self) -> list[float]:
        """The MSE on `val` of each finished epoch."""
        return [epoch.val_mse for epoch in self.history]

    def resume(self, state: State | None) -> None:
        """Take up the state that an earlier call left, if there is one."""
        if state is None:
            return
        self._network.load_state_dict(state.network)
        self._optimiser.load_state_dict(dict(state.optimiser))
        restore_random_state(state.random, self._device)
        self.history = list(state.history)
        self._report()  # a kill may have come between the state and its report

    def epochs(self, bar: Progress) -> Iterator[Epoch]:
        """Train until finished, one epoch at a time; each is on disk when it is given."""
        while not finished(self._settings, self.mses):
            yield self._epoch(bar)

    def _epoch(self, bar: Progress) -> Epoch:
        start = time.monotonic()
        number = len(self.history) + 1
        crops = epoch_crops(self._settings, [pair.size for pair in self._train], number)
        loss = self._steps(crops, number, bar)
        trained = time.monotonic()
        mse = validation_mse(self._val, NetworkRestorer(self._network, self._device))
        epoch = Epoch(
            epoch=number,
            train_loss=loss,
            val_mse=mse,
            val_psnr=decibels(mse),
            blurred_psnr=decibels(self._blurred),
            learning_rate=self._optimiser.param_groups[0]["lr"],
            seconds=round(time.monotonic() - start, 3),
            crops_per_second=round(len(crops) / max(trained - start, 1e-9), 2),
        )
        self.history.append(epoch)
        self._save()
        bar.note(f"epoch {number}: val {epoch.val_psnr:.2f} dB (blurred {epoch.blurred_psnr:.2f})")
        return epoch

    def _steps(self, crops: Sequence[Crop], number: int, bar: Progress) -> float:
        """Show all crops once; returns the mean loss per crop."""
        self._network.train()
        steps = math.ceil(len(crops) / self._settings.batch)
        mses = self.mses
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for step, batch in enumerate(batches(crops, self._settings.batch)):
            set_learning_rate(self._optimiser, learning_rate(self._settings, mses, step, steps))
            total += self._step(batch) * len(batch)
            if step % _STEPS_BETWEEN_CHECKS == 0 or step == steps - 1:
                self._check(float(total), number)
            bar.step(len(batch))
        return float(total) / len(crops)

    def _step(self, crops: Sequence[Crop]) -> torch.Tensor:
        side = self._settings.crop
        blur = to_batch([cut(self._train[crop.pair].blur, crop, side) for crop in crops], self._device)
        sharp = to_batch([cut(self._train[crop.pair].sharp, crop, side) for crop in crops], self._device)
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self._network(blur), sharp)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.detach()

    def _check(self, loss: float, number: int) -> None:
        if not math.isfinite(loss):
            raise RunError(
                f"the loss became {loss} in epoch {number}",
                f"train anew with a lower rate: --overwrite --set training.learning_rate="
                f"{self._settings.learning_rate / 10:g}",
            )

    def _save(self) -> None:
        # The state comes after the weights: killed in between, the epoch is repeated and writes them again.
        if best_epoch(self.mses) == len(self.history):
            save_weights(self._run / WEIGHTS, self._network, self._task.metadata)
        state = State(
            config=self._task.config,
            dataset_id=self._task.dataset_id,
            history=self.history,
            network=self._network.state_dict(),
            optimiser=self._optimiser.state_dict(),
            random=random_state(self._device),
        )
        save_state(self._run / STATE, state)
        self._report()

    def _report(self) -> None:
        write_metrics(self._run / METRICS, self.history)
        now = time.monotonic()
        if now - self._drawn >= _SECONDS_BETWEEN_CURVES or finished(self._settings, self.mses):
            draw_curves(self._run / CURVES, self.history, self._task.label)
            self._drawn = now
