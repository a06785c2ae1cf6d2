"""Running sums of the terms of a loss, kept on the device so that nothing waits for it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from deblurbench_baselines.training.processes import Processes


class Sums:
    """Sums of terms, each times its number of crops, float64; and what they were at the last look."""

    def __init__(self, device: torch.device, sums: Mapping[str, float], looked: Mapping[str, float]) -> None:
        self._device = device
        self._sums = {name: self._number(value) for name, value in sums.items()}
        self._looked = dict(looked)

    def add(self, terms: Mapping[str, torch.Tensor], crops: int) -> None:
        """Take in the means of one step."""
        for name, value in terms.items():
            if name not in self._sums:
                self._sums[name] = self._number(0.0)
            self._sums[name] += value.double() * crops

    def values(self, processes: Processes) -> dict[str, float]:
        """The sums over all processes; this waits for the device."""
        own = {name: float(value) for name, value in self._sums.items()}
        gathered = processes.gather(own)
        names = sorted({name for of in gathered for name in of})
        return {name: sum(of.get(name, 0.0) for of in gathered) for name in names}

    def look(self, values: Mapping[str, float], crops: int) -> dict[str, float]:
        """The means over the `crops` since the last look of `values`, which are looked at now."""
        means = {name: (value - self._looked.get(name, 0.0)) / crops for name, value in values.items()}
        self._looked = dict(values)
        return means

    @property
    def looked(self) -> Mapping[str, float]:
        """The values at the last look."""
        return self._looked

    def _number(self, value: float) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, device=self._device)
