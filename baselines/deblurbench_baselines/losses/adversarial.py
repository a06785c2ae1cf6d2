"""Adversarial losses: what a critic and the network that it judges minimise, each on a batch.

Critics give raw scores of crops, float N x 1 or N x 1 x h x w (patches, whose mean is a crop's score): the higher, the
sharper they take them to be. Sigmoids are applied here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from deblurbench_baselines.losses.settings import AdversarialSettings

Terms = dict[str, torch.Tensor]


class AdversarialLoss(ABC):
    """One kind of adversarial loss.

    Attributes:
        floor: the lowest value that the critic's loss can take: there it is saturated and teaches no more; None: none.
    """

    floor: float | None = None

    def critic(self, critic: nn.Module, restored: torch.Tensor, sharp: torch.Tensor) -> tuple[torch.Tensor, Terms]:
        """The critic's loss on a batch, float32 0-d, and what it is made of.

        No gradient reaches the network that restored. Terms, detached: `critic`, the loss; `critic_real` and
        `critic_fake`, the mean judgement of sharp and of restored crops: raw scores of `wgan-gp`, else the
        probabilities of being sharp; `wgan-gp` has `penalty` too, without its weight.
        """
        real, fake = critic(sharp.detach().float()).float(), critic(restored.detach().float()).float()
        loss, judged = self._critic_loss(real, fake), {"real": self._judgement(real), "fake": self._judgement(fake)}
        terms = {"critic": loss.detach(), **{f"critic_{name}": value.detach() for name, value in judged.items()}}
        return loss, terms

    def network(self, critic: nn.Module, restored: torch.Tensor) -> torch.Tensor:
        """The restoring network's term on a batch, float32 0-d, without its weight.

        Gradients flow through the critic to the restored crops; its own parameters get none.
        """
        with frozen(critic):
            return self._network_loss(critic(restored.float()).float())

    @abstractmethod
    def _critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _network_loss(self, fake: torch.Tensor) -> torch.Tensor: ...

    def _judgement(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.sigmoid().mean()


class WassersteinPenalty(AdversarialLoss):
    """WGAN-GP (Gulrajani et al., 2017): the difference of mean scores; a two-sided penalty on the critic's slope."""

    def __init__(self, weight: float) -> None:
        self._weight = weight

    def critic(self, critic: nn.Module, restored: torch.Tensor, sharp: torch.Tensor) -> tuple[torch.Tensor, Terms]:
        """As `AdversarialLoss.critic`, with the penalty."""
        loss, terms = super().critic(critic, restored, sharp)
        penalty = gradient_penalty(critic, restored, sharp)
        loss = loss + self._weight * penalty
        return loss, {**terms, "critic": loss.detach(), "penalty": penalty.detach()}

    def _critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return fake.mean() - real.mean()

    def _network_loss(self, fake: torch.Tensor) -> torch.Tensor:
        return -fake.mean()

    def _judgement(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.mean()


class WassersteinSigmoid(AdversarialLoss):
    """The founders' of document 002: Wasserstein labels on a sigmoid, halved, and no penalty.

    Their critic's sigmoid is that of the blur; it is 1 minus ours, so all values are as theirs. Perfect separation
    gives -0.5, where their log stands still.
    """

    floor = -0.5

    def _critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (fake.sigmoid().mean() - real.sigmoid().mean()) / 2

    def _network_loss(self, fake: torch.Tensor) -> torch.Tensor:
        return (-fake).sigmoid().mean()


class CrossEntropy(AdversarialLoss):
    """Binary cross-entropy (Goodfellow et al., 2014, with the non-saturating loss of the network): document 003's.

    The critic's loss is the mean of its two halves, ln 2 where it knows nothing; the document prints their sum.
    """

    floor = 0.0

    def _critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (_entropy(real, sharp=True) + _entropy(fake, sharp=False)) / 2

    def _network_loss(self, fake: torch.Tensor) -> torch.Tensor:
        return _entropy(fake, sharp=True)


def make_adversarial(settings: AdversarialSettings) -> AdversarialLoss:
    """The loss of that kind. `weight`, `critic_steps` and the optimiser's settings are the trainer's."""
    if settings.kind == "wgan-gp":
        return WassersteinPenalty(settings.gradient_penalty)
    return WassersteinSigmoid() if settings.kind == "wgan-sigmoid" else CrossEntropy()


def gradient_penalty(critic: nn.Module, restored: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
    """The mean of (|gradient of a crop's score by its pixels| - 1)^2, between each restored and its sharp crop.

    Where in between is drawn for each sample from torch's global stream of the crops' device. Always float32: autocast
    is off here, since gradients of gradients in half precision are noise. Differentiable by the critic's parameters.
    """
    with torch.autocast(restored.device.type, enabled=False):
        restored, sharp = restored.detach().float(), sharp.detach().float()
        place = torch.rand(len(sharp), 1, 1, 1, device=sharp.device)
        between = torch.lerp(sharp, restored, place).requires_grad_()
        scores = critic(between).flatten(1).mean(1)
        (slopes,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
        return (torch.linalg.vector_norm(slopes.flatten(1), dim=1) - 1).square().mean()


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """No parameter of the module gets a gradient from what is computed inside; after it, all is as before."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _entropy(scores: torch.Tensor, *, sharp: bool) -> torch.Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, float(sharp)))
