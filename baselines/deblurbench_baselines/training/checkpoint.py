"""The last state of a training run: all that the next epoch depends on, in one file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from deblurbench.errors import RunError
from deblurbench.files import replacing
from deblurbench_baselines.training.history import Epoch

STATE = "state.pt"
_SCHEMA = 1


@dataclass(frozen=True)
class State:
    """After the last finished epoch. Learning rate and patience counters follow from `history`.

    Attributes:
        config: hash of the settings.
        dataset_id: of the dataset that it was trained on.
        history: all epochs so far.
        network, optimiser: their `state_dict`.
        random: states of torch's random streams: `cpu`, and `cuda` where that is the device.
    """

    config: str
    dataset_id: str
    history: list[Epoch]
    network: Mapping[str, Any]
    optimiser: Mapping[str, Any]
    random: Mapping[str, torch.Tensor]

    @property
    def mses(self) -> list[float]:
        """The MSE on `val` of each epoch."""
        return [epoch.val_mse for epoch in self.history]


def save_state(path: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    values = {"schema": _SCHEMA, **vars(state), "history": [asdict(epoch) for epoch in state.history]}
    with replacing(path) as temporary:
        torch.save(values, temporary)


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
        state = State(**{**values, "history": [Epoch(**epoch) for epoch in values["history"]]})
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged", hint) from error
    if state.config != config:
        raise RunError(f"{path} belongs to other settings", hint)
    if state.dataset_id != dataset_id:
        raise RunError(f"{path} belongs to another dataset", hint)
    return state


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of torch's random streams that a run on `device` may use."""
    streams = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        streams["cuda"] = torch.cuda.get_rng_state(device)
    return streams


def restore_random_state(streams: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Put back what `random_state` gave."""
    torch.set_rng_state(streams["cpu"])
    if device.type == "cuda" and "cuda" in streams:
        torch.cuda.set_rng_state(streams["cuda"], device)
