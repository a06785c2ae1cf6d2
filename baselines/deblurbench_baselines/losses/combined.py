"""Several losses by name, added up with their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from deblurbench.errors import UsageError, nearest
from deblurbench_baselines.losses import pixel
from deblurbench_baselines.losses.settings import LossName

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes output and target, float N x 3 x H x W in [0, 1]; returns the mean over samples, a 0-d tensor."""

_PIXEL: dict[str, Loss] = {
    "charbonnier": pixel.charbonnier,
    "fft": pixel.fft,
    "l1": pixel.l1,
    "mse": pixel.mse,
    "psnr": pixel.psnr,
    "ssim": pixel.ssim,
}


class Losses(nn.Module):
    """The weighted sum of losses, 0 where there are none. Nothing in it is trained.

    `to(device)` moves the features of `perceptual`.

    Raises: UsageError for an unknown name, and where `perceptual` is named without its module or the other way round.
    """

    def __init__(self, weights: Mapping[LossName, float], perceptual: nn.Module | None = None) -> None:
        super().__init__()
        known: dict[str, Loss] = dict(_PIXEL)
        if perceptual is not None:
            known["perceptual"] = perceptual
        for name in weights:
            if name not in known:
                hint = "give its module" if name == "perceptual" else nearest(name, known)
                raise UsageError(f"no loss {name!r}", hint)
        if perceptual is not None and "perceptual" not in weights:
            raise UsageError("the loss `perceptual` has a module and no weight", "give it one")
        self.weights = {name: float(weights[name]) for name in sorted(weights)}  # one order: sums have the same bits
        self.perceptual = perceptual
        self._losses = {name: known[name] for name in self.weights}

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The total, and each loss by name: unweighted, detached; all 0-d float32. Callable under autocast."""
        output, target = output.float(), target.float()
        values = {name: loss(output, target) for name, loss in self._losses.items()}
        total = sum((self.weights[name] * value for name, value in values.items()), output.new_zeros(()))
        return total, {name: value.detach() for name, value in values.items()}
