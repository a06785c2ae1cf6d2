"""Whether the pictures of a training fit into a device's memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench_baselines.data.frames import mean_pixels
from deblurbench_baselines.data.remake import remakes
from deblurbench_baselines.free_memory import free_bytes

_SHARE = 0.5  # of what is free; the network, its gradients and all else need the rest


def needed_bytes(dataset: Dataset, records: Sequence[Record], *, fresh: bool = False) -> int:
    """About how many bytes a feed on the device takes: 3 per pixel of every picture that is kept there.

    Pictures are taken to be as large as some of them are on average, which is exact where they are of one size.

    Args:
        dataset: where the pairs lie.
        records: the pairs.
        fresh: whether crops are blurred anew, so that no blurred picture is kept.

    Raises: PictureError where a picture cannot be read, DatasetError where a kernel is missing or damaged.
    """
    kept = 0 if fresh else sum(remake is None for remake in remakes(dataset, records))
    return round(3 * mean_pixels(dataset, records) * (len(records) + kept))


def has_room(dataset: Dataset, records: Sequence[Record], device: torch.device, *, fresh: bool = False) -> bool:
    """Whether a feed on the device leaves room for the network. Raises as `needed_bytes` does."""
    return needed_bytes(dataset, records, fresh=fresh) <= _SHARE * free_bytes(device)
