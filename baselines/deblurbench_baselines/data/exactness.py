"""The proof that crops are made exactly on this machine, before one is used: as `blur.engines` does for engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch

from deblurbench.blur.border import extend
from deblurbench.blur.camera import Camera
from deblurbench.blur.camera.noise import Noise
from deblurbench.blur.camera.sensor import WhiteBalance
from deblurbench.blur.engines import plain
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.blur.light import STORED, curve
from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench_baselines.data.crop_kernel import CropKernel
from deblurbench_baselines.data.crops import CropCamera, Crops, CropSource
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
            "use --feed loader, and please report it with the versions of torch and numba",
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
    for kernel, light, camera in _probes():
        blurred = _reference(picture, kernel, light)
        crops = list(_corners())
        sources = [CropSource(crop, 0, 0, CropKernel(kernel), light, camera) for crop in crops]
        batch = make(frames, _SIDE).batch(sources)
        wanted = [cut(_exposed(blurred, crop, camera), crop, _SIDE) for crop in crops]
        if not _equal(batch.blur, wanted) or not _equal(batch.sharp, [cut(picture, crop, _SIDE) for crop in crops]):
            return False
    return True


def _equal(ours: torch.Tensor, wanted: list[Picture]) -> bool:
    return np.array_equal(ours.permute(0, 2, 3, 1).cpu().numpy(), np.stack(wanted).astype(np.float32) / np.float32(255))


def _reference(picture: Picture, kernel: Kernel, light: str) -> Picture:
    response = curve(light)
    return response.to_stored(plain(extend(response.to_linear(picture), kernel.taps.shape), kernel), 16)


def _exposed(blurred: Picture, crop: Crop, camera: CropCamera | None) -> Picture:
    """A crop of the blurred picture as its camera gives it, not yet turned."""
    upright = cut(blurred, crop._replace(orientation=0), _SIDE)
    return upright if camera is None else camera.camera.apply(upright, upright, camera.draws).blurred


def _corners() -> Iterator[Crop]:
    for number, (down, right) in enumerate([(0, 0), (0, _END), (_END, 0), (_END, _END)]):
        yield Crop(1, number, 0, down, right, 2 * number + number // 2 % 2)


def _probes() -> Iterator[tuple[Kernel, str, CropCamera | None]]:
    """Two lines, scattered taps, and a dense kernel larger than the picture; in both kinds of light, and a camera."""
    line = np.array([1, 4, 6, 4, 1])
    sparse = np.zeros((9, 14))
    sparse.flat[::11] = 1
    dense = np.arange(45 * 41).reshape(45, 41) * 37 % 64 + 1
    kernels = [quantise(weights) for weights in (np.outer(line, line), sparse, dense)]
    yield from ((kernel, light, None) for kernel in kernels for light in (STORED, "srgb"))
    yield kernels[0], STORED, CropCamera(Camera(noise=Noise(), colour="a7r3", white_balance=WhiteBalance()), 1, "probe")
