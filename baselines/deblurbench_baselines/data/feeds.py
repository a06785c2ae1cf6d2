"""Which feed a training gets its crops from."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Literal

import torch

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.data.feed import Feed
from deblurbench_baselines.data.loader import LoaderFeed
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import read_pairs
from deblurbench_baselines.training.settings import TrainingSettings

_ROOM = 0.5  # of the memory that is free, at most so much is taken


def open_feed(
    dataset: Dataset, records: Sequence[Record], settings: TrainingSettings, resources: Resources, device: torch.device
) -> Feed:
    """The feed that `resources` asks for; the caller closes it.

    `auto`: on a GPU all is kept in its memory, where it fits. On the CPU, and where it does not, pairs are kept in
    memory, or else read as they are needed. Fresh blur is made on the device alone.

    Raises: UsageError for fresh blur from another feed; what reading the pairs raises.
    """
    kind = resources.feed
    if settings.blur == "fresh":
        if kind not in ("auto", "device"):
            raise UsageError(
                f"--feed {kind} reads blur that is built", "fresh blur is made on the device: --feed device"
            )
        kind = "device"
    if kind == "auto":
        kind = _choose(dataset, records, device)
    if kind == "device":
        from deblurbench_baselines.data.device import DeviceFeed

        return DeviceFeed(dataset, records, settings, device, quiet=resources.quiet)
    if kind == "loader":
        return LoaderFeed(dataset, records, settings.crop, device, resources.workers)
    return MemoryFeed(read_pairs(dataset, records, "train", quiet=resources.quiet), settings.crop, device)


def _choose(dataset: Dataset, records: Sequence[Record], device: torch.device) -> Literal["memory", "loader", "device"]:
    """What fits: pictures are taken to be as large as the first one."""
    both = 2 * dataset.read(records[0], "sharp").nbytes * len(records)
    if device.type == "cuda" and both <= _ROOM * torch.cuda.mem_get_info(device)[0]:
        return "device"
    return "memory" if both <= _ROOM * _free_memory() else "loader"


def _free_memory() -> float:
    """Of this machine, bytes; without end where the system does not say."""
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows, macOS
        return math.inf
