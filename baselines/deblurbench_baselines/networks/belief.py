"""What is believed of the kernel of a blurred picture: probabilities over a bank."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

from deblurbench.blur.spectrum_model import BINS, ROUNDING, TEMPERING
from deblurbench_baselines.networks import cosine
from deblurbench_baselines.networks.gated import nothing
from deblurbench_baselines.networks.gaussian_bank import Candidates, line_transfers

_ROUNDING = ROUNDING / 255**2  # of planes in [0, 1]
_LEAST = _ROUNDING / 10  # power below which nothing is read: there a coefficient is the error of float32
OPINIONS = 3
"""Numbers in which a network says what it takes the kernel for: a sigma, how surely, and whether it is OpenCV's."""


class Belief(NamedTuple):
    """Log probabilities, N x M, of the candidates of a bank."""

    bank: Candidates
    log_probabilities: torch.Tensor

    @property
    def probabilities(self) -> torch.Tensor:
        """N x M. What is made of them teaches nobody: the belief has a lesson of its own."""
        return self.log_probabilities.detach().exp()

    @property
    def sigma(self) -> torch.Tensor:
        """The expected sigma, pixels, N x 1."""
        return (self.probabilities @ self.bank.sigmas)[:, None]

    @property
    def summary(self) -> torch.Tensor:
        """Expected sigma, the logarithm of its standard deviation and the share of OpenCV's kernels, N x 3."""
        sigma = self.sigma
        variance = self.probabilities @ self.bank.sigmas.square() - sigma.squeeze(1).square()
        share = self.probabilities @ self.bank.is_opencv.float()
        doubt = variance.clamp(min=1e-4).log() / 2 + 2
        return torch.cat([sigma - 1, doubt[:, None], share[:, None]], dim=1)


class Reader(nn.Module):
    """Weighs the evidence that the model of spectra finds, and adds what training has taught it."""

    def __init__(self) -> None:
        super().__init__()
        self.temper = nn.Parameter(torch.tensor(TEMPERING))
        self.opine = nn.Sequential(
            nn.Linear(3 * BINS**2 + 3, 96), nn.GELU(), nn.Linear(96, 64), nn.GELU(), nothing(nn.Linear(64, OPINIONS))
        )

    def forward(self, spectra: torch.Tensor, evidence: torch.Tensor, bank: Candidates) -> torch.Tensor:
        """The opinion, N x 3, from the spectra of three planes and the log evidence of the candidates."""
        first = self.believe(evidence, torch.zeros_like(evidence[:, :OPINIONS]), bank)
        opinion: torch.Tensor = self.opine(torch.cat([binned(spectra), first.summary], dim=1))
        return opinion

    def believe(self, evidence: torch.Tensor, opinion: torch.Tensor, bank: Candidates) -> Belief:
        """Both together. An opinion of zeros is a weak one."""
        sigma = 0.2 + 2.4 * torch.sigmoid(opinion[:, :1])
        surely = torch.exp(2 + 2 * opinion[:, 1:2].clamp(max=3.5))  # the inverse of a variance
        opencv = torch.where(bank.is_opencv, opinion[:, 2:3], -opinion[:, 2:3])
        likelihood = nn.functional.logsigmoid(opencv) - (bank.sigmas - sigma).square() * surely / 2
        return Belief(bank, torch.log_softmax(self.temper * evidence + likelihood, dim=1))


def binned(spectra: torch.Tensor) -> torch.Tensor:
    """The mean log power of 16 x 16 bins of each of three planes, about 0 +- 2: N x 768."""
    logs = (cosine.power(spectra) + _LEAST).log()
    height, width = spectra.shape[-2:]
    bins = averaging(height, spectra.device) @ logs @ averaging(width, spectra.device).T
    return ((bins - math.log(_ROUNDING)) / 2 - 1).flatten(1)


def averaging(size: int, device: torch.device) -> torch.Tensor:
    """16 x size: each row averages the frequencies of one bin, and one more on either side."""
    places = torch.arange(size, device=device)
    whole = torch.full_like(places, size)
    middles = 2 * torch.arange(BINS, device=device)[:, None] + 1
    # |place / (size - 1) - middle / 32| <= 1 / 32 + 1 / size, in whole numbers: no machine sees it another way.
    distance = (2 * BINS * places - middles * (whole - 1)).abs() * whole
    near = (distance <= (whole + 2 * BINS) * (whole - 1).clamp(min=1)).float()
    return near / near.sum(1, keepdim=True)


def likeliest(blur: torch.Tensor, sharp: torch.Tensor, bank: Candidates) -> torch.Tensor:
    """The candidate of the bank that explains each pair best, int64 N: the least sum of squared differences.

    Args:
        blur, sharp: N x 3 x H x W.
    """
    # Under the DCT-I: |Y - H X|^2 = |Y|^2 - 2 H X Y + H^2 X^2, and H is the product of two lines. In float64: what
    # tells candidates apart is a millionth of these sums.
    given, true = (cosine.cosine_transform(batch.mean(1, keepdim=True))[:, 0].double() for batch in (blur, sharp))
    down, across = (line_transfers(bank, cosine.frequencies(size, blur.device)).double() for size in blur.shape[2:])
    together = ((down @ (true * given)) * across).sum(2)
    alone = ((down.square() @ true.square()) * across.square()).sum(2)
    return (alone - 2 * together).argmin(1)
