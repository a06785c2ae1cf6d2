"""Files of weights: what they say of themselves, and the mean of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import RunError, UsageError
from deblurbench.files import canonical_json, replacing, sha256_file, sha256_text
from deblurbench.runs.model import Model, read_metadata

Tensors = dict[str, npt.NDArray[Any]]

_ALIGNMENT = 8  # of the header of a safetensors file, bytes


def average_weights(models: Sequence[Model], out: Path) -> None:
    """Write the mean of several models' weights as a model of its own, whole or not at all.

    It is for the weights of one training, or of several that began with the same ones: a mean of weights that were
    found apart restores nothing. Floats are averaged in float64, running statistics of BatchNorm as well; counters are
    taken from the first model, as are the settings that the file carries. Its key `averaged` says of what it is the
    mean: the SHA-256 of each file of weights, that of its settings, and the dataset.

    Raises: UsageError where there is only one model, one has no weights, or they are of different networks; RunError
        where a file is damaged.
    """
    if len(models) < 2:
        raise UsageError("an average needs two models or more", "name their run folders or weights files")
    files = [_weights_of(model) for model in models]
    first = models[0]
    for model, file in zip(models[1:], files[1:], strict=True):
        _check_alike(first, model, file)
    metadata = [dict(read_metadata(file)) for file in files]
    averaged = [_source(file, said) for file, said in zip(files, metadata, strict=True)]
    merged = {key: text for key, text in metadata[0].items() if key != "averaged"}
    if len({said.get("dataset_id") for said in metadata}) > 1:
        merged.pop("dataset_id", None)  # of no single dataset
    write_weights(out, _mean(files), merged | {"averaged": canonical_json(averaged)})


def _weights_of(model: Model) -> Path:
    if model.weights is None:
        raise UsageError(f"{model.baseline.name} has no weights", "only trained models can be averaged")
    return model.weights


def _check_alike(first: Model, model: Model, file: Path) -> None:
    """Raise UsageError where two models are not of the same network."""
    one, other = ((m.baseline.name, m.config.as_dict().get("network")) for m in (first, model))
    if one != other:
        what = "baseline" if one[0] != other[0] else "network"
        raise UsageError(
            f"{file} is of another {what} than {first.weights}", "`predict --with` averages what different models give"
        )


def _source(file: Path, said: Mapping[str, str]) -> dict[str, str]:
    source = {"weights_sha256": sha256_file(file), "config_sha256": sha256_text(said["config"])}
    return source | ({"dataset_id": said["dataset_id"]} if "dataset_id" in said else {})


def _mean(files: Sequence[Path]) -> Tensors:
    """The mean of each tensor of floats; the first file's of the others."""
    first = _read(files[0])
    sums = {name: tensor.astype(np.float64) for name, tensor in first.items() if tensor.dtype.kind == "f"}
    for file in files[1:]:
        tensors = _read(file)
        shapes = [{name: tensor.shape for name, tensor in of.items()} for of in (first, tensors)]
        if shapes[0] != shapes[1]:
            raise RunError(f"{file} does not have the tensors of {files[0]}", "name files of the same network")
        for name in sums:
            sums[name] += tensors[name]
    return {name: (sums[name] / len(files)).astype(t.dtype) if name in sums else t for name, t in first.items()}


def _read(file: Path) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors: Tensors = load_file(file)
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:  # the last three: no NumPy type
        raise RunError(f"the weights in {file} cannot be read", str(error)) from error
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise RunError(f"{file} holds numbers that are not finite ({name})", "its training failed; leave it out")
    return tensors


def write_weights(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all. Equal tensors and metadata give equal bytes."""
    from safetensors.numpy import save

    contiguous = {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
    data = with_sorted_header(save(contiguous, metadata=dict(metadata)))
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def with_sorted_header(data: bytes) -> bytes:
    """The same safetensors file with its header in one order: the library's own differs from run to run.

    Format: 8 bytes little-endian length, a JSON header padded with spaces, the tensors.
    """
    size = int.from_bytes(data[:8], "little")
    header = canonical_json(json.loads(data[8 : 8 + size])).encode("ascii")
    header += b" " * (-len(header) % _ALIGNMENT)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]
