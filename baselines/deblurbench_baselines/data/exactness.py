"""The proof, before a pixel is used, that crops are made exactly on this machine: as `blur.engines` does for engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch

from deblurbench.blur.border import extend
from deblurbench.blur.engines import plain
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.blur.light import STORED, curve
from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench_baselines.data.crop_kernel import CropKernel
from deblurbench_baselines.data.crops import Crops, CropSource
from deblurbench_baselines.data.device_crops import DeviceCrops
from deblurbench_baselines.data.frames import Frames, pack
from deblurbench_baselines.data.host_crops import HostCrops, loops
from deblurbench_baselines.data.sampler import Crop, cut

_SIDE = 24
_END = (1 << 32) - 1


def crops_of(frames: Frames, side: int) -> Crops:
    """What makes crops of `side` pixels where the frames lie.

    Raises: RunError where it does not compute exactly on this machine.
    """
    device = frames.pixels.device
    make = _maker(device)
    if not _is_exact(device):
        raise RunError(
            f"crops are not blurred exactly on {device}: this build of torch or numba computes otherwise",
            "train from a loader (feed=loader), and please report it with the versions of torch and numba",
        )
    return make(frames, side)


def _maker(device: torch.device) -> Callable[[Frames, int], Crops]:
    code = loops() if device.type == "cpu" else None
    return DeviceCrops if code is None else lambda frames, side: HostCrops(frames, side, code)


@lru_cache(maxsize=8)
def _is_exact(device: torch.device) -> bool:
    return agrees(_maker(device), device)


def agrees(make: Callable[[Frames, int], Crops], device: torch.device) -> bool:
    """Whether crops at all borders, by kernels of each kind, are those of the plain integer reference."""
    picture = (np.arange(31 * 37 * 3, dtype=np.int64) * 2_654_435_761 >> 13).astype(np.uint8).reshape(31, 37, 3)
    picture[:, :20] |= 254  # bright, so that sums come near 2^24
    frames = pack([picture], device)
    for kernel in _probes():
        for light in (STORED, "srgb"):
            blurred = _reference(picture, kernel, light)
            sources = [CropSource(crop, 0, 0, CropKernel(kernel), light) for crop in _corners()]
            batch = make(frames, _SIDE).batch(sources)
            for side, whole in ((batch.blur, blurred), (batch.sharp, picture)):
                wanted = np.stack([cut(whole, crop, _SIDE) for crop in _corners()]).astype(np.float32) / np.float32(255)
                if not np.array_equal(side.permute(0, 2, 3, 1).cpu().numpy(), wanted):
                    return False
    return True


def _reference(picture: Picture, kernel: Kernel, light: str) -> Picture:
    response = curve(light)
    return response.to_stored(plain(extend(response.to_linear(picture), kernel.taps.shape), kernel), 16)


def _corners() -> Iterator[Crop]:
    for number, (down, right) in enumerate([(0, 0), (0, _END), (_END, 0), (_END, _END)]):
        yield Crop(1, number, 0, down, right, 2 * number + number // 2 % 2)


def _probes() -> Iterator[Kernel]:
    """Two lines, scattered taps, and a dense kernel larger than the picture."""
    line = np.array([1, 4, 6, 4, 1])
    sparse = np.zeros((9, 14))
    sparse.flat[::11] = 1
    dense = np.arange(45 * 41).reshape(45, 41) * 37 % 64 + 1
    for weights in (np.outer(line, line), sparse, dense):
        yield quantise(weights)
