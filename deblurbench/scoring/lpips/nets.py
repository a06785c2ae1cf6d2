"""The two networks whose features LPIPS compares: their convolutions, and the files that the published numbers use.

AlexNet as in "One weird trick for parallelizing convolutional neural networks" (Krizhevsky 2014), VGG16 as in Simonyan
and Zisserman (2014), with the layer numbers of torchvision's files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv:
    """A convolution, followed by ReLU; `layer` is its number in `features.N.weight`."""

    layer: int
    inputs: int
    outputs: int
    size: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class File:
    """A published file: its name and SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Net:
    """A network without its classifier.

    Attributes:
        name: for people.
        stages: convolutions; the features after each stage are compared.
        pooled: the stages, from 0, that begin with max pooling of `pool` x `pool` with stride 2.
        least: the shortest side of a picture that leaves something to compare, pixels.
        backbone, linear: the files of the published numbers.
    """

    name: str
    stages: tuple[tuple[Conv, ...], ...]
    pooled: tuple[int, ...]
    pool: int
    least: int
    backbone: File
    linear: File

    @property
    def channels(self) -> list[int]:
        """Of the features after each stage."""
        return [stage[-1].outputs for stage in self.stages]

    @property
    def needs(self) -> str:
        """The files in words."""
        return f"torchvision's {self.backbone.name} and {self.linear.name} of LPIPS 0.1"


ALEX = Net(
    name="AlexNet",
    stages=(
        (Conv(0, 3, 64, 11, 4, 2),),
        (Conv(3, 64, 192, 5, 1, 2),),
        (Conv(6, 192, 384),),
        (Conv(8, 384, 256),),
        (Conv(10, 256, 256),),
    ),
    pooled=(1, 2),
    pool=3,
    least=31,
    backbone=File("alexnet-owt-7be5be79.pth", "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"),
    linear=File("alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
)

VGG = Net(
    name="VGG16",
    stages=(
        (Conv(0, 3, 64), Conv(2, 64, 64)),
        (Conv(5, 64, 128), Conv(7, 128, 128)),
        (Conv(10, 128, 256), Conv(12, 256, 256), Conv(14, 256, 256)),
        (Conv(17, 256, 512), Conv(19, 512, 512), Conv(21, 512, 512)),
        (Conv(24, 512, 512), Conv(26, 512, 512), Conv(28, 512, 512)),
    ),
    pooled=(1, 2, 3, 4),
    pool=2,
    least=16,
    backbone=File("vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
    linear=File("vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
)
