"""PSNR and SSIM of batches of torch tensors, on any device, for use inside training loops and as losses.

All take a prediction and a sharp picture, N x C x H x W (or C x H x W, a batch of one), on a scale of 0 .. `peak`,
and return a tensor (N,) on their device: one value per picture, equal to that of `psnr.py` and `ssim.py` to 1e-9.
They are computed in float64, or as `dtype` asks in float32, which is twice as fast on a CPU and more so on most GPUs:
on photographs PSNR is then within 1e-5 dB, and SSIM within 1e-5. Autocast does not touch them. Nothing waits
for the device, and gradients flow to both pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, Literal, cast

import torch  # noqa: TID253 - this file is imported where there are tensors
import torch.nn.functional as F  # noqa: N812, TID253 - its usual name

from deblurbench.errors import UsageError
from deblurbench.scoring.metrics.ssim import channel_mix
from deblurbench.scoring.metrics.windows import GAUSSIAN, RADIUS, UNIFORM

Tensor = torch.Tensor
Peak = float | Tensor
"""The data range: one number, or a tensor (N,) with one for each picture."""

_TAPS = {"gaussian": GAUSSIAN.tolist(), "uniform": [1 / UNIFORM] * UNIFORM}


def psnr(
    prediction: Tensor, sharp: Tensor, *, peak: Peak = 1.0, eps: float = 0.0, dtype: torch.dtype = torch.float64
) -> Tensor:
    """10 log10(peak^2 / MSE) in dB, of each picture: (N,); infinite where they are equal.

    Args:
        eps: added to the error on a scale of 0 .. 1. 1e-8 caps the result at 80 dB; a loss needs some, since at equal
            pictures the gradient is not defined.
    """
    with _precisely(prediction, sharp, dtype, peak) as (x, y):
        return psnr_of_error(mean_squared_error(x, y, dtype=dtype), peak, eps=eps)


def psnr_of_error(error: Tensor, peak: Peak, *, eps: float = 0.0) -> Tensor:
    """The same of mean squared errors (N,) on the scale of `peak`."""
    squares = _each(peak, error)[:, 0, 0, 0].square()
    return 10 * torch.log10(squares / (error + eps * squares))


def mean_squared_error(prediction: Tensor, sharp: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """The mean squared difference of each picture: (N,)."""
    with _precisely(prediction, sharp, dtype) as (x, y):
        return (x - y).square().mean((1, 2, 3))


def mean_absolute_error(prediction: Tensor, sharp: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """The mean absolute difference of each picture: (N,)."""
    with _precisely(prediction, sharp, dtype) as (x, y):
        return (x - y).abs().mean((1, 2, 3))


def ssim(
    prediction: Tensor,
    sharp: Tensor,
    *,
    window: Literal["gaussian", "uniform"] | Sequence[float] = "gaussian",
    border: Literal["valid", "reflect"] = "valid",
    peak: Peak = 1.0,
    relu: bool = False,
    eps: float = 0.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """SSIM of each picture, the mean over channels: (N,). `1 - ssim(...).mean()` is a loss.

    Args:
        window: `gaussian`: 11 x 11, sigma 1.5, population covariance (BasicSR and most); `uniform`: 7 x 7, sample
            covariance (scikit-image's default); or the taps of another symmetric window, population covariance.
        border: `valid`: only where the whole window fits; `reflect`: the whole picture, reflected at its border
            without repeating the edge (torchmetrics, kornia).
        relu: count a negative contrast term as 0 (pyiqa).
        eps: added to the denominator on a scale of 0 .. 1 (kornia).

    Raises: UsageError where the window does not fit into the picture, or the tensors are no pictures.
    """
    taps: list[float] = _choice(_TAPS, window, "window") if isinstance(window, str) else [float(tap) for tap in window]
    if taps != taps[::-1] or len(taps) % 2 == 0:
        raise UsageError(
            f"a window of {len(taps)} taps that is not symmetric about one", "give it like windows.GAUSSIAN"
        )
    pad: int = _choice({"valid": 0, "reflect": len(taps) // 2}, border, "border")
    with _precisely(prediction, sharp, dtype, peak) as (x, y):
        _check_size(x, pad + 1 if pad else len(taps))
        means = _means(_padded(x, pad, "reflect"), _padded(y, pad, "reflect"), taps, peak)
        sample = UNIFORM**2 / (UNIFORM**2 - 1) if taps == _TAPS["uniform"] else 1.0
        return _similarity(means, peak, sample, relu, eps)


def volume_ssim(prediction: Tensor, sharp: Tensor, *, peak: Peak = 1.0, dtype: torch.dtype = torch.float64) -> Tensor:
    """MATLAB's `ssim` of RGB arrays (MPRNet, Restormer, NAFNet): the window reaches across colours. (N,).

    See `ssim.volume_ssim`. Raises: UsageError where the tensors are no pictures.
    """
    with _precisely(prediction, sharp, dtype, peak) as (x, y):
        means = _means(_padded(x, RADIUS, "replicate"), _padded(y, RADIUS, "replicate"), _TAPS["gaussian"], peak)
        mix = channel_mix(x.shape[1]).tolist()
        return _similarity([_mixed(z, mix) for z in means], peak, 1.0, False, 0.0)


def check_pictures(prediction: Tensor, sharp: Tensor) -> None:
    """Raises UsageError unless both are N x C x H x W or C x H x W, of one shape and device, without an empty side."""
    if prediction.shape != sharp.shape:
        raise UsageError(
            f"the prediction is {_words(prediction)}, the sharp picture {_words(sharp)}", "give both one shape"
        )
    if prediction.ndim not in (3, 4) or not prediction.numel():
        raise UsageError(f"{_words(prediction)} is no batch of pictures", "give N x C x H x W or C x H x W")
    if prediction.device != sharp.device:
        raise UsageError(f"the pictures are on {prediction.device} and {sharp.device}", "move one: sharp.to(device)")


@contextmanager
def _precisely(
    prediction: Tensor, sharp: Tensor, dtype: torch.dtype, peak: Peak | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Both as N x C x H x W of the type, with autocast off."""
    check_pictures(prediction, sharp)
    floats = prediction.is_floating_point() and sharp.is_floating_point()
    if isinstance(peak, (int, float)) and peak == 1 and not floats:
        raise UsageError(f"{prediction.dtype} against {sharp.dtype} with peak 1", "give floats, or peak=255 for uint8")
    if dtype not in (torch.float32, torch.float64):
        raise UsageError(f"metrics are not computed in {dtype}", "give dtype=torch.float64 or torch.float32")
    with torch.autocast(prediction.device.type, enabled=False):
        x, y = (z.to(dtype) for z in (prediction, sharp))
        yield (x, y) if x.ndim == 4 else (x[None], y[None])


class _Filter(torch.autograd.Function):
    """Correlation with symmetric taps along one axis, where they fit.

    A sum of shifted copies, added in place: on CPUs faster than a convolution in float64, never in TF32, and it needs
    no tensor of weights, whose way to a GPU would have to be waited for. The gradient is the same sum of the padded
    gradient; autograd's own would hold a padded copy for each tap.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, dim: int, taps: list[float]) -> Tensor:
        length = x.shape[dim] - len(taps) + 1
        total = x.narrow(dim, 0, length) * taps[0]
        for start, tap in enumerate(taps[1:], 1):
            total.add_(x.narrow(dim, start, length), alpha=tap)
        return total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, list[float]], output: Tensor) -> None:
        _, ctx.dim, ctx.taps = inputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        reach = len(ctx.taps) - 1
        pad = (reach, reach) if ctx.dim == -1 else (0, 0, reach, reach)
        return _filtered(F.pad(grads[0], pad), ctx.dim, ctx.taps), None, None


def _filtered(x: Tensor, dim: int, taps: list[float]) -> Tensor:
    return cast(Tensor, _Filter.apply(x, dim, taps))  # type: ignore[no-untyped-call]


def _means(x: Tensor, y: Tensor, taps: list[float], peak: Peak) -> list[Tensor]:
    """Weighted means of s = x + y, d = x - y and their squares: four maps serve where x, y, xx, yy, xy are five."""
    s, d = x + y - _centre(peak, x), x - y
    return [_filtered(_filtered(z, -2, taps), -1, taps) for z in (s, d, s * s, d * d)]


def _similarity(means: list[Tensor], peak: Peak, sample: float, relu: bool, eps: float) -> Tensor:
    """The mean of the SSIM map; `sample` is N / (N - 1) for sample covariance."""
    s, d, ss, dd = means
    peak = _each(peak, s)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    a = ((s + _centre(peak, s)).square() + d * d) / 2 + c1
    deviation = sample * (dd - d * d)
    b = (sample * (ss - s * s) + deviation) / 2 + c2
    contrast = (b - deviation).clamp_min(0) if relu else b - deviation
    return ((a - d * d) * contrast / (a * b + eps * peak**4)).mean((1, 2, 3))


def _mixed(x: Tensor, mix: list[list[float]]) -> Tensor:
    """Each channel as a weighted sum of all."""
    planes = x.unbind(1)
    return torch.stack([reduce(torch.add, [w * z for w, z in zip(row, planes, strict=True)]) for row in mix], 1)


def _padded(x: Tensor, pad: int, mode: str) -> Tensor:
    return F.pad(x, (pad, pad, pad, pad), mode=mode) if pad else x


def _centre(peak: Peak, like: Tensor) -> Tensor | float:
    """What is taken from x + y in float32, so that variances keep their digits where it is near: that of mid grey."""
    return _each(peak, like) if like.dtype == torch.float32 else 0.0


def _each(peak: Peak, like: Tensor) -> Tensor:
    """The peaks, shaped to go with N x C x H x W."""
    if isinstance(peak, torch.Tensor):
        return peak.to(like.dtype).reshape(-1, 1, 1, 1)
    return torch.full((1, 1, 1, 1), peak, dtype=like.dtype, device=like.device)


def _check_size(x: Tensor, least: int) -> None:
    if min(x.shape[-2:]) < least:
        raise UsageError(f"{_words(x)} is too small for this SSIM", f"its sides need at least {least} pixels")


def _choice(known: dict[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise UsageError(f"no {what} is called {name!r}", f"known: {', '.join(known)}")
    return known[name]


def _words(x: Tensor) -> str:
    return " x ".join(map(str, x.shape)) or "a single number"
