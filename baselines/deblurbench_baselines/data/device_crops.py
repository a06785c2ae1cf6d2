"""Crops on any device of torch's, a batch at a time: index arithmetic, shifted sums and Fourier transforms.

Nothing here waits for the device. What is exact, and why:

- kernels that are the product of two lines, on stored values: sums of shifted float32 rows. All partial sums are
  integers below 2^24, so that neither the order of additions nor fused multiplication changes any;
- all other kernels, and linear light: Fourier transforms in float64, rounded to whole numbers (see `blur.fourier`).

No convolution of cuDNN's takes part: it may choose TensorFloat-32, Winograd's or a float32 Fourier algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deblurbench.blur.fourier import fast_size
from deblurbench_baselines.data.crop_kernel import SAME
from deblurbench_baselines.data.crops import CropCamera, Crops, CropSource
from deblurbench_baselines.data.device_camera import Sensors, expose, sensor_shot
from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.data.frames import Frames
from deblurbench_baselines.data.lights import STORED, light_table
from deblurbench_baselines.data.sampler import Crop, cut

_HALF = 1 << 15
_LONGEST_LINE = 127  # taps; longer ones are faster by transforms


class DeviceCrops(Crops):
    """Crops of `side` pixels out of frames in a device's memory, on that device."""

    def __init__(self, frames: Frames, side: int) -> None:
        self._frames, self._side = frames, side
        self._device = frames.pixels.device
        self._turns = self._upload(_turns(side))
        # The CPU's own quotients: a GPU multiplies by 1/255 instead, which is another number now and then.
        self._unit = self._upload(np.arange(256, dtype=np.float32) / np.float32(255))

    def batch(self, sources: Sequence[CropSource]) -> Batch:
        """The crops of both sides."""
        crops = self._upload(self._corners(sources))
        sharp_frames, blur_frames, tops, lefts, orientations = crops.unbind(1)
        sharp = windows(self._frames, sharp_frames, tops, lefts, (self._side, self._side))
        blur = self._blur(sources, blur_frames, tops, lefts)
        if any(source.camera is not None for source in sources):
            blur = expose(blur, self._upload_sensors([source.camera for source in sources]))
        return Batch(self._finish(blur, orientations), self._finish(sharp, orientations))

    def _corners(self, sources: Sequence[CropSource]) -> npt.NDArray[np.int64]:
        rows = []
        for source in sources:
            corner = source.crop.corner(*self._frames.size(source.sharp), self._side)
            rows.append((source.sharp, source.blur, *corner, source.crop.orientation))
        return np.array(rows, dtype=np.int64)

    def _upload_sensors(self, cameras: Sequence[CropCamera | None]) -> Sensors:
        shots = [sensor_shot(camera, self._side) for camera in cameras]
        return Sensors(*(self._upload(np.stack(part)) for part in zip(*shots, strict=True)))

    def _upload(self, values: npt.NDArray[np.generic]) -> torch.Tensor:
        tensor = torch.from_numpy(values)
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)

    def _blur(
        self, sources: Sequence[CropSource], frames: torch.Tensor, tops: torch.Tensor, lefts: torch.Tensor
    ) -> torch.Tensor:
        """The blurred crops, uint8 N x side x side x 3, not yet turned."""
        kernels = [source.kernel or SAME for source in sources]
        height, width = (_rounded(max(kernel.shape[axis] for kernel in kernels)) for axis in (0, 1))
        size = (self._side + height - 1, self._side + width - 1)
        seen = windows(self._frames, frames, tops - (height - 1) // 2, lefts - (width - 1) // 2, size)
        lights = [STORED if source.kernel is None else source.light for source in sources]
        stored = all(light == STORED for light in lights)
        lines = [kernel.lines for kernel in kernels]
        if stored and None not in lines and max(height, width) <= _LONGEST_LINE:
            down, across = (
                _framed([pair[axis] for pair in lines if pair is not None], (length,))
                for axis, length in ((0, height), (1, width))
            )
            return round_sums(line_sums(seen.float(), self._upload(down), self._upload(across)))
        taps = self._upload(_framed([kernel.taps for kernel in kernels], (height, width)))
        if stored:
            return round_sums(tap_sums(seen.double(), taps))
        names = tuple(sorted(set(lights)))
        which = self._upload(np.array([names.index(light) for light in lights]))
        levels, cells, bounds = _tables(names, self._device)
        return to_stored(tap_sums(look_up(levels, which, seen.long()).double(), taps), which, cells, bounds)

    def _finish(self, crops: torch.Tensor, orientations: torch.Tensor) -> torch.Tensor:
        """Turn uint8 N x side x side x 3, and make it float32 N x 3 x side x side in [0, 1]."""
        order = self._turns[orientations][:, :, None].expand(-1, -1, 3)
        turned = crops.flatten(1, 2).gather(1, order).view_as(crops)
        return self._unit[turned.int()].permute(0, 3, 1, 2)


def windows(
    frames: Frames, which: torch.Tensor, tops: torch.Tensor, lefts: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """Rectangles of frames, uint8 N x height x width x 3; what lies beyond a frame is mirrored (reflect101).

    Args:
        frames: where they are cut from.
        which: int64 N, the numbers of frames.
        tops, lefts: int64 N, of any sign.
        size: (height, width) of the rectangles.
    """
    first, height, width = (line[:, None] for line in frames.places[which].unbind(1))
    rows = fold(tops[:, None] + torch.arange(size[0], device=tops.device), height)
    columns = fold(lefts[:, None] + torch.arange(size[1], device=lefts.device), width)
    return frames.pixels[(first + rows * width)[:, :, None] + columns[:, None, :]]


def fold(positions: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    """Where rows or columns of any position come from, in a frame that has `size` of them: `border.reflect101`."""
    period = (2 * (size - 1)).clamp(min=1)
    folded = positions % period
    return torch.where(folded < size, folded, period - folded)


def line_sums(levels: torch.Tensor, down: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """The exact sums of samples under the product of two lines, float32 N x (H - h + 1) x (W - w + 1) x 3.

    Args:
        levels: stored values, float32 N x H x W x 3.
        down, across: whole numbers, float32 N x h and N x w; their product sums to 2^16.
    """
    height, width = levels.shape[1] - down.shape[1] + 1, levels.shape[2] - across.shape[1] + 1
    rows = levels.new_zeros((levels.shape[0], levels.shape[1], width, 3))
    for k in range(across.shape[1]):
        rows.addcmul_(levels[:, :, k : k + width], across[:, k, None, None, None])
    sums = levels.new_zeros((levels.shape[0], height, width, 3))
    for k in range(down.shape[1]):
        sums.addcmul_(rows[:, k : k + height], down[:, k, None, None, None])
    return sums


def tap_sums(levels: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """The exact sums of samples under taps, float64 N x (H - h + 1) x (W - w + 1) x 3.

    Args:
        levels: whole numbers below 2^21, float64 N x H x W x 3.
        taps: int32 N x h x w, as they lie on the samples; they sum to 2^16.
    """
    (rows, columns), (height, width) = levels.shape[1:3], taps.shape[1:]
    size = fast_size((rows, columns))
    spectrum = torch.fft.rfft2(taps.flip(1, 2).double(), s=size)[:, None]
    sums = torch.fft.irfft2(torch.fft.rfft2(levels.permute(0, 3, 1, 2), s=size) * spectrum, s=size)
    return sums[..., height - 1 : rows, width - 1 : columns].round().permute(0, 2, 3, 1)


def round_sums(sums: torch.Tensor) -> torch.Tensor:
    """floor((s + 2^15) / 2^16) as uint8, of whole numbers s in float32 or float64."""
    return sums.add(_HALF).mul(1 / (2 * _HALF)).to(torch.uint8)  # both steps are exact; the cast cuts the fraction off


def look_up(table: torch.Tensor, which: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """The entries of a table, lights x 3 x K, for indices, int64 N x H x W x 3: by light `which`, N, and by channel."""
    channels = torch.arange(3, device=table.device)
    return table[which[:, None, None, None], channels, indices]


def to_stored(sums: torch.Tensor, which: torch.Tensor, cells: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """The stored values, uint8, of linear light x 2^16, whole numbers in float64: see `LightTable`."""
    whole = sums.long()
    low = look_up(cells, which, (whole >> 16).clamp(max=cells.shape[2] - 1))
    return low + (whole >= look_up(bounds, which, low.long())).to(torch.uint8)


@lru_cache(maxsize=8)
def _tables(lights: tuple[str, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The tables of lights, stacked; cells are as many as the widest has, since no light goes beyond its white."""
    tables = [light_table(light) for light in lights]
    widest = max(table.cells.shape[1] for table in tables)
    cells = [np.pad(table.cells, ((0, 0), (0, widest - table.cells.shape[1])), mode="edge") for table in tables]
    stacked = (np.stack([table.levels for table in tables]), np.stack(cells), np.stack([t.bounds for t in tables]))
    levels, steps, bounds = (torch.from_numpy(part).to(device) for part in stacked)
    return levels, steps, bounds


def _turns(side: int) -> npt.NDArray[np.int64]:
    """By orientation, where each pixel of a turned crop comes from: 8 x side^2."""
    places: Any = np.arange(side * side).reshape(side, side)
    turned: list[Any] = [cut(places, Crop(0, 0, 0, 0, 0, turn), side).ravel() for turn in range(8)]
    return np.stack(turned)


def _rounded(length: int) -> int:
    """The next odd length from 1, 9, 17, ...: few shapes of memory, whatever kernels are drawn."""
    return length + (1 - length) % 8


def _framed(taps: Sequence[npt.NDArray[Any]], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Turned taps of several kernels, each inside zeros, so that the same samples lie under the same taps."""
    framed = np.zeros((len(taps), *shape), dtype=taps[0].dtype)
    for one, frame in zip(taps, framed, strict=True):  # numpy's own padding takes ten times as long
        before = ((wide - 1) // 2 - (size - 1) // 2 for wide, size in zip(shape, one.shape, strict=True))
        frame[tuple(slice(b, b + size) for b, size in zip(before, one.shape, strict=True))] = one
    return framed
