"""Alarms: what is said when a training goes wrong, while it can still be stopped.

    not finite        ends the training
    loss-spike        a loss is 5 times its recent median; the MSE on `val` too
    critic-floor      the critic's loss is within 0.001 of its lowest value for 100 steps: it is saturated
    critic-wins       critic's loss < 0.1 x the network's adversarial loss for 500 steps (`bce`)
    network-wins      the other way round
    critic-idle       both losses are those of a critic that guesses, for 500 steps (`bce`)
    below-blurred     five validations running, the restored pictures are worse than the blurred ones
    unchanged         the network gives back its input

Each is said when it starts and when it is over, not while it lasts. The rules are chosen to be silent in a healthy run:
the network's losses fluctuate, a critic's oscillate. There is no rule for the ratio of the Wasserstein losses: they
have no scale of their own.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from deblurbench.errors import RunError
from deblurbench_baselines.losses.settings import LossName

CRITIC, ADVERSARIAL = "critic", "adversarial"
"""Names of two terms: the critic's loss, and the network's loss against the critic."""

_SPIKE = 5.0  # times the median
_SPIKE_OVER = 2.5
_WINDOW = 25  # steps: means over fewer are too noisy to judge, and are put together
_RECENT = 10  # windows, or validations, that the median is of
_ENOUGH_WINDOWS, _ENOUGH_VALIDATIONS = 5, 2  # before there is a median
_AT_FLOOR = 1e-3
_STEPS_AT_FLOOR = 100
_IMBALANCE = 0.1
_STEPS_OUT_OF_BALANCE = 500
# Both losses are ln 2 for a critic that says 1/2 to everything (the critic's is the mean of its two halves; document
# 003 prints their sum). Relative tolerances: its log deviates by 0.5 % and 2.9 %.
_GUESSING = {CRITIC: 0.01, ADVERSARIAL: 0.04}
_VALIDATIONS_BELOW = 5  # a network that does not start as the identity needs some epochs


@dataclass(frozen=True)
class Alarm:
    """Something that is wrong, or that is over.

    Attributes:
        name: one of those above.
        message: what happened, since when, what to do.
        over: it is wrong no longer.
    """

    name: str
    message: str
    over: bool = False


@dataclass
class _Watch:
    """One alarm: for how long its condition has held, in steps or epochs, and whether it was said."""

    since: int | None = None
    said: bool = False


class Health:
    """Watches one training. What it says follows from what it is told, so a resumed run gives the same alarms.

    Args:
        floor: the lowest value of the critic's loss: -0.5 for `wgan-sigmoid`, 0 for `bce`; None: there is none.
        learning_rate, precision: of the training, for the advice.
    """

    def __init__(
        self, *, floor: float | None = None, learning_rate: float | None = None, precision: str = "float32"
    ) -> None:
        self._floor, self._rate, self._precision = floor, learning_rate, precision
        self._step, self._epoch = 0, 0
        self._pending_steps, self._pending = 0, dict[str, float]()  # sums over steps of a window that is too short
        self._recent = dict[str, list[float]]()
        self._watches = dict[str, _Watch]()

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the alarms that are on, sorted."""
        return tuple(sorted({_public(name) for name, watch in self._watches.items() if watch.said}))

    def steps(self, step: int, loss: float, terms: Mapping[str, float]) -> list[Alarm]:
        """Look at the steps since the last call.

        Args:
            step: steps done so far, over all epochs.
            loss: its mean over the steps since the last call.
            terms: the same of each term before weighting, and of the critic (`CRITIC`, `ADVERSARIAL`), by name.

        Raises: RunError where one of them is not finite.
        """
        self._check_finite({"loss": loss, **terms})
        count, self._step = step - self._step, step
        if count <= 0:
            return []
        self._pending_steps += count
        for name, value in {"loss": loss, **terms}.items():
            self._pending[name] = self._pending.get(name, 0.0) + value * count
        if self._pending_steps < _WINDOW:
            return []
        means = {name: total / self._pending_steps for name, total in self._pending.items()}
        start = step - self._pending_steps
        self._pending_steps, self._pending = 0, {}
        return [*self._spikes(start, means), *self._critic(start, means)]

    def validated(self, epoch: int, psnr: float, blurred_psnr: float, unchanged: bool) -> list[Alarm]:
        """Look at a validation.

        Args:
            epoch: counted from 1; it is finished.
            psnr, blurred_psnr: pooled over `val`, dB, restored and blurred.
            unchanged: all restored pictures equal their blurred ones.
        """
        self._epoch = epoch
        spike = self._spike("val", "the MSE on val", 10 ** (-psnr / 10), epoch - 1, _ENOUGH_VALIDATIONS, "epoch")
        below = self._lasting(
            "below-blurred",
            psnr < blurred_psnr,
            epoch - 1,
            epoch,
            _VALIDATIONS_BELOW,
            f"the restored val pictures are worse than the blurred ones ({psnr:.2f} dB, blurred {blurred_psnr:.2f} dB) "
            "since epoch {since}: so far this network does harm. Train longer, or check learning rate and loss; for a "
            "network that cannot give back its input (such as `cnn`, with its constant frame) it may stay so",
            "the restored val pictures are no longer worse than the blurred ones",
        )
        same = self._lasting(
            "unchanged",
            unchanged,
            epoch - 1,
            epoch,
            1,
            "all restored val pictures equal their blurred ones since epoch {since}: the network does nothing. "
            "Raise the learning rate, and check that the dataset is blurred",
            "the restored val pictures differ from the blurred ones",
        )
        return [*spike, *below, *same]

    def state(self) -> dict[str, Any]:
        """All that the next alarms depend on, as plain JSON values."""
        return {
            "step": self._step,
            "epoch": self._epoch,
            "pending_steps": self._pending_steps,
            "pending": dict(self._pending),
            "recent": {name: list(values) for name, values in self._recent.items()},
            "watches": {name: asdict(watch) for name, watch in self._watches.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave. Raises KeyError or TypeError where it is something else."""
        self._step, self._epoch = state["step"], state["epoch"]
        self._pending_steps, self._pending = state["pending_steps"], dict(state["pending"])
        self._recent = {name: list(values) for name, values in state["recent"].items()}
        self._watches = {name: _Watch(**values) for name, values in state["watches"].items()}

    def _check_finite(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if math.isfinite(value):
                continue
            rate = "LOWER" if self._rate is None else f"{self._rate / 10:g}"
            advice = f"train anew with a lower rate: --overwrite --set training.learning_rate={rate}"
            if self._precision == "float16":
                advice += ", or with the wider range of bfloat16: --set training.precision=bfloat16"
            what = "the loss" if name == "loss" else f"the loss {name}"
            raise RunError(f"{what} became {value} in epoch {self._epoch + 1}", advice)

    def _spikes(self, start: int, means: Mapping[str, float]) -> list[Alarm]:
        # The sum with an adversarial term has no scale: a Wasserstein loss passes through zero. Its other terms have.
        watched = ["loss"] if ADVERSARIAL not in means else [name for name in get_args(LossName) if name in means]
        alarms = []
        for name in watched:
            what = "the training loss" if name == "loss" else f"the training loss {name}"
            alarms += self._spike(name, what, means[name], start, _ENOUGH_WINDOWS, "step")
        return alarms

    def _spike(self, name: str, what: str, value: float, start: int, enough: int, unit: str) -> list[Alarm]:
        recent = self._recent.setdefault(name, [])
        watch = self._watches.setdefault(f"loss-spike:{name}", _Watch())
        # A loss of a negative value (of a log) has no ratio; the MSE on val stands in for it.
        median = statistics.median(recent) if len(recent) >= enough else 0.0
        high = median > 0 and value >= (_SPIKE_OVER if watch.said else _SPIKE) * median
        if not high:  # a spike is not what later ones are measured by
            self._recent[name] = [*recent, value][-_RECENT:]
        return self._lasting(
            f"loss-spike:{name}",
            high,
            start,
            start,
            0,
            f"{what} rose to {value:.3g}, {value / median if median else 0:.1f} times its recent median of "
            f"{median:.3g}, at {unit} {{since}}: if it does not fall again, train anew with a lower learning rate, or "
            "with clipped gradients (--set training.clip=1)",
            f"{what} is back at {value:.3g}",
        )

    def _critic(self, start: int, means: Mapping[str, float]) -> list[Alarm]:
        if CRITIC not in means or self._floor is None:
            return []
        alarms = self._lasting(
            "critic-floor",
            means[CRITIC] <= self._floor + _AT_FLOOR,
            start,
            self._step,
            _STEPS_AT_FLOOR,
            f"the critic's loss of {means[CRITIC]:.12g} is at its floor of {self._floor:g} since step {{since}}: it is "
            "saturated, not converged, and teaches the network nothing. Use --set adversarial.kind=wgan-gp, or a lower "
            "adversarial.learning_rate",
            f"the critic's loss has left its floor ({means[CRITIC]:.4g})",
        )
        if self._floor == 0 and ADVERSARIAL in means:
            alarms += self._balance(start, means[CRITIC], means[ADVERSARIAL])
        return alarms

    def _balance(self, start: int, critic: float, network: float) -> list[Alarm]:
        """The rules for `bce`, of which both losses are positive."""
        losses = f"the critic's loss is {critic:.4g}, the network's against it {network:.4g}, so since step {{since}}"
        guessing = all(
            abs(value / math.log(2) - 1) <= _GUESSING[name]
            for name, value in ((CRITIC, critic), (ADVERSARIAL, network))
        )
        keys = "adversarial.learning_rate or adversarial.critic_steps"
        wins = f"{losses}: it tells restored from sharp crops with ease. Lower {keys}"
        fooled = f"{losses}: it is fooled by nearly everything. Raise {keys}"
        idle = (
            f"{losses}: what a critic that only guesses gives (ln 2 both), as before any training. Unless the "
            "validation says that all is well, raise adversarial.learning_rate"
        )
        rules = (
            ("critic-wins", critic < _IMBALANCE * network, wins),
            ("network-wins", network < _IMBALANCE * critic, fooled),
            ("critic-idle", guessing, idle),
        )
        alarms = []
        for name, holds, message in rules:
            over = f"the critic's loss is {critic:.4g}, the network's against it {network:.4g}: {name} is over"
            alarms += self._lasting(name, holds, start, self._step, _STEPS_OUT_OF_BALANCE, message, over)
        return alarms

    def _lasting(
        self, name: str, holds: bool, start: int, now: int, enough: int, message: str, over: str
    ) -> list[Alarm]:
        """Say `message` once when a condition has held for `enough` steps or epochs, and `over` once when it ends.

        What is judged lies after `start`, up to and with `now`; `{since}` in the message is the first of it.
        """
        watch = self._watches.setdefault(name, _Watch())
        if not holds:
            was_said, watch.since, watch.said = watch.said, None, False
            return [Alarm(_public(name), over, over=True)] if was_said else []
        if watch.since is None:
            watch.since = start
        if watch.said or now - watch.since < enough:
            return []
        watch.said = True
        return [Alarm(_public(name), message.format(since=watch.since + 1))]


def _public(name: str) -> str:
    return name.partition(":")[0]
