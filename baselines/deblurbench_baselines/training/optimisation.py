"""From a loss to changed weights: optimisers, mixed precision, clipping, averaging."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from deblurbench_baselines.training.processes import Processes
from deblurbench_baselines.training.settings import TrainingSettings

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """The context in which networks compute: off for float32."""
    dtype = _DTYPES[settings.precision]
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


class Optimiser:
    """An optimiser over a network's parameters, and all that stands between a loss and its step."""

    def __init__(
        self,
        settings: TrainingSettings,
        network: nn.Module,
        device: torch.device,
        processes: Processes,
        betas: tuple[float, float] | None = None,
    ) -> None:
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
        self._optimiser = kind(
            self._parameters,
            lr=settings.learning_rate,
            betas=betas or settings.betas,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
        self._clip, self._processes = settings.clip, processes

    def backward(self, loss: torch.Tensor) -> None:
        """Add the loss's gradients to those of the parameters."""
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self, rate: float) -> None:
        """Change the weights by the gradients so far, with a learning rate, and forget the gradients."""
        self._processes.average_gradients(self._parameters)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        if self._clip is not None:
            self._scaler.unscale_(self._optimiser)
            nn.utils.clip_grad_norm_(self._parameters, self._clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"optimiser": self._optimiser.state_dict(), "scaler": self._scaler.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])


class MovingAverage:
    """The exponential moving average of a network's parameters; running statistics are those of the last step.

    Attributes:
        network: the averaged network.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).requires_grad_(False)
        self._source, self._decay, self._steps = network, decay, 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are after a step.

        Early on less is kept, (1 + n) / (10 + n) after n steps, or a short training would be its random start.
        """
        keep = min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        torch._foreach_lerp_(list(self.network.parameters()), list(self._source.parameters()), 1 - keep)
        for buffer, source in zip(self.network.buffers(), self._source.buffers(), strict=True):
            buffer.copy_(source)

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"network": self.network.state_dict(), "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        self.network.load_state_dict(state["network"])
        self._steps = state["steps"]
