"""Settings of losses: names and weights, without torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deblurbench.config import Config
from deblurbench.dataset.names import Sha256
from deblurbench.errors import nearest
from deblurbench_baselines.losses.layers import Arch, layer_names

LossName = Literal["charbonnier", "fft", "l1", "mse", "perceptual", "psnr", "ssim"]
Weight = Annotated[float, Field(gt=0, le=1e6)]
Rate = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class PerceptualSettings(Config):
    """Which features the loss `perceptual` compares.

    Attributes:
        arch: the network that gives them.
        layer: where they are taken, as `layers.layer_names` lists them: `conv3_3` before its ReLU, `relu3_3` after it
            (the Keras port's `block3_conv3`); of MobileNetV2 `block3` or the like.
        inputs: `imagenet`: [0, 1] normalised by ImageNet's mean and deviation, what the weights were trained with;
            `symmetric`: raw [-1, 1], what DeblurGAN and the Keras port feed.
        sha256: of the weights' file, which `--vgg PATH` names.
        random: features of random weights, drawn from the training's seed, instead of a file.
    """

    arch: Arch = "vgg16"
    layer: str = "conv3_3"
    inputs: Literal["imagenet", "symmetric"] = "imagenet"
    sha256: Sha256 | None = None
    random: bool = False

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.layer not in (names := layer_names(self.arch)):
            raise ValueError(f"{self.arch} has no layer {self.layer!r}, {nearest(self.layer, names)}")
        if self.random and self.sha256:
            raise ValueError("features are random or of a file, not both")
        return self


class AdversarialSettings(Config):
    """How a critic takes part.

    Attributes:
        kind: `wgan-gp`: Wasserstein loss with gradient penalty; `wgan-sigmoid`: the founders' of document 002, a
            Wasserstein loss of a sigmoid without penalty, whose floor is -0.5; `bce`: binary cross-entropy.
        weight: of the adversarial term beside the other losses.
        critic_steps: of the critic for each step of the network, on the same batch.
        gradient_penalty: its weight, of `wgan-gp`.
        learning_rate, betas: of the critic's optimiser, which is otherwise that of the network.
    """

    kind: Literal["wgan-gp", "wgan-sigmoid", "bce"] = "wgan-gp"
    weight: Weight = 1.0
    critic_steps: Annotated[int, Field(ge=1, le=100)] = 5
    gradient_penalty: Annotated[float, Field(ge=0, le=1e6)] = 10.0
    learning_rate: Rate
    betas: tuple[Beta, Beta] = (0.9, 0.999)
