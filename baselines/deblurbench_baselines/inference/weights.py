"""Weights on disk: safetensors alone, since a pickle can run code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from deblurbench.errors import RunError
from deblurbench.files import replacing
from deblurbench.runs.weights_file import with_sorted_header

_MOST_KEYS = 5  # named in an error; the rest is counted


def save_weights(path: Path, network: nn.Module, metadata: Mapping[str, str]) -> None:
    """Write a network's parameters and running statistics with `metadata`, whole or not at all.

    Equal weights and metadata give equal bytes.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = with_sorted_header(save(tensors, metadata=dict(metadata)))
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network, which may be one of shapes alone, with the weights of a safetensors file, on the CPU.

    It takes memory only once the file is known to fit.

    Raises: RunError where the file is missing, no safetensors file, or of another network.
    """
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise RunError(f"no weights at {path}", "train the baseline first") from error
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} is not a safetensors file", str(error)) from error
    wanted = network.state_dict()
    both = wanted.keys() & tensors.keys()
    floats = {key for key, tensor in wanted.items() if tensor.is_floating_point()}
    problems = [
        _named("missing", wanted.keys() - tensors.keys()),
        _named("unexpected", tensors.keys() - wanted.keys()),
        _named("wrong shape", [key for key in both if wanted[key].shape != tensors[key].shape]),
        _named("no floats", [key for key in floats & both if not tensors[key].is_floating_point()]),
    ]
    if any(problems):
        raise RunError(f"{path} does not fit the network", "; ".join(problem for problem in problems if problem))
    network.to_empty(device="cpu").load_state_dict(tensors)


def _named(problem: str, keys: set[str] | list[str]) -> str:
    if not keys:
        return ""
    shown = sorted(keys)[:_MOST_KEYS]
    more = f" and {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
    return f"{problem}: {', '.join(shown)}{more}"
