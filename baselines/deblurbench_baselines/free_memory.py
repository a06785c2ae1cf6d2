"""How much memory is free, of the machine or of its GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import torch


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
