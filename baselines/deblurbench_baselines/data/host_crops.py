"""Crops on the CPU, one after the other, by compiled loops that cut, mirror, blur and round at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch

from deblurbench.compiled import compiled
from deblurbench.images.codec import Picture
from deblurbench_baselines.data.crops import Crops, CropSource
from deblurbench_baselines.data.feed import Batch
from deblurbench_baselines.data.frames import Frames
from deblurbench_baselines.data.lights import STORED, light_table
from deblurbench_baselines.data.sampler import cut


def loops() -> ModuleType | None:
    """The compiled loops; None where numba is not there. Compiling takes seconds, once per machine."""
    return compiled("deblurbench_baselines.data.crop_loops", "blur_lines", worth=0)


class HostCrops(Crops):
    """Crops of `side` pixels out of frames in the CPU's memory."""

    def __init__(self, frames: Frames, side: int, code: ModuleType) -> None:
        self._frames, self._side, self._code = frames, side, code
        self._blurred = np.empty((side, side, 3), dtype=np.uint8)

    def batch(self, sources: Sequence[CropSource]) -> Batch:
        """The crops of both sides."""
        shape = (len(sources), self._side, self._side, 3)
        blur, sharp = torch.empty(shape), torch.empty(shape)
        for source, blur_out, sharp_out in zip(sources, blur.numpy(), sharp.numpy(), strict=True):
            self._code.to_unit(cut(self._picture(source.sharp), source.crop, self._side), sharp_out)
            self._code.to_unit(self._blur(source), blur_out)
        return Batch(blur.permute(0, 3, 1, 2), sharp.permute(0, 3, 1, 2))

    def _picture(self, index: int) -> Picture:
        return self._frames.picture(index).numpy()

    def _blur(self, source: CropSource) -> Picture:
        """The blurred crop, turned; it holds until the next call."""
        picture, crop = self._picture(source.blur), source.crop
        if source.kernel is None:
            return cut(picture, crop, self._side)
        top, left = crop.corner(picture.shape[0], picture.shape[1], self._side)
        kind = np.float32 if source.light == STORED else np.float64  # each holds the sums that occur
        table, kernel = _table(source.light), source.kernel
        if kernel.lines_by_fours is not None:
            column, row = (line.astype(kind, copy=False) for line in kernel.lines_by_fours)
            self._code.blur_lines(picture, top, left, kernel.shape, column, row, *table, self._blurred)
        else:
            down, across, taps = kernel.scattered
            taps = taps.astype(kind, copy=False)
            self._code.blur_taps(picture, top, left, kernel.shape, down, across, taps, *table, self._blurred)
        blurred = self._blurred
        if source.camera is not None:
            blurred = source.camera.camera.apply(blurred, blurred, source.camera.draws).blurred
        return cut(blurred, crop, self._side)  # of a picture as large as a crop: it is turned


@lru_cache(maxsize=8)
def _table(light: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The tables of a light as the loops take them: empty ones for stored values."""
    if light == STORED:
        return np.empty((3, 0), np.int32), np.empty((3, 0), np.uint8), np.empty((3, 0), np.int64)
    table = light_table(light)
    return table.levels, table.cells, table.bounds
