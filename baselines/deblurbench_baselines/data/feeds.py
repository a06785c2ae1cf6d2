"""Which feed a training gets its crops from."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.data.device import DeviceFeed
from deblurbench_baselines.data.feed import Feed
from deblurbench_baselines.data.fresh import FreshFeed, degradations_of
from deblurbench_baselines.data.loader import LoaderFeed
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import read_pairs
from deblurbench_baselines.data.room import has_room
from deblurbench_baselines.training.settings import TrainingSettings


def open_feed(
    dataset: Dataset, records: Sequence[Record], settings: TrainingSettings, resources: Resources, device: torch.device
) -> Feed:
    """The feed that `resources` asks for; the caller closes it.

    `auto`: all is kept in the device's memory where it fits, and else read as it is needed. Fresh blur is made on the
    device alone.

    Raises: UsageError for fresh blur from another feed; what reading the pairs raises.
    """
    side, quiet = settings.crop, resources.quiet
    if settings.blur == "fresh":
        if resources.feed not in ("auto", "device"):
            hint = "fresh blur is made on the device: --feed device"
            raise UsageError(f"--feed {resources.feed} gives blur as it is built", hint)
        degradations = degradations_of(dataset)
        return FreshFeed(dataset, records, side, device, seed=settings.seed, degradations=degradations, quiet=quiet)
    kind = resources.feed
    if kind == "auto":
        kind = "device" if has_room(dataset, records, device) else "loader"
    if kind == "device":
        return DeviceFeed(dataset, records, side, device, quiet=quiet)
    if kind == "loader":
        return LoaderFeed(dataset, records, side, device, resources.workers)
    return MemoryFeed(read_pairs(dataset, records, "train", quiet=quiet), side, device)
