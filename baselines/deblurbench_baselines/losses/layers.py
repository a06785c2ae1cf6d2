"""The layers of three networks by name, without torch.

VGG (Simonyan and Zisserman, 2014): `conv3_3` is the third convolution of the third stage before its ReLU, `relu3_3`
the same after it, `pool3` the end of the stage. MobileNetV2 (Sandler et al., CVPR 2018): `stem`, the bottlenecks
`block1` to `block17` (after their residual addition), `head`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

Arch = Literal["vgg16", "vgg19", "mobilenetv2"]

VGG_CONVS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""The convolutions of each stage."""

MOBILE_BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""MobileNetV2's rows of bottlenecks: expansion, output channels, how many, stride of the first."""

PUBLISHED = {
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "mobilenetv2": "mobilenet_v2-b0353104.pth",
}
"""torchvision's files; a name ends in the first eight digits of the file's SHA-256."""


def layer_names(arch: Arch) -> tuple[str, ...]:
    """All layers in order. A layer's place is its number in torchvision's `features.N`."""
    if arch == "mobilenetv2":
        return ("stem", *(f"block{number}" for number in range(1, 1 + sum(row[2] for row in MOBILE_BLOCKS))), "head")
    return tuple(_vgg_names(VGG_CONVS[arch]))


def _vgg_names(convs: tuple[int, ...]) -> Iterator[str]:
    for stage, count in enumerate(convs, 1):
        for number in range(1, count + 1):
            yield f"conv{stage}_{number}"
            yield f"relu{stage}_{number}"
        yield f"pool{stage}"
