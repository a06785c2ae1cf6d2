"""What learns: a network alone, or one against a critic. One step of either is one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import nn

from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.losses.adversarial import make_adversarial
from deblurbench_baselines.losses.combined import Losses
from deblurbench_baselines.tensors import place
from deblurbench_baselines.training.optimisation import MovingAverage, Optimiser, autocast
from deblurbench_baselines.training.processes import Processes
from deblurbench_baselines.training.task import Task

Terms = dict[str, torch.Tensor]
"""Parts of a loss by name, 0-d, detached; `loss` is what was minimised."""


class Learner:
    """A network that is trained alone, by losses of its output.

    Attributes:
        network: in training.
        floor: the lowest value that the critic's loss can take; None where there is no such bound, or no critic.
    """

    floor: float | None = None

    def __init__(self, task: Task, losses: Losses, device: torch.device, processes: Processes) -> None:
        self._settings, self._device, self._processes = task.training, device, processes
        network = task.network.build()
        if processes.count > 1 and device.type == "cuda":  # not of a critic: it has no second derivative
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        self.network = self._placed(network)
        self._losses = losses.to(device)
        self._optimiser = Optimiser(task.training, self.network, device, processes)
        self._average = None if task.training.ema is None else MovingAverage(self.network, task.training.ema)
        self._forward = self._compiled(self.network)
        # What a network wants to learn besides: a function of the blurred and the sharp batch, after `forward`.
        self._lesson = getattr(self.network, "lesson", None)

    @property
    def restoring(self) -> nn.Module:
        """The network that restores pictures: the moving average where there is one."""
        return self.network if self._average is None else self._average.network

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All that learns, by what it is called."""
        return {"network": self.network}

    def train(self) -> None:
        """Put all that learns into its training mode."""
        self.network.train()

    def step(self, batch: Batch, rate: float, share: float) -> Terms:
        """Learn from one batch with a learning rate; returns the means of its terms.

        `share`: what its mean counts for among all processes: 1 where their shares are equal, 0 for a batch that
        another process has, too.
        """
        terms: Terms = {}
        for (blur, sharp), part in self._pieces(batch):
            with autocast(self._settings, self._device):
                output = self._forward(blur)
            loss, of = self._objective(output, sharp)
            if self._lesson is not None:
                lesson = self._lesson(blur, sharp)
                loss, of["lesson"] = loss + lesson, lesson.detach()
            self._optimiser.backward(loss * (part * share))
            for name, value in {"loss": loss.detach(), **of}.items():
                terms[name] = terms.get(name, 0.0) + value * part
        self._finish(rate)
        return terms

    def _pieces(self, batch: Batch) -> Iterator[tuple[Batch, float]]:
        """The pieces of a batch with what each counts for; as many in all processes, which meet in SyncBatchNorm."""
        batch, count = self._in_order(batch), self._settings.accumulate
        for blur, sharp in zip(batch.blur.tensor_split(count), batch.sharp.tensor_split(count), strict=True):
            part = len(blur) / len(batch.blur)
            if part or self._processes.count > 1:
                yield Batch(blur, sharp) if part else Batch(batch.blur[:1], batch.sharp[:1]), part

    def _in_order(self, batch: Batch) -> Batch:
        """The batch in the order of memory that the settings say: feeds give channels-last."""
        return batch if self._settings.channels_last else Batch(batch.blur.contiguous(), batch.sharp.contiguous())

    def _objective(self, output: torch.Tensor, sharp: torch.Tensor) -> tuple[torch.Tensor, Terms]:
        return cast(tuple[torch.Tensor, Terms], self._losses(output, sharp))

    def _finish(self, rate: float) -> None:
        self._optimiser.step(rate)
        if self._average is not None:
            self._average.update()

    def even_out(self) -> None:
        """Make running statistics equal in all processes: those of the first one alone are saved."""
        self._processes.average_statistics(self.network)
        if self._average is not None:
            self._processes.average_statistics(self._average.network)

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        average = None if self._average is None else self._average.state()
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state(), "average": average}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        self.network.load_state_dict(state["network"])
        self._optimiser.restore(state["optimiser"])
        if self._average is not None:
            self._average.restore(state["average"])

    def _placed(self, network: nn.Module) -> nn.Module:
        return place(network, self._device) if self._settings.channels_last else network.to(self._device)

    def _compiled(self, network: nn.Module) -> nn.Module:
        if self._settings.compile == "no":
            return network
        mode = None if self._settings.compile == "default" else self._settings.compile
        # Left to itself, it would go over to a slower graph for any size after the smaller last batch of an epoch; a
        # resumed run would do so at another time, and end with other bits.
        return cast(nn.Module, torch.compile(network, mode=mode, dynamic=False))


class AdversarialLearner(Learner):
    """A network and a critic that learn against each other; the critic's steps come first, on the same batch."""

    def __init__(self, task: Task, losses: Losses, device: torch.device, processes: Processes) -> None:
        if task.critic is None or task.adversarial is None:
            raise ValueError("there is no critic")
        super().__init__(task, losses, device, processes)
        self.critic = self._placed(task.critic.build(task.training.crop))
        self._adversarial, self._how = make_adversarial(task.adversarial), task.adversarial
        self._critics = Optimiser(task.training, self.critic, device, processes, betas=task.adversarial.betas)
        self.floor = self._adversarial.floor

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The network and its critic."""
        return {**super().networks, "critic": self.critic}

    def train(self) -> None:
        """Put both into their training mode."""
        super().train()
        self.critic.train()

    def step(self, batch: Batch, rate: float, share: float) -> Terms:
        """Learn from one batch with the network's learning rate; the critic's follows the same schedule."""
        critics_rate = rate / self._settings.learning_rate * self._how.learning_rate
        batch = self._in_order(batch)
        with autocast(self._settings, self._device):
            output = self._forward(batch.blur)
        terms = self._teach_critic(output.detach(), batch.sharp, critics_rate, share)
        loss, of = self._objective(output, batch.sharp)
        with autocast(self._settings, self._device):
            adversarial = self._adversarial.network(self.critic, output)
        loss = loss + self._how.weight * adversarial
        self._optimiser.backward(loss * share)
        self._finish(rate)
        return {"loss": loss.detach(), **of, "adversarial": adversarial.detach(), **terms}

    def _teach_critic(self, restored: torch.Tensor, sharp: torch.Tensor, rate: float, share: float) -> Terms:
        """The terms of the last of the critic's steps."""
        terms: Terms = {}
        for _ in range(self._how.critic_steps):
            with autocast(self._settings, self._device):
                loss, terms = self._adversarial.critic(self.critic, restored, sharp)
            self._critics.backward(loss * share)
            self._critics.step(rate)
        return terms

    def even_out(self) -> None:
        """Make running statistics equal in all processes: those of the first one alone are saved."""
        super().even_out()
        self._processes.average_statistics(self.critic)

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {**super().state(), "critic": self.critic.state_dict(), "critics": self._critics.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        super().restore(state)
        self.critic.load_state_dict(state["critic"])
        self._critics.restore(state["critics"])


def make_learner(task: Task, losses: Losses, device: torch.device, processes: Processes) -> Learner:
    """What the task asks for, freshly initialised from torch's random stream."""
    kind = Learner if task.critic is None else AdversarialLearner
    return kind(task, losses, device, processes)
