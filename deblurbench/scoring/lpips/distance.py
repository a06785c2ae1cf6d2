"""The distance: how much the features of two pictures differ, weighted by what people see."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deblurbench.errors import UsageError
from deblurbench.scoring.lpips.nets import Net
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.weights import Weights, lacking

if TYPE_CHECKING:
    import torch

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of RGB in -1 .. 1: ImageNet's means and spreads
_EPS = 1e-10  # beside the length of a feature vector


class Lpips:
    """A metric's function: LPIPS 0.1 of a pair of RGB pictures, 0 for equal ones, in float32 on the CPU.

    After each of the five stages the features of each pixel are scaled to length 1, their squared differences
    weighted by channel, averaged over pixels and added up over the stages.
    """

    def __init__(self, net: Net, backbone: Mapping[str, torch.Tensor], linear: Mapping[str, torch.Tensor]) -> None:
        self._net, self._backbone = net, backbone
        self._linear = [linear[_linear_key(stage)] for stage in range(len(net.stages))]
        self._alone = threading.Lock()  # each picture uses all cores, and much memory

    def __call__(self, pair: Compared) -> float | None:
        """None where the pictures are not RGB, or too small for the network."""
        shape = pair.sharp.shape
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < self._net.least:
            return None
        import torch

        pictures = np.stack([pair.prediction, pair.sharp]) / (pair.peak / 2) - 1
        with torch.inference_mode(), self._alone:
            values = torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2)
            distance = self._distance((values - _channels(_SHIFT)) / _channels(_SCALE))
        if not math.isfinite(distance):
            raise UsageError("LPIPS with these weights is no finite number", "they are not those of a trained network")
        return distance

    def _distance(self, values: torch.Tensor) -> float:
        import torch
        from torch.nn import functional

        total = 0.0
        for number, (stage, weights) in enumerate(zip(self._net.stages, self._linear, strict=True)):
            if number in self._net.pooled:
                values = functional.max_pool2d(values, self._net.pool, stride=2)
            for conv in stage:
                weight, bias = (self._backbone[f"features.{conv.layer}.{part}"] for part in ("weight", "bias"))
                values = functional.conv2d(values, weight, bias, conv.stride, conv.padding).relu_()
            lengths = torch.linalg.vector_norm(values, dim=1, keepdim=True)
            x, y = values / (lengths + _EPS)
            total += float((weights[0] * (x - y).square_()).sum(0).mean())
        return total


def load(net: Net, files: Sequence[Weights]) -> tuple[Lpips, tuple[Weights, ...]]:
    """The metric of a network with the weights among `files` that fit it, and those files.

    Raises: NoWeightsError where one is lacking, UsageError where one is incomplete.
    """
    first = net.stages[0][0]
    size = (first.outputs, first.inputs, first.size, first.size)
    backbone = _find(files, f"features.{first.layer}.weight", size)
    second = _linear_key(1)  # the networks have as many channels after stage 0
    linear = _find(files, second, (1, net.channels[1], 1, 1))
    if backbone is None or linear is None:
        raise lacking(net.needs, files)
    tensors = _checked(backbone, net, _backbone_shapes(net)), _checked(linear, net, _linear_shapes(net))
    return Lpips(net, *tensors), (backbone, linear)


def _find(files: Sequence[Weights], key: str, shape: tuple[int, ...]) -> Weights | None:
    """The first file that has a tensor of this name and shape."""
    return next((file for file in files if key in file.tensors and tuple(file.tensors[key].shape) == shape), None)


def _checked(file: Weights, net: Net, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The tensors of these names in float32. Raises UsageError where one is missing, misshapen or not finite."""
    for key, shape in shapes.items():
        found = file.tensors.get(key)
        if found is None:
            raise UsageError(f"{file.file} is no whole file for {net.name}", f"{key} is missing")
        if tuple(found.shape) != shape:
            raise UsageError(f"{file.file} is no file for {net.name}", f"{key} is {tuple(found.shape)}, not {shape}")
        if not found.is_floating_point() or not found.float().isfinite().all():
            raise UsageError(f"{file.file} is no file for {net.name}", f"{key} holds what is no finite number")
    return {key: file.tensors[key].float() for key in shapes}


def _backbone_shapes(net: Net) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for conv in (conv for stage in net.stages for conv in stage):
        shapes[f"features.{conv.layer}.weight"] = (conv.outputs, conv.inputs, conv.size, conv.size)
        shapes[f"features.{conv.layer}.bias"] = (conv.outputs,)
    return shapes


def _linear_shapes(net: Net) -> dict[str, tuple[int, ...]]:
    return {_linear_key(stage): (1, channels, 1, 1) for stage, channels in enumerate(net.channels)}


def _linear_key(stage: int) -> str:
    return f"lin{stage}.model.1.weight"


def _channels(values: Sequence[float]) -> torch.Tensor:
    import torch

    return torch.tensor(values)[None, :, None, None]
