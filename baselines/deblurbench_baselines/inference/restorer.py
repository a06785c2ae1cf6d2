"""A network as a function from pictures to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from deblurbench.errors import RunError
from deblurbench.images.original import AnyLevels, Levels
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.composed import compose
from deblurbench.runs.inference import WHOLE, Floats, Inference
from deblurbench.runs.tiles import to_levels
from deblurbench_baselines.failures import explained
from deblurbench_baselines.free_memory import free_bytes
from deblurbench_baselines.inference.memory import bytes_per_pixel
from deblurbench_baselines.inference.weights import load_weights
from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.networks.shapes import shaped
from deblurbench_baselines.tensors import place, to_batch, to_picture, torch_device

_SMALL = 1 << 20  # pixels for which there is room wherever a network runs at all: nothing is measured for them
_SHARE = 0.5  # of the free memory that a picture may take
_MARGIN = 1.5  # times the tensors that are counted: 1.0 to 1.5 is what networks really took [measured]


class NetworkRestorer:
    """Restores whole pictures with a network in its evaluation mode; a `FloatRestorer`.

    The network is left in that mode: BatchNorm uses its running statistics, dropout is off.

    Args:
        network: maps float N x 3 x H x W in [0, 1] to the same shape.
        device: where its weights are.
        multiple: pixels per step of its lowest resolution.
        dtype: of its arithmetic: float32, or mixed with bfloat16.
        reads_rounding: whether it is given 8 bits of a picture that has 16; what lies beyond is added in the end.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        *,
        multiple: int = 1,
        dtype: torch.dtype = torch.float32,
        reads_rounding: bool = False,
    ) -> None:
        self.multiple = multiple
        self._network = network.eval()
        self._device = device
        self._dtype = dtype
        self._reads_rounding = reads_rounding

    def __call__(self, picture: AnyLevels) -> AnyLevels:
        """Restore uint8 or uint16, H x W x 3; returns the same type and shape, clipped and rounded.

        Raises: RunError where the memory does not suffice, or the output is not finite.
        """
        output = self._output([picture])[0]
        levels = to_picture(output) if picture.dtype == np.uint8 else to_levels(_to_floats(output), picture)
        return cast(AnyLevels, levels)

    def floats(self, pictures: Sequence[Levels]) -> Floats:
        """Restore pictures of one shape and type: float32 N x H x W x 3, near [0, 1], not clipped.

        Raises: as above.
        """
        return np.stack([_to_floats(output) for output in self._output(pictures)])

    def _output(self, pictures: Sequence[Levels]) -> torch.Tensor:
        """Float32 N x 3 x H x W, finite."""
        mixed = self._dtype != torch.float32
        with (
            torch.inference_mode(),
            explained("use smaller pictures, or smaller tiles (predict --tile 256)"),
            torch.autocast(self._device.type, dtype=self._dtype if mixed else torch.bfloat16, enabled=mixed),
        ):
            batch, beyond = _to_batch(pictures, self._device), None
            if self._reads_rounding and pictures[0].dtype != np.uint8:
                rounded = (batch * 255).round() / 255
                batch, beyond = rounded, batch - rounded
            output = self._network(batch) if beyond is None else self._network(batch) + beyond
            output = cast(torch.Tensor, output).float()
            if not bool(torch.isfinite(output).all()):
                raise RunError("the network's output is not finite", "its weights are damaged; train it again")
            return output

    def has_room(self, count: int, height: int, width: int) -> bool:
        """Whether the memory will probably suffice for so many pictures of that size at once."""
        pixels = count * height * width
        return pixels <= _SMALL or pixels * self._bytes_per_pixel * _MARGIN <= _SHARE * free_bytes(self._device)

    @cached_property
    def _bytes_per_pixel(self) -> float:
        with explained("use another device"):
            return bytes_per_pixel(self._network, self._device)


def _to_floats(output: torch.Tensor) -> Floats:
    """3 x H x W as H x W x 3."""
    return np.ascontiguousarray(output.permute(1, 2, 0).cpu().numpy())


def _to_batch(pictures: Sequence[Levels], device: torch.device) -> torch.Tensor:
    """float32 N x 3 x H x W in [0, 1], in channels-last order."""
    if pictures[0].dtype == np.uint8:
        return to_batch(pictures, device)  # type: ignore[arg-type]
    stacked = np.stack([np.ascontiguousarray(picture) for picture in pictures]).astype(np.float32)
    return torch.from_numpy(stacked).to(device).permute(0, 3, 1, 2).div_(65535)


def load_restorer(settings: NetworkSettings, weights: Path, device: str, inference: Inference = WHOLE) -> Restorer:
    """The network that the settings describe, with the weights of a safetensors file, on a device.

    Raises: RunError where the weights are missing or do not fit; UsageError for an unknown device, and where tiles are
        too small for the network.
    """
    where = torch_device(device)
    network = place(load_network(settings, weights), where)
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[inference.precision]
    restorer = NetworkRestorer(
        network, where, multiple=settings.multiple, dtype=dtype, reads_rounding=settings.reads_rounding
    )
    return compose([restorer], inference)


def load_network(settings: NetworkSettings, weights: Path) -> nn.Module:
    """The network that the settings describe, with the weights of a safetensors file, on the CPU.

    Raises: RunError where the weights are missing or do not fit.
    """
    network = shaped(settings.build)
    load_weights(network, weights)
    return network
