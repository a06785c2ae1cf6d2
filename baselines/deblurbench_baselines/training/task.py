"""What is to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deblurbench_baselines.losses.settings import AdversarialSettings
from deblurbench_baselines.networks.settings.base import CriticSettings, NetworkSettings
from deblurbench_baselines.training.settings import TrainingSettings


@dataclass(frozen=True)
class Task:
    """A network, how it is trained, and on what.

    Attributes:
        critic, adversarial: the critic it is trained against, and how; None where it is trained alone.
        config: hash of all settings; with `dataset_id` it says whether a state may be continued.
        label: as tables show it.
        metadata: goes into the weights file.
    """

    network: NetworkSettings
    training: TrainingSettings
    critic: CriticSettings | None
    adversarial: AdversarialSettings | None
    config: str
    dataset_id: str
    label: str
    metadata: Mapping[str, str]
