"""A feed whose pairs lie in memory as uint8."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch

from deblurbench_baselines.data.feed import Batch, Feed
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.data.sampler import Crop, check_size, cut
from deblurbench_baselines.tensors import to_batch


class MemoryFeed(Feed):
    """Crops of pairs in memory, `side` pixels, given to `device`. Raises RunError for a pair smaller than a crop."""

    def __init__(self, pairs: Sequence[Pair], side: int, device: torch.device) -> None:
        for pair in pairs:
            check_size(pair.name, *pair.size, side)
        self.pairs = len(pairs)
        self._pairs, self._side, self._device = pairs, side, device

    def batches(self, plan: Sequence[Sequence[Crop]]) -> Generator[Batch]:
        """The batches of a plan, in its order."""
        for crops in plan:
            blur = to_batch([cut(self._pairs[crop.pair].blur, crop, self._side) for crop in crops], self._device)
            sharp = to_batch([cut(self._pairs[crop.pair].sharp, crop, self._side) for crop in crops], self._device)
            yield Batch(blur, sharp)
