"""The generator of GIR, the Generative Image Rectifier of founding document 003."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.networks.keras import batch_norm, initialise
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.gir import GIRSettings
from deblurbench_baselines.networks.spectral import IdentityTransform, SpectralGain


class GIR(nn.Module):
    """A 3x3 convolution; two encoder blocks; a block on the spectrum; two decoder blocks; 1x1 convolution, sigmoid.

    Encoder and decoder blocks are two 3x3 convolutions, each with BatchNorm and ReLU; the first convolution has ReLU
    alone.

    Source: document 003. Without pooling and skips it is the document's layer list: 1,666,627 parameters, of which
    1,664,323 are trainable, whichever way "64 -> 128" is read. Pooling and skips are what its text names besides;
    where they sit is our reading. `SpectralGain` is ours. Padding, BatchNorm's constants and the first weights are
    Keras's defaults.
    """

    def __init__(self, settings: GIRSettings) -> None:
        super().__init__()
        self.settings = settings
        wide, middle, deep = settings.widths
        skipped = (middle, wide) if settings.skips else (0, 0)
        self.stem = nn.Conv2d(3, wide, kernel_size=3, padding=1)
        self.encoder = nn.ModuleList([_block(wide, middle), _block(middle, deep)])
        self.fourier = IdentityTransform() if settings.fourier == "published" else SpectralGain(deep)
        self.decoder = nn.ModuleList([_block(deep + skipped[0], middle), _block(middle + skipped[1], wide)])
        self.head = nn.Conv2d(wide, 3, kernel_size=1)
        initialise(self)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape in [0, 1]."""
        height, width = batch.shape[2:]
        multiple = self.settings.multiple
        hidden = torch.relu(self.stem(pad_to(batch, next_multiple(height, multiple), next_multiple(width, multiple))))
        skips = []
        for block in self.encoder:
            skips.append(hidden)
            hidden = block(functional.max_pool2d(hidden, 2) if self.settings.pooled else hidden)
        hidden = self.fourier(hidden)
        for block in self.decoder:
            skip = skips.pop()
            if self.settings.pooled:
                hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
            hidden = block(torch.cat([skip, hidden], dim=1) if self.settings.skips else hidden)
        return torch.sigmoid(self.head(hidden))[:, :, :height, :width]


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with BatchNorm and ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, kernel_size=3, padding=1), batch_norm(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
