"""Exact sums by PyTorch: direct float32 convolution for small kernels on the CPU, float64 Fourier transforms elsewhere.

Direct: partial sums of 8-bit samples stay below 2^24, so float32 is exact in any order of addition, but not in
another algorithm. PyTorch's NNPACK route transforms tiles in float32 and is wrong in the last digits; it is taken
for batches of 16 and more alone, never for the one picture, a channel a group, that is given here.

On a GPU nothing but float64 is used: TensorFloat-32 keeps 11 bits and is not exact.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from deblurbench.blur.fourier import fast_size
from deblurbench.blur.kernel import Kernel

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]

_DIRECT = 121  # taps, zeros counted: beyond 11 x 11 the transform is faster (measured)


def valid(levels: Array, kernel: Kernel, device: str) -> Array:
    """The exact sums where the kernel lies wholly inside: (H - h + 1) x (W - w + 1) x C as integers in some float.

    Args:
        levels: uint8, or integers of 0 .. 2^21 - 1, H x W x C, at least as large as the kernel.
        kernel: h x w taps.
        device: `cpu` or `cuda`.
    """
    import torch

    with torch.inference_mode():
        # int64 holds every level; PyTorch knows few unsigned types.
        whole = levels if levels.dtype == np.uint8 else levels.astype(np.int64)
        planes = torch.from_numpy(np.ascontiguousarray(whole)).to(device).permute(2, 0, 1)
        direct = device == "cpu" and levels.dtype == np.uint8 and kernel.taps.size <= _DIRECT
        sums = _direct(planes, kernel) if direct else _fourier(planes, kernel)
        return np.asarray(sums.permute(1, 2, 0).cpu().numpy())


on_cpu = partial(valid, device="cpu")
on_cuda = partial(valid, device="cuda")


def _direct(planes: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    import torch
    from torch.nn.functional import conv2d

    channels = planes.shape[0]
    taps = torch.from_numpy(kernel.taps[::-1, ::-1].astype(np.float32))  # PyTorch correlates
    return conv2d(planes[None].float(), taps.expand(channels, 1, *taps.shape), groups=channels)[0]


def _fourier(planes: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    import torch

    height, width = kernel.taps.shape
    rows, columns = planes.shape[1:]
    size = fast_size((rows, columns))
    spectrum = _spectrum(kernel.taps.tobytes(), kernel.taps.shape, size, str(planes.device))
    sums = []
    for plane in planes:
        product = torch.fft.rfft2(plane.double(), s=size) * spectrum
        sums.append(torch.fft.irfft2(product, s=size)[height - 1 : rows, width - 1 : columns].round())
    return torch.stack(sums)


@lru_cache(maxsize=4)
def _spectrum(data: bytes, shape: tuple[int, int], size: tuple[int, int], device: str) -> torch.Tensor:
    import torch

    taps = np.frombuffer(data, dtype=np.int32).reshape(shape).astype(np.float64)
    return torch.fft.rfft2(torch.from_numpy(taps).to(device), s=size)
