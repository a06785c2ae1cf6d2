"""What a run folder shows of its training: metrics, curves, samples, a summary of the layers, and a log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from torch import nn

from deblurbench.runs.baseline import Resources, Restorer
from deblurbench.runs.record import METRICS
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.training.curves import CURVES, draw_curves
from deblurbench_baselines.training.health import Alarm
from deblurbench_baselines.training.history import Epoch, write_metrics
from deblurbench_baselines.training.log import LOG, TrainingLog
from deblurbench_baselines.training.processes import Processes
from deblurbench_baselines.training.samples import SHOWN, Sample, write_samples
from deblurbench_baselines.training.schedule import best_epoch
from deblurbench_baselines.training.summary import SUMMARY, write_summary
from deblurbench_baselines.training.task import Task
from deblurbench_baselines.training.tensorboard import TENSORBOARD, TensorBoard

_SECONDS_BETWEEN_PICTURES = 5.0  # drawing them takes a good part of a short epoch


class Report:
    """Writes all these files, in the first process alone; in the others it does nothing."""

    def __init__(self, run: Path, task: Task, resources: Resources, processes: Processes) -> None:
        self._run, self._task, self._resources = run, task, resources
        self._first = processes.rank == 0
        self._processes = processes
        self._log = TrainingLog(run / LOG, quiet=resources.quiet)
        self._board: TensorBoard | None = None
        self._drawn = 0.0

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._first:
            with suppress(OSError):  # such as of a full disk: what ended the training is what counts
                self._log.write(f"ended by {type(error).__name__} {error}")
        if self._board is not None:
            self._board.close()

    def begin(self, networks: Mapping[str, nn.Module], history: Sequence[Epoch], crops: int) -> None:
        """Training starts, or goes on after the epochs of `history` and so many crops in all."""
        if not self._first:
            return
        settings = self._task.training
        if not (self._run / SUMMARY).is_file():
            write_summary(self._run / SUMMARY, networks, (settings.crop, settings.crop))
        how = f"on {self._resources.device}" + (f", {self._processes.count} processes" * (self._processes.count > 1))
        where = f"goes on after epoch {len(history)}, {crops} crops" if crops else "starts"
        self._log.write(
            f"{self._task.label} {where} {how}; settings {self._task.config[:12]}, dataset {self._task.dataset_id[:12]}"
        )
        if self._resources.tensorboard:
            self._board = TensorBoard(self._run / TENSORBOARD, history)
        if history:
            write_metrics(self._run / METRICS, history)  # a kill may have come between the state and its report

    def epoch(self, history: Sequence[Epoch], val: Sequence[Pair], restore: Restorer, *, last: bool) -> None:
        """The last epoch of `history` is finished; `last`: no other one follows."""
        if not self._first:
            return
        write_metrics(self._run / METRICS, history)
        newest = history[-1]
        self._log.write(
            f"epoch {newest.epoch}: loss {newest.train_loss:.6g}, val {newest.val_psnr:.3f} dB "
            f"(blurred {newest.blurred_psnr:.3f}), {newest.crops_per_second:.1f} crops/s, waits {newest.data_wait:.1%}"
        )
        if self._board is not None:
            self._board.epoch(newest)
        now = time.monotonic()
        if last or now - self._drawn >= _SECONDS_BETWEEN_PICTURES:
            self._draw(history, val, restore)
            self._drawn = now

    def alarm(self, alarm: Alarm) -> None:
        """Something is wrong, or over."""
        if self._first:
            self._log.say(f"{'over' if alarm.over else 'ALARM'}: {alarm.name}: {alarm.message}")

    def end(self, history: Sequence[Epoch], finished: bool) -> None:
        """Training is finished, or stops for now."""
        if not self._first:
            return
        if not history:
            self._log.say(f"{self._task.label}: stopped in its first epoch; the same command goes on")
            return
        best = history[_best(history) - 1]
        stopped = "" if finished else "stopped; the same command goes on; "
        self._log.say(
            f"{self._task.label}: {stopped}best on val in epoch {best.epoch} of {len(history)}: "
            f"{best.val_psnr:.2f} dB (blurred {best.blurred_psnr:.2f})"
        )

    def _draw(self, history: Sequence[Epoch], val: Sequence[Pair], restore: Restorer) -> None:
        draw_curves(self._run / CURVES, history, self._task.label)
        newest = history[-1]
        samples = [Sample(pair.name, pair.blur, restore(pair.blur), pair.sharp) for pair in val[:SHOWN]]
        title = f"{self._task.label}, epoch {newest.epoch}: {newest.val_psnr:.2f} dB on val"
        path = write_samples(self._run, newest.epoch, samples, title, best=_best(history))
        if self._board is not None:
            self._board.samples(newest.epoch, path)


def _best(history: Sequence[Epoch]) -> int:
    return best_epoch([epoch.val_mse for epoch in history])
