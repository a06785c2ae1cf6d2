"""What a resolved recipe of each trained baseline holds: its kind of network, its critic, its training."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from deblurbench.config import Config
from deblurbench_baselines.losses.settings import AdversarialSettings
from deblurbench_baselines.networks.settings.base import CriticSettings, NetworkSettings
from deblurbench_baselines.networks.settings.cnn import CNNSettings
from deblurbench_baselines.networks.settings.course_unet import CourseUNetSettings
from deblurbench_baselines.networks.settings.critics import ConvCriticSettings
from deblurbench_baselines.networks.settings.gir import GIRSettings
from deblurbench_baselines.networks.settings.nafnet import NAFNetSettings
from deblurbench_baselines.networks.settings.resnet_generator import ResnetGeneratorSettings
from deblurbench_baselines.networks.settings.swift import SwiftGeneralSettings, SwiftSettings
from deblurbench_baselines.networks.settings.unet import UNetSettings
from deblurbench_baselines.training.settings import TrainingSettings


class TrainedConfig(Config):
    """A resolved recipe. `preset` is None for the default variant."""

    preset: str | None = None
    network: NetworkSettings
    training: TrainingSettings

    @model_validator(mode="after")
    def _check_teacher(self) -> Self:
        if not self.training.losses and not isinstance(self, AdversarialConfig):
            raise ValueError("training.losses is empty, and there is no critic")
        return self


class AdversarialConfig(TrainedConfig):
    """A resolved recipe of a network that is trained against a critic."""

    critic: CriticSettings
    adversarial: AdversarialSettings

    @model_validator(mode="after")
    def _check_pieces(self) -> Self:
        if self.training.accumulate > 1:
            raise ValueError("training.accumulate is for networks without a critic")
        return self


class CNNConfig(TrainedConfig):
    """A resolved recipe of the CNN."""

    network: CNNSettings


class UNetConfig(TrainedConfig):
    """A resolved recipe of the U-Net."""

    network: UNetSettings


class CourseUNetConfig(TrainedConfig):
    """A resolved recipe of the course's U-Net with one convolution per stage."""

    network: CourseUNetSettings


class NAFNetConfig(TrainedConfig):
    """A resolved recipe of NAFNet."""

    network: NAFNetSettings


class SwiftConfig(TrainedConfig):
    """A resolved recipe of swift."""

    network: SwiftSettings


class SwiftGeneralConfig(TrainedConfig):
    """A resolved recipe of swift-general."""

    network: SwiftGeneralSettings


class GANConfig(AdversarialConfig):
    """A resolved recipe of DeblurGAN."""

    network: ResnetGeneratorSettings
    critic: ConvCriticSettings


class GAN2MConfig(AdversarialConfig):
    """A resolved recipe of the GAN of two million parameters."""

    network: UNetSettings
    critic: ConvCriticSettings


class GIRConfig(AdversarialConfig):
    """A resolved recipe of the Generative Image Rectifier."""

    network: GIRSettings
    critic: ConvCriticSettings
