"""Which process this is of several that train one network together, as `torchrun` says it in the environment.

The first one does all but the training alone: it locks and writes the run folder, predicts, scores and prints.
"""

from __future__ import annotations

import os

from deblurbench.errors import UsageError


def rank() -> int:
    """The number of this process, from 0."""
    return _number("RANK", 0, 0) if world_size() > 1 else 0


def world_size() -> int:
    """How many processes there are, on all machines; 1 without `torchrun`."""
    return _number("WORLD_SIZE", 1, 1)


def local_rank() -> int:
    """The number of this process on its machine, from 0: that of its GPU."""
    return _number("LOCAL_RANK", rank(), 0) if world_size() > 1 else 0


def local_size() -> int:
    """How many processes there are on this machine."""
    return _number("LOCAL_WORLD_SIZE", world_size(), 1) if world_size() > 1 else 1


def is_first() -> bool:
    """Whether this process does what only one may do."""
    return rank() == 0


def device_of_process(chosen: str) -> str:
    """The device of this process where `chosen` is that of all of them: each has a GPU of its own.

    Raises: UsageError where one GPU is named for several processes.
    """
    if world_size() == 1 or chosen == "cpu":
        return chosen
    if chosen != "cuda":
        raise UsageError(f"{chosen} is one GPU for {world_size()} processes", "give --device cuda: each takes its own")
    return f"cuda:{local_rank()}"


def _number(name: str, default: int, least: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"the environment has {name}={text!r}, which is no number of processes", "start by torchrun")
    return int(text)
