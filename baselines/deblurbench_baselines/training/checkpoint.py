"""The last state of a training run: all that the next step depends on, in one file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from deblurbench.errors import RunError
from deblurbench.files import replacing
from deblurbench_baselines.training.history import Epoch

STATE = "state.pt"
_SCHEMA = 2

Streams = Mapping[str, torch.Tensor]
"""States of torch's random streams: `cpu`, and `cuda` where that is the device."""


@dataclass(frozen=True)
class Started:
    """An epoch that has begun.

    Attributes:
        steps: done in it.
        sums: of each term of the loss, times its number of crops.
        looked: those sums when they were last looked at.
        seconds, waited: in all its steps, and waiting for crops.
        alarms: names of those given so far.
    """

    steps: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)
    looked: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    waited: float = 0.0
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """After some step. Learning rate and patience counters follow from `history`, the order of crops from the seed.

    Attributes:
        config: hash of the settings.
        dataset_id: of the dataset that it was trained on.
        history: all finished epochs.
        started: the epoch after them.
        learner: what learns, as it gave it.
        health: what watches over it, as it gave it.
        random: the random streams of each process.
    """

    config: str
    dataset_id: str
    history: list[Epoch]
    started: Started
    learner: Mapping[str, Any]
    health: Mapping[str, Any]
    random: Sequence[Streams]

    @property
    def mses(self) -> list[float]:
        """The MSE on `val` of each finished epoch."""
        return [epoch.val_mse for epoch in self.history]


def save_state(path: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    plain = {"history": [asdict(epoch) for epoch in state.history], "started": asdict(state.started)}
    with replacing(path) as temporary:
        torch.save({"schema": _SCHEMA, **vars(state), **plain}, temporary)


def load_state(path: Path, config: str, dataset_id: str) -> State | None:
    """The state in a file, on the CPU, or None where there is no file. No code in it is run.

    Raises: RunError where it is damaged, or of other settings or another dataset.
    """
    if not path.exists():
        return None
    hint = "start anew with --overwrite, or choose another --out"
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values.pop("schema") != _SCHEMA:
            raise RunError(f"{path} was written by another version", hint)
        history = [Epoch(**epoch) for epoch in values["history"]]
        state = State(**{**values, "history": history, "started": Started(**values["started"])})
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged", hint) from error
    if state.config != config:
        raise RunError(f"{path} belongs to other settings", hint)
    if state.dataset_id != dataset_id:
        raise RunError(f"{path} belongs to another dataset", hint)
    return state


def random_streams(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of torch's random streams that a run on `device` may use."""
    streams = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        streams["cuda"] = torch.cuda.get_rng_state(device)
    return streams


def restore_random_streams(streams: Streams, device: torch.device) -> None:
    """Put back what `random_streams` gave."""
    torch.set_rng_state(streams["cpu"])
    if device.type == "cuda" and "cuda" in streams:
        torch.cuda.set_rng_state(streams["cuda"], device)
