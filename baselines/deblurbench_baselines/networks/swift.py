"""swift: reads how a picture was blurred from its spectrum, inverts that, and repairs what the inverse cannot know."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.classical.light import OPPONENT
from deblurbench_baselines.networks import cosine, spectrum
from deblurbench_baselines.networks.belief import OPINIONS, Belief, Reader, likeliest
from deblurbench_baselines.networks.gated import blocks_of, nothing
from deblurbench_baselines.networks.gaussian_bank import candidates, transfers
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.swift import SwiftSettings

_BOLD, _CAUTIOUS = 0.1, 10.0  # times the noise
_SEEN = [0, 1, 2, 0, 0]  # which plane each result of the first filter is of: bold and cautious ones of brightness alone
_SHARP, _BLURRED = 0.56, 0.68  # sigma, pixels: below the first a picture is left as it is
_MAGNIFIED = 16  # changes are a few levels of 255: made as large as the other numbers in the network
_STATE = 3 + 3 * 8  # numbers that steer a pass: the belief's summary, and the spectra of three planes


class Wiener(NamedTuple):
    """The filter that is best under a belief.

    Attributes:
        transfer: E[H], N x 1 x H x W.
        square: E[H^2].
        noise: noise over sharp power of each plane, N x 3 x H x W.
        state: N x 27, what steers the networks.
    """

    transfer: torch.Tensor
    square: torch.Tensor
    noise: torch.Tensor
    state: torch.Tensor

    def gain(self, caution: float = 1.0, planes: int = 3) -> torch.Tensor:
        """The filter of the first planes, N x planes x H x W. Noise counts `caution` times."""
        return self.transfer / (self.square + caution * self.noise[:, :planes])


class Swift(nn.Module):
    """Two passes of a small U-shaped network, each over what a Wiener filter makes of the picture.

    A reader says how probable each kernel of a bank is, from the picture's spectrum. The Wiener filter that is best
    under this belief gives three results: bold, right and cautious. The first network repairs them. Blurred again, its
    output shows where it contradicts the picture; that difference, filtered, goes into the second network, with a
    Wiener result under a second belief, in which counts what the first network has seen, too. Before training a
    picture that is blurred comes out as the baseline `wiener` restores it.

    The beliefs are taught by themselves, see `lesson`; all else learns from the output.

    Source: ours. Wiener results as inputs of a network: measured in the project's own study. Consistency steps between
    networks: as in unrolled optimisation (USRNet, Zhang et al., CVPR 2020).
    """

    def __init__(self, settings: SwiftSettings) -> None:
        super().__init__()
        self.settings = settings
        self.reader = Reader()
        width = settings.width
        self.reread = nn.Sequential(nn.Linear(2 * width + _STATE, 48), nn.GELU(), nothing(nn.Linear(48, OPINIONS)))
        self.first = Repair(3 + len(_SEEN), width, settings.blocks)
        self.second = Repair(3 * 3, width, settings.blocks, follows=True)
        self._beliefs: tuple[Belief, ...] = ()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, near [0, 1]."""
        with torch.autocast(batch.device.type, enabled=False):
            planes = to_planes(batch.float())
            spectra = cosine.cosine_transform(planes)
            bins, bank = spectrum.Bins(spectra), candidates(batch.device)
            evidence = spectrum.evidence(bins, bank)
            opinion = self.reader(spectra, evidence, bank)
            belief = self.reader.believe(evidence, opinion, bank)
            frequencies = spectrum.Frequencies(batch.shape[2:], batch.device)
            wiener = _wiener(belief, bins, frequencies)
            gains = [wiener.gain(), wiener.gain(_BOLD, 1), wiener.gain(_CAUTIOUS, 1)]
            inverse = cosine.inverse_cosine_transform(spectra[:, _SEEN] * torch.cat(gains, 1))
            changes = inverse - planes[:, _SEEN]
        repaired, hidden, pooled = self.first(planes, changes, wiener.state, None)
        with torch.autocast(batch.device.type, enabled=False):
            restored = inverse[:, :3] + repaired
            opinion = opinion + self.reread(torch.cat([pooled, wiener.state], 1))
            again = self.reader.believe(evidence, opinion, bank)
            wiener = _wiener(again, bins, frequencies)
            missing = spectra - wiener.transfer * cosine.cosine_transform(restored)
            correction = cosine.inverse_cosine_transform(missing * wiener.gain())
            changes = torch.cat([restored - planes, correction], 1)
        repaired, _, _ = self.second(planes, changes, wiener.state, hidden)
        change = restored + repaired - planes
        if self.training:
            self._beliefs = belief, again
        else:  # in training a belief that is far too low would be the end of learning
            change = change * ((again.sigma - _SHARP) / (_BLURRED - _SHARP)).clamp(0, 1)[:, :, None, None]
        return batch + from_planes(change)

    def lesson(self, blur: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
        """How surprising the true kernels are to the two beliefs of the last `forward` in training, in nats.

        The true kernel is the candidate that turns the sharp picture into the blurred one: where both are known, no
        doubt is left. The better the belief, the more the filter that follows from it may dare.
        """
        with torch.autocast(blur.device.type, enabled=False):
            right = likeliest(blur.float(), sharp.float(), self._beliefs[0].bank)
            surprises = [functional.nll_loss(belief.log_probabilities, right) for belief in self._beliefs]
        return torch.stack(surprises).sum()


def _wiener(belief: Belief, bins: spectrum.Bins, frequencies: spectrum.Frequencies) -> Wiener:
    parameters = spectrum.fitted(bins, belief.bank, belief.probabilities)
    mean, square = transfers(belief.bank, belief.probabilities, frequencies.rows, frequencies.columns)
    noise = spectrum.noise_to_signal(parameters, frequencies)
    state = torch.cat([belief.summary, spectrum.standardised(parameters).flatten(1)], 1)
    return Wiener(mean[:, None], square[:, None], noise, state)


def to_planes(batch: torch.Tensor) -> torch.Tensor:
    """Red, green and blue, N x 3 x H x W, as brightness and two opponent colours."""
    return torch.einsum("pc,nchw->nphw", _opponent(batch.device), batch)


def from_planes(planes: torch.Tensor) -> torch.Tensor:
    """The way back."""
    return torch.einsum("pc,nphw->nchw", _opponent(planes.device), planes)


def _opponent(device: torch.device) -> torch.Tensor:
    return torch.from_numpy(OPPONENT.astype(np.float32)).to(device)


class Repair(nn.Module):
    """A U of two levels at a half and a quarter of the resolution, steered by the belief about the blur.

    Args:
        inputs: planes that it sees.
        width: channels at half resolution; twice as many at a quarter.
        blocks: at half resolution (as many on the way down as on the way up), and at a quarter.
        follows: whether it takes the features of an earlier pass.
    """

    def __init__(self, inputs: int, width: int, blocks: tuple[int, int], follows: bool = False) -> None:
        super().__init__()
        outer, inner = blocks
        self.enter = nn.Conv2d(4 * inputs, width, kernel_size=3, padding=1)
        self.state = nn.Linear(_STATE, width)
        self.follow = nn.Conv2d(width, width, kernel_size=1) if follows else None
        self.before = blocks_of(outer, width)
        self.down = nn.Conv2d(width, 2 * width, kernel_size=2, stride=2)
        self.inner = blocks_of(inner, 2 * width)
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, kernel_size=1, bias=False), nn.PixelShuffle(2))
        self.after = blocks_of(outer, width)
        self.leave = nothing(nn.Conv2d(width, 12, kernel_size=3, padding=1))

    def forward(
        self, planes: torch.Tensor, changes: torch.Tensor, state: torch.Tensor, earlier: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The correction, float32 N x 3 x H x W, features for a later pass, and means of features, N x 2 width.

        Args:
            planes: of the blurred picture.
            changes: what others make of it, less the planes. Small numbers, which bfloat16 holds more finely.
            state: N x 27.
            earlier: the features of an earlier pass.
        """
        height, width = planes.shape[2:]
        seen = torch.cat([planes, _MAGNIFIED * changes], 1)
        padded = pad_to(seen, next_multiple(height, 4), next_multiple(width, 4))
        hidden = self.enter(functional.pixel_unshuffle(padded, 2)) + self.state(state)[:, :, None, None]
        if self.follow is not None and earlier is not None:
            hidden = hidden + self.follow(earlier)
        hidden = self.before(hidden)
        deep = self.inner(self.down(hidden))
        hidden = self.after(hidden + self.up(deep))
        correction = functional.pixel_shuffle(self.leave(hidden), 2)[:, :, :height, :width].float() / _MAGNIFIED
        return correction, hidden, deep.mean((2, 3)).float()
