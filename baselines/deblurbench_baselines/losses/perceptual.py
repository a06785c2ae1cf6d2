"""The perceptual loss: the mean squared difference of the features that a trained network has of two pictures.

As in DeblurGAN (Kupyn et al., CVPR 2018), after Johnson et al. (ECCV 2016). Weights are a file that the user names;
nothing is ever downloaded.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.scoring.weights import read_weights
from deblurbench_baselines.inference.weights import save_weights
from deblurbench_baselines.losses.features import Features, fill, fill_at_random
from deblurbench_baselines.losses.layers import PUBLISHED
from deblurbench_baselines.losses.settings import PerceptualSettings

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's RGB in [0, 1]
_NORMALISATIONS = {"imagenet": (_MEAN, _DEVIATION), "symmetric": ((0.5,) * 3, (0.5,) * 3)}


class PerceptualLoss(nn.Module):
    """The loss, on its features' device. None of its parameters is trained.

    Maps output and target, float N x 3 x H x W in [0, 1], to a 0-d float32 tensor. Under autocast the convolutions
    run in its type, as the trained network's do; the distance is float32 in any case.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, features: Features, inputs: str) -> None:
        super().__init__()
        self.features = features
        mean, deviation = (torch.tensor(values)[:, None, None] for values in _NORMALISATIONS[inputs])
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The mean over samples, channels and places. Gradients flow to the output alone."""
        with torch.no_grad():
            wanted = self._features(target)
        return (self._features(output) - wanted).square().mean()

    def _features(self, pictures: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.features((pictures.float() - self.mean) / self.deviation)
        return features.float()


def make_perceptual(settings: PerceptualSettings, file: Path | None, seed: int) -> PerceptualLoss:
    """The perceptual loss that the settings describe, on the CPU.

    Args:
        file: torchvision's file of the network, a slim one, or any other with the same names: as PyTorch saves tensors
            (never code) or safetensors. Its SHA-256 must be that of the settings.
        seed: of random features; torch's global stream is not touched.

    Raises: UsageError where there is no file or it is another one, lacks layers, or has wrong shapes.
    """
    features = Features(settings.arch, settings.layer)
    if settings.random:
        if file is not None:
            raise UsageError(f"the features are random, so {file} is of no use", "leave out --vgg, or `random = true`")
        fill_at_random(features, seed)
    else:
        _fill_from(file, features, settings)
    return PerceptualLoss(features, settings.inputs)


def save_slim(source: Path, target: Path, settings: PerceptualSettings) -> str:
    """Write a safetensors file with no more than the layers that the settings need; returns its SHA-256.

    The settings that use it have this SHA-256 in place of the source's. Raises as `make_perceptual`.
    """
    features = Features(settings.arch, settings.layer)
    _fill_from(source, features, settings)
    save_weights(target, features, {"arch": settings.arch, "layer": settings.layer, "sha256": settings.sha256 or ""})
    return sha256_file(target)


def _fill_from(file: Path | None, features: Features, settings: PerceptualSettings) -> None:
    if file is None:
        raise UsageError(
            f"the loss `perceptual` needs --vgg PATH, the weights of {settings.arch}",
            f"nothing is ever downloaded: fetch torchvision's {PUBLISHED[settings.arch]} once yourself",
        )
    if settings.sha256 is None:
        raise UsageError(
            f"the recipe does not say which file {file} must be",
            f"add --set training.perceptual.sha256=DIGITS, the 64 that `sha256sum {file}` prints",
        )
    fill(features, read_weights(f"{file}={settings.sha256}").tensors, str(file))
