"""The training loop. Stopped after any step it goes on, and ends with the bits of an uninterrupted run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from deblurbench.progress import Progress
from deblurbench.runs.baseline import WEIGHTS
from deblurbench_baselines.data.feed import Batch, Feed
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.data.sampler import Crop, batches, epoch_crops
from deblurbench_baselines.inference.restorer import NetworkRestorer
from deblurbench_baselines.inference.weights import save_weights
from deblurbench_baselines.tensors import fixed_shapes
from deblurbench_baselines.training.checkpoint import (
    STATE,
    Started,
    State,
    random_streams,
    restore_random_streams,
    save_state,
)
from deblurbench_baselines.training.health import Alarm, Health
from deblurbench_baselines.training.history import Epoch
from deblurbench_baselines.training.learner import Learner
from deblurbench_baselines.training.meter import Meter
from deblurbench_baselines.training.processes import Processes
from deblurbench_baselines.training.report import Report
from deblurbench_baselines.training.schedule import best_epoch, finished, learning_rate
from deblurbench_baselines.training.stop import Stop
from deblurbench_baselines.training.sums import Sums
from deblurbench_baselines.training.task import Task
from deblurbench_baselines.training.validation import Validation, decibels, mean_squared_error, validate

_STEPS_BETWEEN_LOOKS = 50  # at the losses: looking at them makes a GPU wait
_SECONDS_BETWEEN_STATES = 60.0  # within an epoch: what a kill may cost


class Trainer:
    """One training: what learns, where its crops come from, what it is selected on, the run folder it writes into."""

    def __init__(
        self,
        task: Task,
        learner: Learner,
        feed: Feed,
        val: Sequence[Pair],
        run: Path,
        device: torch.device,
        report: Report,
        processes: Processes,
        stop: Stop,
    ) -> None:
        self._task, self._settings = task, task.training
        self._learner, self._feed, self._val = learner, feed, val
        self._run, self._device = run, device
        self._report, self._processes, self._stop = report, processes, stop
        self._blurred = math.fsum(mean_squared_error(pair.blur, pair.sharp) for pair in val) / len(val)
        self._health = Health(
            floor=learner.floor, learning_rate=task.training.learning_rate, precision=task.training.precision
        )
        self._started = Started()
        self._saved = time.monotonic()
        self.history: list[Epoch] = []

    @property
    def mses(self) -> list[float]:
        """The MSE on `val` of each finished epoch."""
        return [epoch.val_mse for epoch in self.history]

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return finished(self._settings, self.mses)

    @property
    def crops_per_epoch(self) -> int:
        """How many crops an epoch shows, over all processes."""
        return self._feed.pairs * self._settings.crops_per_pair

    @property
    def crops_done(self) -> int:
        """How many crops were shown so far."""
        return len(self.history) * self.crops_per_epoch + min(
            self._started.steps * self._settings.batch, self.crops_per_epoch
        )

    def resume(self, state: State | None) -> None:
        """Take up the state that an earlier call left, if there is one. A wrong one raises errors of many kinds."""
        if state is None:
            return
        if not 0 <= state.started.steps * self._settings.batch < self.crops_per_epoch:
            raise ValueError(f"an epoch has no {state.started.steps} steps")
        self._learner.restore(state.learner)
        self._health.restore(state.health)
        if self._processes.rank < len(state.random):
            restore_random_streams(state.random[self._processes.rank], self._device)
        self.history, self._started = list(state.history), state.started

    def epochs(self, bar: Progress) -> Iterator[Epoch]:
        """Train until finished or stopped, one epoch at a time; each is on disk when it is given."""
        while not self.finished:
            if not self._steps(bar):
                return
            yield self._end_epoch(bar)
            if self._processes.agree(self._stop.due):  # one that stopped alone would leave the others waiting
                return

    def _steps(self, bar: Progress) -> bool:
        """Show the rest of the epoch's crops; False where it was stopped before the end."""
        plan = list(batches(epoch_crops(self._settings, self._feed.pairs, len(self.history) + 1), self._settings.batch))
        first = self._started.steps
        own = self._started if self._processes.rank == 0 else Started()  # its sums are those of all processes
        sums = Sums(self._device, own.sums, self._started.looked)
        meter = Meter(crops=first * self._settings.batch, seconds=self._started.seconds, waited=self._started.waited)
        self._learner.train()
        # A process to which nothing falls takes a crop of another one, which counts for nothing: all have to meet in
        # SyncBatchNorm.
        shares = [self._processes.share(crops) or crops[:1] for crops in plan]
        with fixed_shapes(self._device), closing(self._feed.batches(shares[first:])) as stream:
            for step in range(first, len(plan)):
                self._step(step, plan, stream, sums, meter)
                last = step + 1 == len(plan)
                if last or (step + 1) % _STEPS_BETWEEN_LOOKS == 0:
                    self._look(step + 1, plan, sums)
                bar.figures(meter.note())
                if last:
                    meter.end()
                self._started = replace(self._started, steps=step + 1, seconds=meter.seconds, waited=meter.waited)
                bar.step(len(plan[step]))
                if not last and self._is_stopped(step, sums):
                    return False
        return True

    def _step(
        self,
        step: int,
        plan: Sequence[Sequence[Crop]],
        stream: Iterator[Batch],
        sums: Sums,
        meter: Meter,
    ) -> None:
        with meter.waiting():
            batch = next(stream)
        rate = learning_rate(self._settings, self.mses, step, len(plan))
        own = len(self._processes.share(plan[step]))
        terms = self._learner.step(batch, rate, own * self._processes.count / len(plan[step]))
        sums.add(terms, own)
        meter.step(len(plan[step]))
        self._rate = rate

    def _look(self, steps: int, plan: Sequence[Sequence[Crop]], sums: Sums) -> None:
        """Sum up what the steps since the last look have shown."""
        self._learner.even_out()
        values = sums.values(self._processes)
        looked = (steps - 1) // _STEPS_BETWEEN_LOOKS * _STEPS_BETWEEN_LOOKS
        means = sums.look(values, sum(len(crops) for crops in plan[looked:steps]))
        alarms = self._health.steps(len(self.history) * len(plan) + steps, means.pop("loss"), means)
        self._started = replace(self._started, sums=values, looked=sums.looked)
        self._say(alarms)

    def _is_stopped(self, step: int, sums: Sums) -> bool:
        """Whether training pauses after this step; it saves what a later call needs."""
        alone = self._processes.count == 1
        if not alone and (step + 1) % _STEPS_BETWEEN_LOOKS:
            return False  # to agree costs a message to all
        due = self._processes.agree(self._stop.due)
        old = time.monotonic() - self._saved >= _SECONDS_BETWEEN_STATES
        if due or self._processes.agree(old):
            self._started = replace(self._started, sums=sums.values(self._processes), looked=sums.looked)
            self._save()
        return due

    def _end_epoch(self, bar: Progress) -> Epoch:
        start = time.monotonic()
        restorer = NetworkRestorer(self._learner.restoring, self._device)
        seen = validate(self._val, restorer, self._processes)
        number = len(self.history) + 1
        blurred = decibels(self._blurred)
        self._say(self._health.validated(number, decibels(seen.mse), blurred, seen.unchanged))
        epoch = self._epoch(number, seen, time.monotonic() - start)
        self.history.append(epoch)
        self._started = Started()
        if self._processes.rank == 0 and best_epoch(self.mses) == number:
            save_weights(self._run / WEIGHTS, self._learner.restoring, self._task.metadata)
        self._report.epoch(self.history, self._val, restorer, last=self.finished or self._stop.due)
        self._save()  # last: killed before, the epoch's end is repeated and writes all of it again
        bar.note(f"epoch {number}: val {epoch.val_psnr:.2f} dB (blurred {blurred:.2f})")
        return epoch

    def _epoch(self, number: int, seen: Validation, seconds: float) -> Epoch:
        started = self._started
        means = {name: value / self.crops_per_epoch for name, value in started.sums.items()}
        return Epoch(
            epoch=number,
            crops=number * self.crops_per_epoch,
            train_loss=means.pop("loss"),
            terms=means,
            val_mse=seen.mse,
            val_mae=seen.mae,
            val_psnr=decibels(seen.mse),
            val_ssim=seen.ssim,
            blurred_psnr=decibels(self._blurred),
            learning_rate=self._rate,
            seconds=round(started.seconds + seconds, 3),
            crops_per_second=round(self.crops_per_epoch / max(started.seconds, 1e-9), 2),
            data_wait=round(started.waited / max(started.seconds, 1e-9), 4),
            alarms=started.alarms,
        )

    def _say(self, alarms: Sequence[Alarm]) -> None:
        for alarm in alarms:
            self._report.alarm(alarm)
        names = [alarm.name for alarm in alarms if not alarm.over]
        self._started = replace(self._started, alarms=(*self._started.alarms, *names))

    def _save(self) -> None:
        """Write the state; all processes take part."""
        random = self._processes.gather(random_streams(self._device))
        self._saved = time.monotonic()
        if self._processes.rank:
            return
        state = State(
            config=self._task.config,
            dataset_id=self._task.dataset_id,
            history=self.history,
            started=self._started,
            learner=self._learner.state(),
            health=self._health.state(),
            random=random,
        )
        save_state(self._run / STATE, state)
