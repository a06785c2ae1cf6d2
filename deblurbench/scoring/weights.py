"""Weights of learnt metrics: files that the user names by path and SHA-256. Nothing is ever downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.scoring.metrics.compared import Compared

if TYPE_CHECKING:
    import torch

    from deblurbench.scoring.protocol import Metric, Protocol

_HOW = "name each file as --weights FILE=SHA256"

Function = Callable[[Compared], float | None]


@dataclass(frozen=True)
class Weights:
    """A file's tensors by name, and the file's own name and SHA-256 (64 small hex digits)."""

    file: str
    sha256: str
    tensors: Mapping[str, torch.Tensor]


class NoWeightsError(UsageError):
    """None of the named files is what a metric needs."""


@dataclass(frozen=True)
class NeedsWeights:
    """Stands as a metric's function until its weights are given.

    Attributes:
        needs: which files, in words.
        load: from all named files the function and those files that it took. Raises NoWeightsError where none fits,
            UsageError where one that should fit is damaged.
    """

    needs: str
    load: Callable[[Sequence[Weights]], tuple[Function, tuple[Weights, ...]]]

    def __call__(self, pair: Compared) -> float | None:
        """Raises NoWeightsError."""
        raise NoWeightsError(f"no weights are given; needed: {self.needs}", _HOW)


def read_weights(named: str) -> Weights:
    """What `FILE=SHA256` names: PyTorch's own format (tensors alone, never code) or safetensors.

    Raises: UsageError where it names no file, or another one than its hash says, or no tensors by name are in it.
    """
    name, _, digest = named.rpartition("=")
    path, digest = Path(name), digest.lower()
    if not name or not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(f"{named!r} is no FILE=SHA256", f"`sha256sum {name or named}` prints the 64 digits")
    if not path.is_file():
        raise UsageError(f"no file {path}", "deblurbench downloads no weights: fetch them once yourself")
    found = sha256_file(path)
    if found != digest:
        raise UsageError(f"{path} has SHA-256 {found}, not {digest}", "it is another file, or a damaged one")
    return Weights(path.name, digest, _tensors(path))


def give_weights(
    protocols: Sequence[Protocol], named: Sequence[str], *, optional: Collection[str] = ()
) -> list[Protocol]:
    """The protocols with their weights, where they need some.

    Args:
        protocols: any; those that need no weights stay as they are.
        named: `FILE=SHA256`, in any order.
        optional: names of protocols that are left out, rather than refused, where no file fits them.

    Raises: UsageError where a protocol's weights are not among the files, a file is damaged, or no protocol takes it.
    """
    files = [read_weights(text) for text in dict.fromkeys(named)]
    ready = []
    for protocol in protocols:
        try:
            ready.append(with_weights(protocol, files))
        except NoWeightsError:
            if protocol.name not in optional:
                raise
    taken = {digest for protocol in ready for _, digest in protocol.weights}
    for file in files:
        if file.sha256 not in taken:
            raise UsageError(f"no protocol takes the weights {file.file}", "leave them out, or name their protocol")
    return ready


def with_weights(protocol: Protocol, files: Sequence[Weights]) -> Protocol:
    """The protocol with its metrics bound to their weights, and `weights` saying which. Raises as `give_weights`."""
    used: list[tuple[str, str]] = []
    metrics: list[Metric] = []
    for metric in protocol.metrics:
        function = metric.function
        if isinstance(function, NeedsWeights):
            try:
                function, taken = function.load(files)
            except NoWeightsError as error:
                raise NoWeightsError(f"{protocol.name}: {error.message}", error.hint) from error
            used += [(file.file, file.sha256) for file in taken]
        metrics.append(replace(metric, function=function))
    return replace(protocol, metrics=tuple(metrics), weights=tuple(used)) if used else protocol


def foreign(protocol: Protocol) -> list[str]:
    """The names of a protocol's files of weights that are not those of the published numbers."""
    return [name for name, digest in protocol.weights if digest not in protocol.recipe.source]


def lacking(needs: str, files: Sequence[Weights]) -> NoWeightsError:
    """The error for a metric whose files are not among those that were named."""
    seen = f" (none of {', '.join(file.file for file in files)} fits)" if files else ""
    return NoWeightsError(f"needs weights that are not part of deblurbench: {needs}{seen}", _HOW)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both raise kinds of their own, some with pages of advice
        hint = "give the published file: tensors by name, as PyTorch or, called .safetensors, safetensors saves them"
        raise UsageError(f"{path} holds no weights that can be read safely", hint) from error
    if not isinstance(found, dict) or not all(map(_is_plain, found.values())):
        raise UsageError(f"{path} holds no tensors by name", "a state_dict is needed, not a whole model")
    return found


def _is_plain(value: object) -> bool:
    """Whether it is a tensor whose numbers are all there: neither sparse nor nested nor a stand-in on no device."""
    import torch

    if not isinstance(value, torch.Tensor) or value.is_nested:
        return False
    return value.layout == torch.strided and value.device.type == "cpu"
