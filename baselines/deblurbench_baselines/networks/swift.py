"""swift: reads how a picture was blurred from its spectrum, inverts that, and repairs what the inverse cannot know."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.networks import cosine
from deblurbench_baselines.networks.gated import blocks_of, nothing
from deblurbench_baselines.networks.gaussian_bank import Candidates, candidates, line_transfers, transfers
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.swift import SwiftSettings

_BINS = 16  # of the spectrum, per axis
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])  # orthonormal
_ROUNDING = 1 / 12 / 255**2  # the variance of what rounding to 8 bits takes away
_LEAST = _ROUNDING / 10  # power below which nothing is read: there a coefficient is the error of float32
_CAUTIONS = (0.1, 1.0, 10.0)  # times the noise: sharp, right and smooth
_SHARP, _BLURRED = 0.42, 0.58  # sigma, pixels: below the first a picture is left as it is
_STATES = 9  # numbers that describe a blur: see `Reading`


class Reading(NamedTuple):
    """What is believed of a blurred picture: `raw`, float N x 9, and what follows from it."""

    raw: torch.Tensor

    @property
    def sigma(self) -> torch.Tensor:
        """The expected sigma, pixels, N x 1."""
        return 0.2 + 2.4 * torch.sigmoid(self.raw[:, :1])

    @property
    def doubt(self) -> torch.Tensor:
        """The standard deviation of that, pixels, N x 1."""
        return 0.02 + 0.2 * torch.sigmoid(self.raw[:, 1:2])

    @property
    def opencv(self) -> torch.Tensor:
        """The probability that OpenCV made the kernel, N x 1."""
        return torch.sigmoid(self.raw[:, 2:3])

    @property
    def blurred(self) -> torch.Tensor:
        """Whether it is blurred at all: 0 or 1, and between them in a narrow range of sigma, N x 1."""
        return ((self.sigma - _SHARP) / (_BLURRED - _SHARP)).clamp(0, 1)

    def log_probabilities(self, bank: Candidates) -> torch.Tensor:
        """Of the bank's candidates, N x M."""
        likelihood = -((bank.sigmas - self.sigma) / self.doubt).square() / 2
        family = torch.where(bank.is_opencv, self.opencv, 1 - self.opencv)
        return torch.log_softmax(likelihood + (family + 1e-4).log(), dim=1)

    def probabilities(self, bank: Candidates) -> torch.Tensor:
        """Of the bank's candidates, N x M; they sum to 1."""
        return self.log_probabilities(bank).exp()

    def noise_to_signal(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Noise over sharp power of the three planes, N x 3 x rows x columns."""
        square = rows.square()[:, None] + columns.square() + 1e-3
        bounded = 5 * torch.tanh(self.raw[:, 3:9, None, None] / 5)
        level, slope = bounded[:, :3], bounded[:, 3:]
        # Measured on photographs: log power of about 7.8 grey levels squared at 1 radian per sample, falling as f^-2.7.
        log_power = 7.8 - 2 * math.log(255) + level - (1.35 + 0.3 * slope) * square.log()
        return torch.exp(math.log(_ROUNDING) - log_power)


class Swift(nn.Module):
    """Two passes of a small U-shaped network, each over what a Wiener filter makes of the picture.

    A reader takes the sigma of the blur, how sure that is, and the picture's own spectrum from the blurred spectrum.
    The Wiener filter that is best under this belief gives three results: bold, right and cautious. The first network
    repairs them. Blurred again, its output shows where it contradicts the picture; that difference, filtered, and a
    second reading go into the second network.

    Both readings of the kernel are taught by themselves, see `lesson`; all else learns from the output.

    Source: ours. Wiener results as inputs of a network: measured in the project's own study. Consistency steps between
    networks: as in unrolled optimisation (USRNet, Zhang et al., CVPR 2020).
    """

    def __init__(self, settings: SwiftSettings) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.reader = nn.Sequential(
            nn.Linear(3 * _BINS**2, 96), nn.GELU(), nn.Linear(96, 64), nn.GELU(), nothing(nn.Linear(64, _STATES))
        )
        self.reread = nn.Sequential(nn.Linear(2 * width + _STATES, 48), nn.GELU(), nothing(nn.Linear(48, _STATES)))
        self._readings: tuple[Reading, ...] = ()
        self.first = Repair(3 * (1 + len(_CAUTIONS)), settings.width, settings.blocks)
        self.second = Repair(3 * 3, settings.width, settings.blocks, follows=True)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, near [0, 1]."""
        with torch.autocast(batch.device.type, enabled=False):
            planes = to_planes(batch.float())
            spectra = cosine.cosine_transform(planes)
            rows, columns = (cosine.frequencies(size, batch.device) for size in batch.shape[2:])
            read = Reading(self.reader(binned(spectra)))
            mean, square = self._transfer(read, rows, columns)
            noise = read.noise_to_signal(rows, columns)
            gains = torch.stack([mean / (square + caution * noise) for caution in _CAUTIONS], 1)
            inverse = cosine.inverse_cosine_transform((spectra[:, None] * gains).flatten(1, 2))
            right = inverse[:, 3:6]
        repaired, hidden, pooled = self.first(torch.cat([planes, inverse], 1), read.raw, None)
        with torch.autocast(batch.device.type, enabled=False):
            restored = right + repaired.float()
            again = Reading(read.raw + self.reread(torch.cat([pooled.float(), read.raw], 1)))
            if self.training:
                self._readings = read, again
            mean, square = self._transfer(again, rows, columns)
            gain = mean / (square + again.noise_to_signal(rows, columns))
            missing = spectra - mean[:, 0][:, None] * cosine.cosine_transform(restored)
            restored = restored + cosine.inverse_cosine_transform(missing * gain)
            wiener = cosine.inverse_cosine_transform(spectra * gain)
        repaired, _, _ = self.second(torch.cat([restored, wiener, planes], 1), again.raw, hidden)
        change = restored + repaired.float() - planes
        if not self.training:  # else a reading that is far too low would be the end of learning
            change = change * again.blurred[:, :, None, None]
        return batch + from_planes(change)

    def _transfer(self, read: Reading, rows: torch.Tensor, columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """E[H] and E[H^2], N x 1 x rows x columns. What the output owes to them teaches nobody: see `lesson`."""
        bank = candidates(rows.device)
        mean, square = transfers(bank, read.probabilities(bank).detach(), rows, columns)
        return mean[:, None], square[:, None]

    def lesson(self, blur: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
        """How surprising the true kernels are to the two readings that the last `forward` took in training, in nats.

        The true kernel is the candidate of the bank that turns the sharp picture into the blurred one: where both are
        known, no doubt is left. The better the belief, the more the filter that follows from it may dare.
        """
        with torch.autocast(blur.device.type, enabled=False):
            right = likeliest(blur.float(), sharp.float())
            bank = candidates(blur.device)
            surprises = [nn.functional.nll_loss(read.log_probabilities(bank), right) for read in self._readings]
        return torch.stack(surprises).sum()


def likeliest(blur: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
    """The candidate of the bank that explains each pair best, int64 N: the least sum of squared differences.

    Args:
        blur, sharp: N x 3 x H x W.
    """
    # Under the DCT-I: |Y - H X|^2 = |Y|^2 - 2 H X Y + H^2 X^2, and H is the product of two lines.
    given, true = (cosine.cosine_transform(batch.mean(1, keepdim=True))[:, 0] for batch in (blur, sharp))
    lines = [line_transfers(candidates(blur.device), cosine.frequencies(size, blur.device)) for size in blur.shape[2:]]
    down, across = lines
    together = ((down @ (true * given)) * across).sum(2)
    alone = ((down.square() @ true.square()) * across.square()).sum(2)
    return (alone - 2 * together).argmin(1)


def to_planes(batch: torch.Tensor) -> torch.Tensor:
    """Red, green and blue, N x 3 x H x W, as brightness and two opponent colours."""
    return torch.einsum("pc,nchw->nphw", _opponent(batch.device), batch)


def from_planes(planes: torch.Tensor) -> torch.Tensor:
    """The way back."""
    return torch.einsum("pc,nphw->nchw", _opponent(planes.device), planes)


def _opponent(device: torch.device) -> torch.Tensor:
    return torch.from_numpy(_OPPONENT.astype(np.float32)).to(device)


def binned(spectra: torch.Tensor) -> torch.Tensor:
    """The mean log power of 16 x 16 bins of each of three planes, about 0 +- 2: N x 768."""
    logs = (cosine.power(spectra) + _LEAST).log()
    height, width = spectra.shape[-2:]
    bins = _averaging(height, spectra.device) @ logs @ _averaging(width, spectra.device).T
    return ((bins - math.log(_ROUNDING)) / 2 - 1).flatten(1)


def _averaging(size: int, device: torch.device) -> torch.Tensor:
    """16 x size: each row averages the frequencies of one bin, and one more on either side."""
    places = torch.arange(size, device=device)
    whole = torch.full_like(places, size)
    middles = 2 * torch.arange(_BINS, device=device)[:, None] + 1
    # |place / (size - 1) - middle / 32| <= 1 / 32 + 1 / size, in whole numbers: no machine sees it another way.
    distance = (2 * _BINS * places - middles * (whole - 1)).abs() * whole
    near = (distance <= (whole + 2 * _BINS) * (whole - 1).clamp(min=1)).float()
    return near / near.sum(1, keepdim=True)


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
        self.state = nn.Linear(_STATES, width)
        self.follow = nn.Conv2d(width, width, kernel_size=1) if follows else None
        self.before = blocks_of(outer, width)
        self.down = nn.Conv2d(width, 2 * width, kernel_size=2, stride=2)
        self.inner = blocks_of(inner, 2 * width)
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, kernel_size=1, bias=False), nn.PixelShuffle(2))
        self.after = blocks_of(outer, width)
        self.leave = nothing(nn.Conv2d(width, 12, kernel_size=3, padding=1))

    def forward(
        self, planes: torch.Tensor, state: torch.Tensor, earlier: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The correction N x 3 x H x W, features for a later pass, and means of features, N x 2 width."""
        height, width = planes.shape[2:]
        padded = pad_to(planes, next_multiple(height, 4), next_multiple(width, 4))
        hidden = self.enter(functional.pixel_unshuffle(padded, 2)) + self.state(state)[:, :, None, None]
        if self.follow is not None and earlier is not None:
            hidden = hidden + self.follow(earlier)
        hidden = self.before(hidden)
        deep = self.inner(self.down(hidden))
        hidden = self.after(hidden + self.up(deep))
        correction = functional.pixel_shuffle(self.leave(hidden), 2)[:, :, :height, :width]
        return correction, hidden, deep.mean((2, 3))
