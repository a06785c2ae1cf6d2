"""What a feed is: the pairs of `train` as batches of crops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import NamedTuple

import torch

from deblurbench_baselines.data.sampler import Crop


class Batch(NamedTuple):
    """Crops of both sides: float32 N x 3 x side x side in [0, 1], channels-last, on the training's device."""

    blur: torch.Tensor
    sharp: torch.Tensor


class Feed(ABC):
    """Where crops come from. Equal crops are equal pixels, whichever feed they come from.

    Attributes:
        pairs: how many there are.
    """

    pairs: int

    @abstractmethod
    def batches(self, plan: Sequence[Sequence[Crop]]) -> Generator[Batch]:
        """The batches of a plan, in its order; a feed may read ahead.

        Raises: RunError where a pair is smaller than a crop, PictureError where one cannot be read.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of files, processes and memory."""
