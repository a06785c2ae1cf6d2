"""Whether the pictures of a training fit into a device's memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench_baselines.data.frames import mean_pixels
from deblurbench_baselines.data.remake import remakes

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


def free_bytes(device: torch.device) -> int:
    """How many bytes of a device's memory can be had: of the CPU's, those that nothing uses or that are a cache.

    A limit that a container or a cluster sets, by a control group of Linux, counts too.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min([_free_of_machine(), *_free_of_groups()])


def _free_of_machine() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):  # no Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if hasattr(os, "sysconf") else 1 << 32


def _free_of_groups(mine: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """What is left to each control group (version 2) that this process is in, as far as they have limits."""
    try:
        own = next(line[3:] for line in mine.read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return
    group = root / own.lstrip("/")
    for folder in (group, *group.parents):
        try:
            limit, used = int((folder / "memory.max").read_text()), int((folder / "memory.current").read_text())
            kinds = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield max(0, limit - used + int(kinds.get("inactive_file", 0)))
        except (OSError, ValueError):  # the root has no such files; without a limit it is the word "max"
            continue


def has_room(dataset: Dataset, records: Sequence[Record], device: torch.device, *, fresh: bool = False) -> bool:
    """Whether a feed on the device leaves room for the network. Raises as `needed_bytes` does."""
    return needed_bytes(dataset, records, fresh=fresh) <= _SHARE * free_bytes(device)
