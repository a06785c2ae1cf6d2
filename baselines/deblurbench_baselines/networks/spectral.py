"""Blocks that work on the spectrum of features."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from deblurbench.blur.convolve import reflect101
from deblurbench_baselines.networks import tracing

_KNOTS = 9  # from frequency 0 to 1/2 cycle per pixel
_MARGIN = 8  # pixels of mirrored border: the transform wraps around, pictures do not


class IdentityTransform(nn.Module):
    """|ifft2(fft2(x))|: the "Fourier block" that document 003 publishes. It computes |x|.

    After a ReLU that is x itself, up to rounding. Kept as a named control: what it changes is nothing.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Float N x C x H x W to its magnitude. Computed in float32; complex numbers are never made shorter."""
        with torch.autocast(features.device.type, enabled=False):
            spectrum = torch.fft.fft2(features.float())
            return torch.fft.ifft2(spectrum).abs().to(features.dtype)


class SpectralGain(nn.Module):
    """Multiply the spectrum of each channel by a gain that is learnt per frequency, and transform back.

    The gain is real, so the filter is symmetric and shifts nothing: what the inverse of a symmetric blur is. It is
    interpolated between 17 x 9 knots over the half plane of frequencies in cycles per pixel, and so means the same
    for every size. It starts at 1: the block starts as the identity. Borders are mirrored first, since the transform
    takes pictures for periodic.

    Source: ours. A 1x1 convolution of spectra, as in fast Fourier convolutions (Chi et al., 2020), mixes channels
    alike at all frequencies; an inverse of blur has to treat frequencies differently, as FFTformer's learnt
    quantisation matrices do for windows of 8 x 8 (Kong et al., 2023).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.knots = nn.Parameter(torch.ones(channels, 2 * _KNOTS - 1, _KNOTS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Float N x C x H x W to the same shape and dtype, of any size. Computed in float32."""
        height, width = features.shape[2:]
        with torch.autocast(features.device.type, enabled=False):
            filtered = self._filter(_mirror(features.float()))
        inside = filtered[:, :, _MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]
        return inside.to(features.dtype)

    def _filter(self, mirrored: torch.Tensor) -> torch.Tensor:
        height, width = mirrored.shape[2:]
        if torch.compiler.is_exporting():  # ONNX Runtime cannot transform half a spectrum back
            return torch.fft.ifft2(torch.fft.fft2(mirrored) * self.whole_gain(height, width)).real
        return torch.fft.irfft2(torch.fft.rfft2(mirrored) * self.gain(height, width), s=(height, width))

    def gain(self, height: int, width: int) -> torch.Tensor:
        """Float32 C x height x (width // 2 + 1): the gain at the frequencies of `torch.fft.rfft2`."""
        knots = self._symmetric_knots()
        rows = _interpolation(torch.fft.fftfreq(height, device=knots.device) + 0.5, 2 * _KNOTS - 1)
        columns = _interpolation(2 * torch.fft.rfftfreq(width, device=knots.device), _KNOTS)
        return rows @ knots @ columns.T

    def whole_gain(self, height: int, width: int) -> torch.Tensor:
        """Float32 C x height x width: the gain at the frequencies of `torch.fft.fft2`; traceable for any size."""
        knots = self._symmetric_knots()
        down, right = (tracing.frequencies(size, knots.device) for size in (height, width))
        mirrored = down[tracing.opposite(height, knots.device)]
        columns = _interpolation(2 * right.abs(), _KNOTS)
        # To the left of frequency 0 lies the other half plane, turned by 180 degrees.
        there, back = (_interpolation(f + 0.5, 2 * _KNOTS - 1) @ knots @ columns.T for f in (down, mirrored))
        return torch.where(right < 0, back, there)

    def _symmetric_knots(self) -> torch.Tensor:
        # The two outer columns are their own mirror images. Were they not symmetric, the picture would get an
        # imaginary part, and the inverse transform would drop it without a word.
        knots = self.knots.float()
        outer = (knots + knots.flip(1)) / 2
        return torch.cat([outer[:, :, :1], knots[:, :, 1:-1], outer[:, :, -1:]], dim=2)


def _interpolation(places: torch.Tensor, knots: int) -> torch.Tensor:
    """The matrix, places x knots, that interpolates linearly between knots spread evenly over [0, 1]."""
    distance = places[:, None] * (knots - 1) - torch.arange(knots, device=places.device)
    return (1 - distance.abs()).clamp(min=0)


def _mirror(features: torch.Tensor) -> torch.Tensor:
    """The features with a border of `_MARGIN` mirrored pixels, whatever their size."""
    if torch.compiler.is_exporting():
        for axis in (2, 3):
            features = tracing.mirror_to(features, axis, _MARGIN, features.shape[axis] + 2 * _MARGIN)
        return features
    if min(features.shape[2:]) > _MARGIN:  # torch's own reflection needs that many, and no indices from the host
        return functional.pad(features, (_MARGIN,) * 4, mode="reflect")
    for axis in (2, 3):
        indices = torch.from_numpy(reflect101(features.shape[axis], _MARGIN, _MARGIN)).to(features.device)
        features = features.index_select(axis, indices)
    return features
