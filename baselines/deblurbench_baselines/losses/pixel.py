"""Losses that compare pictures pixel by pixel, window by window or frequency by frequency.

Each maps output and target, float N x 3 x H x W on a scale of 0 .. 1 (the output may lie outside), to a 0-d tensor, the
mean over samples: the loss of a batch is the mean of those of its pictures. They are computed in float32 (float64 where
both are), under autocast too.
"""

from __future__ import annotations

import math

import torch

from deblurbench.errors import UsageError
from deblurbench.scoring import tensors

_CHARBONNIER_EPS = 1e-3
_PSNR_EPS = 1e-8


def l1(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean absolute difference."""
    return _difference(output, target).abs().mean()


def mse(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean squared difference."""
    return _difference(output, target).square().mean()


def charbonnier(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean of sqrt(d^2 + 0.001^2): L1 that is smooth at 0 (Lai et al., CVPR 2017; eps as in MPRNet)."""
    return (_difference(output, target).square() + _CHARBONNIER_EPS**2).sqrt().mean()


def psnr(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """-PSNR in dB: 10 / ln 10 * ln(MSE of a picture + 1e-8), as NAFNet's PSNRLoss; -80 for equal pictures.

    Pictures that are almost right dominate it: for a mix of weak and strong blurs take another.
    """
    errors = _difference(output, target).square().mean((1, 2, 3))
    return 10 / math.log(10) * (errors + _PSNR_EPS).log().mean()


def ssim(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 - SSIM: 11 x 11 Gaussian window where it fits. Raises UsageError where pictures are smaller than that."""
    x, y = _pair(output, target)
    return 1 - tensors.ssim(x, y, dtype=x.dtype).mean()


def fft(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean absolute difference of the real and of the imaginary parts of both spectra, as in MIMO-UNet.

    The spectra are unscaled 2-D Fourier transforms of each channel; the mean is over samples, channels, all H x W
    frequencies and both parts (Cho et al., ICCV 2021). A difference of white noise is sqrt(H W / 2) times as large here
    as in `l1`.
    """
    difference = _difference(output, target)
    width = difference.shape[-1]
    # The transform is linear: one of the difference does. Columns 1 .. W/2 stand for their mirror images, too.
    half = torch.view_as_real(torch.fft.rfft2(difference)).abs()
    mirrored = half[..., 1 : (width + 1) // 2, :]
    return (half.sum() + mirrored.sum()) / (2 * difference.numel())


def _difference(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    x, y = _pair(output, target)
    return x - y


def _pair(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in float32 or more. Raises UsageError where they are no batches of one shape: nothing is broadcast."""
    tensors.check_pictures(output, target)
    if output.ndim != 4 or not (output.is_floating_point() and target.is_floating_point()):
        raise UsageError(f"{output.dtype} against {target.dtype}, {output.ndim}-d", "give floats, N x 3 x H x W")
    dtype = torch.promote_types(torch.promote_types(output.dtype, target.dtype), torch.float32)
    return output.to(dtype), target.to(dtype)
