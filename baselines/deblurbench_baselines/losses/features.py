"""Networks whose features a perceptual loss compares: VGG16, VGG19 and MobileNetV2, as far as the named layer.

Their parameters and statistics have the names of torchvision's files (`features.0.weight`, ...), so that such a file,
or one with no more than the layers that are needed, fits as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from torch import nn

from deblurbench.errors import UsageError, listed
from deblurbench_baselines.losses.layers import MOBILE_BLOCKS, VGG_CONVS, Arch, layer_names

_VGG_CHANNELS = (64, 128, 256, 512, 512)


class Features(nn.Module):
    """A network up to and with a layer, its weights yet to be filled. Frozen, and always in eval mode.

    Maps float N x 3 x H x W, normalised as the weights want it, to the layer's features, N x C x h x w.
    """

    def __init__(self, arch: Arch, layer: str) -> None:
        super().__init__()
        self.arch, self.layer = arch, layer
        modules = _mobilenet() if arch == "mobilenetv2" else _vgg(VGG_CONVS[arch])
        with torch.random.fork_rng(devices=[]):  # weights drawn in vain shall not move the training's random stream
            self.features = nn.Sequential(*islice(modules, layer_names(arch).index(layer) + 1))
        self.least = 2 ** sum(isinstance(module, nn.MaxPool2d) for module in self.features)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Features:
        """Stays in eval mode: MobileNetV2's BatchNorm uses the statistics of its file."""
        return super().train(False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features. Raises UsageError where the pictures are too small for this layer."""
        if min(pictures.shape[-2:]) < self.least:
            size = " x ".join(map(str, pictures.shape[-2:]))
            raise UsageError(
                f"crops of {size} are too small for {self.layer} of {self.arch}",
                f"train on {self.least} x {self.least}",
            )
        features: torch.Tensor = self.features(pictures)
        return features


def fill(features: Features, tensors: Mapping[str, torch.Tensor], file: str) -> None:
    """Take the weights from a file's tensors, of any float type; what else is in the file is left alone.

    Raises: UsageError naming `file` and what is missing, misshapen or not finite.
    """
    wanted = {name: value for name, value in features.state_dict().items() if not name.endswith("num_batches_tracked")}
    what = f"{features.arch} up to {features.layer}"
    hint = "give torchvision's file of this network, or a slim one made for this layer"
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise UsageError(f"{file} is no file for {what}: without {listed(missing)}", hint)
    for name, value in wanted.items():
        shape, found = tuple(value.shape), tuple(tensors[name].shape)
        if found != shape:
            raise UsageError(f"{file} is no file for {what}: {name} is {found}, not {shape}", hint)
        if not tensors[name].is_floating_point() or not bool(tensors[name].isfinite().all()):
            raise UsageError(f"{file} is no file for {what}: {name} holds what is no finite number", hint)
    features.load_state_dict({name: tensors[name] for name in wanted}, strict=False)


def fill_at_random(features: Features, seed: int) -> None:
    """Draw the weights of the convolutions as He et al. (ICCV 2015) do, from a stream of their own; biases stay 0."""
    generator = torch.Generator().manual_seed(seed)
    for module in features.modules():
        if isinstance(module, nn.Conv2d):
            deviation = math.sqrt(2 / math.prod(module.weight.shape[1:]))
            with torch.no_grad():
                module.weight.normal_(0, deviation, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()


def _vgg(convs: tuple[int, ...]) -> Iterator[nn.Module]:
    inputs = 3
    for count, outputs in zip(convs, _VGG_CHANNELS, strict=True):
        for _ in range(count):
            yield nn.Conv2d(inputs, outputs, 3, padding=1)
            yield nn.ReLU(inplace=True)
            inputs = outputs
        yield nn.MaxPool2d(2)


def _mobilenet() -> Iterator[nn.Module]:
    yield _conv_norm_relu(3, 32, 3, stride=2)
    inputs = 32
    for expansion, outputs, count, stride in MOBILE_BLOCKS:
        for number in range(count):
            yield _Bottleneck(inputs, outputs, expansion, stride if number == 0 else 1)
            inputs = outputs
    yield _conv_norm_relu(inputs, 1280, 1)


class _Bottleneck(nn.Module):
    """MobileNetV2's inverted residual: 1x1 widening, 3x3 depthwise, linear 1x1; added to its input where that fits."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *([_conv_norm_relu(inputs, width, 1)] if expansion > 1 else []),
            _conv_norm_relu(width, width, 3, stride=stride, groups=width),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv(x)
        return x + y if self.residual else y


def _conv_norm_relu(inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )
