"""What people hand to `deblurbench.score`, as pictures: files, arrays, torch tensors, and sequences of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import UsageError
from deblurbench.scoring.pictures.pairing import Source

if TYPE_CHECKING:
    import torch

    One = str | Path | npt.NDArray[Any] | torch.Tensor
    Pictures = One | Sequence[One]

_ARRAYS = "arrays are H x W, H x W x 3 or N x H x W x 3 (RGB)"
_TENSORS = "tensors are 3 x H x W, 1 x H x W or N x 3 x H x W (RGB)"
_VALUES = "give uint8 in 0 .. 255 or floats in 0 .. 1"
_OVERSHOOT = 0.5
"""How far a floating prediction may lie outside 0 .. 1; what is further out is on another scale, or has diverged."""


def pictures_of(given: Pictures, what: str, *, overshoot: bool = False) -> list[Source]:
    """Each picture as a file or an array (H x W or H x W x 3, uint8, float32 or float64).

    Args:
        given: a file, an array, a tensor, a batch of them, or a list or tuple of single ones.
        what: what an error calls them, such as `prediction`.
        overshoot: whether floats may lie a little outside 0 .. 1.

    Raises: UsageError where it is none of these, may be read in two ways, or holds other values.
    """
    if isinstance(given, (list, tuple)):
        return [_single(one, f"{what} {i}", overshoot) for i, one in enumerate(given)]
    if isinstance(given, (str, Path)):
        return [Path(given)]
    return [_checked(picture, what, overshoot) for picture in _split(given, what)]


def is_tensor(given: object) -> bool:
    """Whether it is a torch tensor; torch is not imported to find out."""
    return any(kind.__module__ == "torch" and kind.__name__ == "Tensor" for kind in type(given).__mro__)


def _single(one: One, what: str, overshoot: bool) -> Source:
    if isinstance(one, (list, tuple)):
        raise UsageError(f"{what} is a {type(one).__name__}", "give one flat list of files, arrays or tensors")
    pictures = pictures_of(one, what, overshoot=overshoot)
    if len(pictures) != 1:
        raise UsageError(f"{what} is a batch of {len(pictures)}", "give batches alone, or lists of single pictures")
    return pictures[0]


def _split(given: Any, what: str) -> list[npt.NDArray[Any]]:
    """An array or a tensor as pictures whose channels are last."""
    if is_tensor(given):
        return _of_tensor(given, what)
    if isinstance(given, np.ndarray):
        return _of_array(given, what)
    raise UsageError(
        f"the {what} is a {type(given).__name__}",
        "give a folder, a file, a NumPy array, a torch tensor or a list of them",
    )


def _of_array(array: npt.NDArray[Any], what: str) -> list[npt.NDArray[Any]]:
    shape = array.shape
    if array.size and array.ndim == 2:
        return [array]
    if not array.size or array.ndim not in (3, 4) or shape[-1] != 3:
        channels_first = array.ndim in (3, 4) and shape[-3] == 3
        hint = f": numpy.moveaxis(array, {-3}, -1) puts the channels last" if channels_first else ""
        raise UsageError(f"the {what} is an array {_words(shape)}", _ARRAYS + hint)
    if shape[-3] == 3:
        raise UsageError(
            f"the {what} is an array {_words(shape)}: either 3 may be the colours", "score larger pictures"
        )
    return [array] if array.ndim == 3 else list(array)


def _of_tensor(tensor: torch.Tensor, what: str) -> list[npt.NDArray[Any]]:
    shape = tuple(tensor.shape)
    if not tensor.numel() or len(shape) not in (3, 4) or shape[-3] not in (1, 3):
        channels_last = len(shape) in (3, 4) and shape[-1] == 3
        order = "0, 3, 1, 2" if len(shape) == 4 else "2, 0, 1"
        hint = f": tensor.permute({order}) puts the channels first" if channels_last else ""
        raise UsageError(f"the {what} is a tensor {_words(shape)}", _TENSORS + hint)
    if shape[-1] == 3:
        raise UsageError(
            f"the {what} is a tensor {_words(shape)}: its last 3 may be the colours", "score wider pictures"
        )
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.float()  # NumPy has no bfloat16
    array = np.moveaxis(tensor.detach().cpu().numpy(), -3, -1)
    array = array[..., 0] if shape[-3] == 1 else array
    return [array] if len(shape) == 3 else list(array)


def _checked(picture: npt.NDArray[Any], what: str, overshoot: bool) -> npt.NDArray[Any]:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype.kind != "f":
        raise UsageError(f"the {what} is of {picture.dtype}", _VALUES)
    if not np.isfinite(picture).all():
        raise UsageError(f"the {what} holds what is not finite (NaN or infinity)", _VALUES)
    low, high = float(picture.min()), float(picture.max())
    room = _OVERSHOOT if overshoot else 0.0
    if low < -room or high > 1 + room:
        clamp = ", or clamp them first" if overshoot else ""
        raise UsageError(f"the {what} holds floats from {low:.4g} to {high:.4g}", f"{_VALUES}{clamp}")
    return np.ascontiguousarray(picture, np.float64 if picture.dtype.itemsize > 4 else np.float32)


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if shape else "of no dimension"
