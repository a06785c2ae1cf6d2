"""A network as an ONNX file: for programs that have no torch. What is written was run first, and compared."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from deblurbench.errors import RunError, UsageError
from deblurbench.files import replacing
from deblurbench.images.codec import Picture

TOLERANCE = 1e-4
"""How far outputs of ONNX Runtime may be from torch's, for a range of [0, 1]."""

INPUT, OUTPUT = "blurred", "restored"
_SHAPE = ("batch", 3, "height", "width")
# Batch, height and width of what is always compared. Some networks look at windows as large as a crop once a picture
# is larger: one is.
_COMPARED = ((2, 61, 83), (1, 40, 640))
_LARGEST = 2_000_000_000  # bytes: protobuf's limit is 2^31


def export_onnx(
    network: nn.Module, out: Path, *, opset: int, metadata: Mapping[str, str], pictures: Sequence[Picture] = ()
) -> float:
    """Write a network as ONNX, whole or not at all, for any batch, height and width.

    The file's input `blurred` and output `restored` are float32 N x 3 x H x W in [0, 1]; the output is not clipped.

    Args:
        network: maps float N x 3 x H x W to the same shape; on the CPU.
        opset: of the operators, 18 to 23.
        metadata: goes into the file's `metadata_props`.
        pictures: uint8 H x W x 3, compared besides two random batches of different sizes.

    Returns: the largest difference between ONNX Runtime's and torch's output.

    Raises: UsageError where the extra `onnx` is not installed; RunError where the network cannot be exported, or the
        outputs differ by more than `TOLERANCE`.
    """
    _check_installed()
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > _LARGEST:
        raise RunError(f"a network of {size / 1e9:.1f} GB does not fit into an ONNX file", "the limit is 2 GB")
    model = _convert(network.eval(), opset)
    _tidy(model, metadata)
    data: bytes = model.SerializeToString()
    difference = _difference(network, data, [*_random_batches(), *map(_batch, pictures)])
    if not difference <= TOLERANCE:
        raise RunError(
            f"ONNX Runtime's output differs from torch's by {difference:.2g}, more than {TOLERANCE:g}",
            f"{out.name} was not written; try another --opset",
        )
    with replacing(out) as temporary:
        temporary.write_bytes(data)
    return difference


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        what = f"export-onnx needs {error.name or 'onnx'}"
        raise UsageError(what, "pip install 'deblurbench[onnx]'") from error


def _convert(network: nn.Module, opset: int) -> Any:
    """The network as an onnx.ModelProto."""
    example = torch.rand(2, 3, 37, 45, generator=torch.Generator().manual_seed(1))
    any_size = {axis: name for axis, name in enumerate(_SHAPE) if isinstance(name, str)}
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                network,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=opset,
                dynamic_shapes=(any_size,),
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        cause = next((line for line in reversed(str(error).splitlines()) if line.startswith("<class")), "")
        raise RunError(f"this network cannot be exported to ONNX (opset {opset})", cause) from error
    if program is None:
        raise RunError("torch gave no ONNX program")
    return program.model_proto


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, of packages that are not needed and of torch's own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _tidy(model: Any, metadata: Mapping[str, str]) -> None:
    """Put the metadata in; take out the notes of the exporter, most of the file of a small network."""
    graph = model.graph
    del graph.value_info[:]
    noted = [graph, *graph.node, *graph.input, *graph.output, *graph.initializer]
    for function in model.functions:
        noted += [function, *function.node]
    for part in noted:
        del part.metadata_props[:]
    for dim, name in zip(graph.output[0].type.tensor_type.shape.dim, _SHAPE, strict=True):
        dim.Clear()
        if isinstance(name, str):
            dim.dim_param = name
        else:
            dim.dim_value = name
    graph.input[0].doc_string = "float32 N x 3 x H x W, RGB in [0, 1]: bytes divided by 255"
    graph.output[0].doc_string = "of the same shape; clip to [0, 1], times 255, round to get bytes"
    for key, value in sorted(metadata.items()):
        model.metadata_props.add(key=key, value=value)


def _random_batches() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.rand(count, 3, height, width, generator=generator) for count, height, width in _COMPARED]


def _batch(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float().div(255)


def _difference(network: nn.Module, data: bytes, batches: Sequence[torch.Tensor]) -> float:
    """The largest difference between both outputs; infinite where shapes differ or one is not finite.

    Where an output goes far beyond [0, 1], as on noise that is taken for a blurred picture, it is a share of that.
    """
    largest = 0.0
    for batch in batches:
        with torch.inference_mode():
            wanted = network(batch).numpy()
        got = _run(data, batch.contiguous().numpy())
        if got.shape != wanted.shape or not (np.isfinite(got).all() and np.isfinite(wanted).all()):
            return float("inf")
        largest = max(largest, float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max())))
    return largest


def _run(data: bytes, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is said once, by us
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (output,) = session.run([OUTPUT], {INPUT: batch})
    except Exception as error:  # its errors have no common type but Exception
        raise RunError("ONNX Runtime cannot run this network", str(error).splitlines()[0]) from error
    result: npt.NDArray[np.float32] = output
    return result
