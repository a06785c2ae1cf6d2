"""The DCT-I of batches: under it a blur with an even kernel and a `reflect101` border is a multiplication.

As matrix products: on the sizes that networks see they are as fast as Fourier transforms of the mirrored picture, and
every device and ONNX have them. Even and odd frequencies see the two halves of an axis added and subtracted, which
halves the work.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi

import numpy as np
import numpy.typing as npt
import torch

from deblurbench_baselines.networks import tracing


def cosine_transform(planes: torch.Tensor) -> torch.Tensor:
    """The DCT-I along the last two axes of float N x C x H x W, as float32; SciPy's type 1, not normalised."""
    return _along_rows(_along_rows(planes.float()).mT.contiguous()).mT


def inverse_cosine_transform(spectra: torch.Tensor) -> torch.Tensor:
    """What `cosine_transform` was made of."""
    return cosine_transform(spectra) / _gain(spectra)


def power(spectra: torch.Tensor) -> torch.Tensor:
    """The power of each coefficient, scaled so that white noise keeps its variance."""
    return spectra.square() / _gain(spectra)


def frequencies(size: int, device: torch.device) -> torch.Tensor:
    """The angular frequencies of the DCT-I of an axis: 0 .. pi radians per sample, float32."""
    places = torch.arange(size, device=device)
    return places * pi / torch.full_like(places, tracing.larger(size - 1, 1))


def _gain(spectra: torch.Tensor) -> int:
    height, width = spectra.shape[-2:]
    return tracing.larger(2 * height - 2, 1) * tracing.larger(2 * width - 2, 1)


def _along_rows(planes: torch.Tensor) -> torch.Tensor:
    """The transform of the last axis."""
    size = planes.shape[-1]
    if not torch.compiler.is_exporting() and size == 1:
        return planes
    even, odd = _matrices(size, planes.device)
    half = (size + 1) // 2  # the middle of an odd size belongs to both halves
    ahead, back = planes[..., :half], planes.flip(-1)[..., :half]
    mixed = torch.stack([(ahead + back) @ even, (ahead - back) @ odd], dim=-1)
    return mixed.flatten(-2)[..., :size]


def _matrices(size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    if torch.compiler.is_exporting():
        return _cosines(size, device)
    even, odd = (torch.from_numpy(matrix).to(device) for matrix in _kept(size))
    return even, odd


@lru_cache(maxsize=16)
def _kept(size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    # As arrays: a tensor that is made while a network is looked at with fake ones would be a fake for good.
    half = (size + 1) // 2
    places = np.arange(half)
    weights = np.where((places == 0) | (2 * places == size - 1), 1.0, 2.0)[:, None]
    even, odd = (places[:, None] * (2 * places + first) % (2 * size - 2) * (pi / (size - 1)) for first in (0, 1))
    return (np.cos(even) * weights).astype(np.float32), (np.cos(odd) * weights).astype(np.float32)


def _cosines(size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """For even and for odd frequencies, half x half: twice the cosines, once for the ends of an axis and its middle.

    The last odd frequency of an odd size does not exist; what stands there is cut off. `_kept` once more, in a form
    that can be traced for any size; of one sample, both halves are the whole.
    """
    places = torch.arange((size + 1) // 2, device=device)
    whole = torch.full_like(places, size)
    once = (places == 0) | (2 * places == whole - 1)
    weights = (2.0 - once.double() - 0.5 * (whole == 1))[:, None]
    period, scale = (2 * whole - 2).clamp(min=1), pi / (whole - 1).clamp(min=1).double()
    even, odd = (places[:, None] * (2 * places + first) % period for first in (0, 1))  # small angles: precise
    return (torch.cos(even * scale) * weights).float(), (torch.cos(odd * scale) * weights).float()
