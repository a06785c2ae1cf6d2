"""The last state of a training run: all that the next step depends on, in one file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from deblurbench.errors import RunError
from deblurbench.files import replacing
from deblurbench_baselines.failures import lacks_memory
from deblurbench_baselines.training.history import Epoch

STATE = "state.pt"
_SCHEMA = 2
_ANEW = "start anew with --overwrite, or choose another --out"

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
    data = io.BytesIO()  # writing to a disk that is full, torch would say "unexpected pos"
    torch.save({"schema": _SCHEMA, **vars(state), **plain}, data)
    with replacing(path) as temporary:
        temporary.write_bytes(data.getbuffer())


def load_state(path: Path, config: str, dataset_id: str) -> State | None:
    """The state in a file, on the CPU, or None where there is no file. No code in it is run.

    Raises: RunError where it is damaged, or of other settings or another dataset.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file, checked(path):
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:  # torch does not look at these sums
                raise ValueError("wrong sums")
        file.seek(0)
        values = torch.load(file, map_location="cpu", weights_only=True)
        if values.pop("schema") != _SCHEMA:
            raise RunError(f"{path} was written by another version", _ANEW)
        history = TypeAdapter(list[Epoch]).validate_python(values["history"])
        started = TypeAdapter(Started).validate_python(values["started"])
        state = State(**{**values, "history": history, "started": started})
    if state.config != config:
        raise RunError(f"{path} belongs to other settings", _ANEW)
    if state.dataset_id != dataset_id:
        raise RunError(f"{path} belongs to another dataset", _ANEW)
    return state


@contextmanager
def checked(path: Path) -> Iterator[None]:
    """Raise RunError where what a file holds is not what was expected."""
    try:
        yield
    except Exception as error:  # zipfile, pickle, torch and pydantic raise many kinds
        if isinstance(error, RunError) or lacks_memory(error):
            raise
        raise RunError(f"{path} is damaged", _ANEW) from error


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
