"""The power spectrum that a picture had before it was blurred, fitted as `deblurbench.blur.estimate` fits it: batched.

A photograph's power falls smoothly with frequency; the blur multiplies it by H^2, and rounding adds a floor. The
parameters of both are found from the mean log power of 16 x 16 bins, maximum a posteriori, by Gauss-Newton steps.
Nothing of it is trained, and no gradient goes through it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from deblurbench.blur import spectrum_model as model
from deblurbench_baselines.networks import cosine
from deblurbench_baselines.networks.gaussian_bank import Candidates, line_transfers, transfers

_STEPS = 6
_ANY_LEVEL = 4.0  # standard deviation of a plane's level: colour is fainter than brightness, by a factor that varies
_STRIDE = 1.5  # at most so far a parameter moves in a step
_LEAST_GAIN = 1e-12


class _Model(NamedTuple):
    """Features of the bins, 256 x 8; mean and standard deviation of the prior, 8; the lattice, 48."""

    features: torch.Tensor
    mean: torch.Tensor
    sd: torch.Tensor
    lattice: torch.Tensor


class Bins:
    """The mean log power of the bins of each plane, and what it is worth.

    Attributes:
        logs: N x P x 256, of grey levels squared, as if coefficients had no spread.
        weights: 256, the inverse of their variance; 0 of bins with few coefficients.

    Args:
        spectra: of `cosine_transform`, N x P x H x W, of planes in [0, 1].
    """

    def __init__(self, spectra: torch.Tensor) -> None:
        height, width = spectra.shape[-2:]
        rows, columns = (_placed(size, spectra.device) for size in (height, width))
        down, across = (cosine.frequencies(size, spectra.device) for size in (height, width))
        used = (down[:, None].square() + across.square() > model.LOWEST**2) & (down > 0)[:, None] & (across > 0)
        logs = torch.where(used, (cosine.power(spectra) * 255**2 + model.FLOOR).log(), 0.0)
        count = (rows @ used.float() @ columns.T).flatten().clamp(min=1)
        self.logs = (rows @ logs @ columns.T).flatten(-2) / count - model.LOG_CHI2_MEAN
        variance = model.LOG_CHI2_VARIANCE / count + model.MISFIT**2
        self.weights = (count >= model.ENOUGH).float() / variance


def _placed(size: int, device: torch.device) -> torch.Tensor:
    """16 x size: 1 where a frequency belongs to a bin."""
    places = torch.arange(size, device=device)
    last = (torch.full_like(places, size) - 1).clamp(min=1)
    index = (places * model.BINS // last).clamp(max=model.BINS - 1)
    return (index == torch.arange(model.BINS, device=device)[:, None]).float()


@torch.no_grad()
def evidence(bins: Bins, bank: Candidates) -> torch.Tensor:
    """The log evidence of each candidate, N x M, up to a constant: what the first plane says of the kernel."""
    known = _tensors(bins.logs.device)
    lines = line_transfers(bank, known.lattice).square()
    gains = _pooled(lines[:, :, None] * lines[:, None, :])
    observed = bins.logs[:, :1]
    parameters, volume = _fit(observed, bins.weights, gains, known)
    misfit = (bins.weights * (observed - _expected(parameters, gains, known.features)[1]).square()).sum(-1)
    strangeness = ((parameters - known.mean) / known.sd).square().sum(-1)
    return -(misfit + strangeness + volume) / 2


@torch.no_grad()
def fitted(bins: Bins, bank: Candidates, probabilities: torch.Tensor) -> torch.Tensor:
    """The parameters of each plane's spectrum, N x P x 8, where the kernel is one of a bank with `probabilities`."""
    known = _tensors(bins.logs.device)
    gains = _pooled(transfers(bank, probabilities, known.lattice, known.lattice)[1])[:, None]
    sd = torch.cat([torch.full_like(known.sd[:1], _ANY_LEVEL), known.sd[1:]])
    return _fit(bins.logs, bins.weights, gains, known._replace(sd=sd))[0]


def standardised(parameters: torch.Tensor) -> torch.Tensor:
    """Parameters as distances from what is usual, in standard deviations of the prior."""
    known = _tensors(parameters.device)
    return (parameters - known.mean) / known.sd


class Frequencies:
    """The angular frequencies of a picture's coefficients, and what log power is linear in there.

    Attributes:
        rows, columns: of the two axes, radians per sample.
        features: 6 x H W.
        still: H x W, whether it is frequency 0.
    """

    def __init__(self, size: torch.Size, device: torch.device) -> None:
        self.rows, self.columns = (cosine.frequencies(side, device) for side in size)
        down, across = self.rows.square()[:, None], self.columns.square()
        self.still = down + across == 0
        square = (down + across).clamp(min=1e-6)
        turned = (across - down) / square  # cos 2t of the angle t
        quartic = (down.square() + across.square()) / np.pi**4
        signal = [torch.ones_like(square), square.log() / 2, quartic, turned, 2 * turned.square() - 1, square]
        self.features = torch.stack(signal).flatten(1)


@torch.no_grad()
def noise_to_signal(parameters: torch.Tensor, frequencies: Frequencies) -> torch.Tensor:
    """Noise over sharp power, N x P x rows x columns; 0 at frequency 0."""
    features = frequencies.features
    power = (parameters[..., : model.SIGNAL] @ features).clamp(max=50.0).exp() + model.ROUNDING
    ratios = (parameters[..., model.SIGNAL :] @ features[:2]).exp() / power
    return torch.where(frequencies.still, 0.0, ratios.reshape(*ratios.shape[:-1], *frequencies.still.shape))


def _fit(
    observed: torch.Tensor, weights: torch.Tensor, gains: torch.Tensor, known: _Model
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit spectra to the observed bins under log gains; both broadcast to N x K x 256.

    Returns: the parameters, N x K x 8, and the log determinant of the curvature at them, N x K.
    """
    precision = known.sd.square().reciprocal()
    signal, noise = known.features[:, : model.SIGNAL], known.features[:, model.SIGNAL :]
    shape = (observed + gains).shape
    parameters = known.mean.expand(*shape[:-1], -1)
    volume = parameters[..., 0]
    for _ in range(_STEPS):
        blurred, expected = _expected(parameters, gains, known.features)
        share = (blurred - expected).exp().unsqueeze(-1)  # of the power that is the picture's
        slopes = torch.cat([share * signal, (1 - share) * noise], dim=-1)
        weighted = (slopes * weights[:, None]).mT
        residual = (observed - expected).unsqueeze(-1)
        gradient = (weighted @ residual).squeeze(-1) - precision * (parameters - known.mean)
        step, volume = _solve(weighted @ slopes + torch.diag(precision), gradient)
        parameters = parameters + step.clamp(-_STRIDE, _STRIDE)
    return parameters, volume


def _expected(
    parameters: torch.Tensor, gains: torch.Tensor, features: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The log power in the bins that is expected of the blurred picture, and of it with its noise."""
    blurred = parameters[..., : model.SIGNAL] @ features[:, : model.SIGNAL].T + gains
    return blurred, torch.logaddexp(blurred, parameters[..., model.SIGNAL :] @ features[:, model.SIGNAL :].T)


def _solve(matrices: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """x of A x = b for positive definite A, ... x n x n, and log det A, by elimination: ONNX has no solver."""
    rows = torch.cat([matrices, right.unsqueeze(-1)], dim=-1)
    count = matrices.shape[-1]
    volume = torch.zeros_like(right[..., 0])
    for k in range(count):
        pivot = rows[..., k : k + 1, k : k + 1]
        volume = volume + pivot[..., 0, 0].log()
        row = rows[..., k : k + 1, :] / pivot
        others = torch.arange(count, device=rows.device)[:, None] != k
        rows = torch.where(others, rows - rows[..., k : k + 1] * row, row)
    return rows[..., -1], volume


def _pooled(gains: torch.Tensor) -> torch.Tensor:
    """log gains in the bins, ... x 256, of gains on the lattice, ... x 48 x 48."""
    logs = gains.clamp(min=_LEAST_GAIN).log()
    cells = logs.reshape(*logs.shape[:-2], model.BINS, model.FINE, model.BINS, model.FINE)
    return cells.mean((-1, -3)).flatten(-2)


def _tensors(device: torch.device) -> _Model:
    return _Model(*(torch.from_numpy(part).to(device) for part in _arrays()))


@lru_cache(maxsize=1)
def _arrays() -> tuple[npt.NDArray[np.float32], ...]:
    features = np.concatenate(model.bin_features(), axis=1)
    return tuple(part.astype(np.float32) for part in (features, model.PRIOR_MEAN, model.PRIOR_SD, model.LATTICE))
