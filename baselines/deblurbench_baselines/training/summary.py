"""`model_summary.txt`: the layers of a network as a table, like the one that Keras prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deblurbench.files import write_text
from deblurbench_baselines.networks.count import printed_total, trainable_parameters

SUMMARY = "model_summary.txt"

_HEADER = ("layer", "kind", "output shape", "parameters", "MACs")


@dataclass
class _Layer:
    """What one run of the network tells of a module; figures are its own, without those of the modules in it."""

    name: str
    kind: str
    parameters: int
    leaf: bool
    shape: str = "not used"
    macs: int = 0


def write_summary(path: Path, networks: Mapping[str, nn.Module], size: tuple[int, int] = (256, 256)) -> None:
    """Write the summaries of networks, by name: of the one that restores and, if there is one, of its critic.

    `size`: height and width of their input, pixels.
    """
    write_text(path, "\n".join(f"{name}\n\n{layer_summary(network, size)}" for name, network in networks.items()))


def layer_summary(network: nn.Module, size: tuple[int, int] = (256, 256)) -> str:
    """A table of the layers in the order of their first use, for one picture of `size`, height and width.

    A layer is a module without others in it; one with others has a line of its own where it has parameters of its own
    or does such arithmetic itself. Parameters count as Keras does: running statistics are among them. MACs are the
    multiplications, each with its addition, of convolutions and matrix products, as torch's FlopCounterMode counts
    them; norms, Fourier transforms and what is done pixel by pixel are not among them.

    The network runs in its evaluation mode and on tensors without values: only shapes are worked out. So nothing of it
    is changed, nor its mode nor any random stream, and its size does not matter. The first call takes a second, to
    load what torch needs for that; others take hundredths.
    """
    layers = _layers(network, size)
    total, trainable = printed_total(network), trainable_parameters(network)
    lines = [
        *_table(layer for layer in layers if layer.leaf or layer.parameters or layer.macs),
        "",
        f"Total parameters: {total:,} (running statistics included)",
        f"Trainable parameters: {trainable:,}",
        f"Other parameters: {total - trainable:,}",
        f"MACs at {size[0]} x {size[1]}: {sum(layer.macs for layer in layers):,}",
    ]
    return "\n".join(lines) + "\n"


def _layers(network: nn.Module, size: tuple[int, int]) -> list[_Layer]:
    """All modules: those that are used in the order of their first use, then the others."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.func import functional_call
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    layers = {module: _layer(name, module) for name, module in network.named_modules()}
    # Tensors that have a shape and a device but no values. Not torch's device `meta`, which knows no autocast.
    with _evaluating(network), torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), counter:
        tensors = {name: torch.empty(t.shape, dtype=t.dtype) for name, t in _named_tensors(network)}
        with _recorded(layers, counter.get_total_flops) as used:
            functional_call(network, tensors, (torch.empty(1, 3, *size),))
    return list({layer.name: layer for layer in (*used, *layers.values())}.values())


def _layer(name: str, module: nn.Module) -> _Layer:
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    parameters = sum(t.numel() for tensor, t in own if tensor != "num_batches_tracked")
    return _Layer(name or "(whole)", type(module).__name__, parameters, not any(True for _ in module.children()))


def _named_tensors(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()


@contextmanager
def _recorded(layers: Mapping[nn.Module, _Layer], flops: Callable[[], int]) -> Iterator[list[_Layer]]:
    """Fill in shapes and MACs of all modules that are called inside; gives them in the order of their calls."""
    used: list[_Layer] = []
    inner = [0]  # per call that is going on: the flops of the calls in it, and at the bottom of all
    begun: list[int] = []

    def before(module: nn.Module, _inputs: Any) -> None:
        used.append(layers[module])
        begun.append(flops())
        inner.append(0)

    def after(module: nn.Module, _inputs: Any, output: Any) -> None:
        whole = flops() - begun.pop()
        layers[module].macs += (whole - inner.pop()) // 2  # a flop counter counts multiplication and addition
        inner[-1] += whole
        layers[module].shape = _shape(output)

    handles = [module.register_forward_pre_hook(before) for module in layers]
    handles += [module.register_forward_hook(after) for module in layers]
    try:
        yield used
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network in its evaluation mode; after it, each module is in the mode that it was in."""
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def _shape(output: Any) -> str:
    first = output[0] if isinstance(output, tuple | list) and output else output
    return " x ".join(map(str, first.shape[1:])) if isinstance(first, torch.Tensor) else type(output).__name__


def _table(layers: Iterable[_Layer]) -> Iterator[str]:
    """The lines of the table: text to the left, numbers to the right."""
    rows = [
        _HEADER,
        *((layer.name, layer.kind, layer.shape, f"{layer.parameters:,}", f"{layer.macs:,}") for layer in layers),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for i, row in enumerate(rows):
        cells = [
            cell.rjust(width) if column > 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if i == 0:
            yield "  ".join("-" * width for width in widths)
