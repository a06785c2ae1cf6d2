"""Transfers of Gaussian blurs whose sigma is uncertain, as tensors."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from deblurbench.blur.gaussian import gaussian_weights, opencv_line, opencv_size

Floats = npt.NDArray[np.float32]

_LOW, _HIGH, _STEP = 0.2, 2.6, 0.05
_REACH = 8  # pixels: the largest sigma's taps reach further, and are below 2e-3 there


class Candidates(NamedTuple):
    """Gaussians of sigma 0.2 to 2.6 pixels, ideal ones and OpenCV's in 8 bits: all products of two equal lines.

    Attributes:
        sigmas: float32 M.
        is_opencv: bool M.
        lines: float32 M x 9, the taps of each line from its middle outwards, those but the first one doubled.
    """

    sigmas: torch.Tensor
    is_opencv: torch.Tensor
    lines: torch.Tensor


def candidates(device: torch.device) -> Candidates:
    """The candidates. They are no weights: a network that is made without numbers has them, too."""
    sigmas, is_opencv, lines = (torch.from_numpy(part).to(device) for part in _arrays())
    return Candidates(sigmas, is_opencv, lines)


def transfers(
    bank: Candidates, probabilities: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """E[H] and E[H^2], N x rows x columns, of candidates with `probabilities`, N x M, at angular frequencies."""
    down, across = (line_transfers(bank, frequencies) for frequencies in (rows, columns))
    weighted = probabilities[:, None, :]
    return (down.T * weighted) @ across, (down.T.square() * weighted) @ across.square()


def line_transfers(bank: Candidates, frequencies: torch.Tensor) -> torch.Tensor:
    """The transfer of each line at angular frequencies, M x frequencies."""
    places = torch.arange(_REACH + 1, device=frequencies.device, dtype=torch.float32)
    return bank.lines @ torch.cos(places[:, None] * frequencies)


@lru_cache(maxsize=1)
def _arrays() -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    sigmas = [round(_LOW + _STEP * i, 6) for i in range(round((_HIGH - _LOW) / _STEP) + 1)]
    lines = [gaussian_weights(2 * _REACH + 1, sigma) for sigma in sigmas]
    lines += [opencv_line(opencv_size(sigma), sigma) / 256 for sigma in sigmas]
    halves = np.stack([_half(line) for line in lines])
    return np.array(2 * sigmas, dtype=np.float32), np.arange(len(lines)) >= len(sigmas), halves


def _half(line: npt.NDArray[np.float64]) -> Floats:
    """The outer half of an even line, from its middle, folded onto one side; it sums to 1."""
    middle = len(line) // 2
    half = np.zeros(_REACH + 1)
    half[: middle + 1] = line[middle:][: _REACH + 1]
    half[1:] *= 2
    return (half / half.sum()).astype(np.float32)
