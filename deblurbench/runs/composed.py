"""What goes on around a model's arithmetic: tiles, averages over turns and over models, rounding at the very end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench.images.original import AnyLevels, Levels, to_8_bits
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.inference import AUTO, FloatRestorer, Floats, Inference
from deblurbench.runs.tiles import Grid, restore_in_tiles, to_levels

_SIDES = (2048, 1024, 512, 256)  # of tiles, where `auto` is to find the largest for which there is room
_LEAST, _PART = 64, 8  # their overlap: so many pixels, and at least an eighth of the side


def compose(restorers: Sequence[Restorer], inference: Inference) -> Restorer:
    """One restorer from several, whose results it averages, in the way that `inference` says.

    The restorers themselves go about whole pictures. A single one stays as it is where nothing else is asked for.
    """
    if len(restorers) == 1 and inference.is_plain:
        return restorers[0]
    return Composed(restorers, inference)


class Composed:
    """Restores pictures by the mean of what several restorers give, whole or in tiles.

    All averages are those of floats; they are clipped and rounded once, at the end. A restorer of 8 bits alone gives
    what it has rounded.
    """

    def __init__(self, restorers: Sequence[Restorer], inference: Inference) -> None:
        self.inference = inference
        self.has_16_bits = all(isinstance(restorer, FloatRestorer) for restorer in restorers)
        self._parts = [r if isinstance(r, FloatRestorer) else _OfBytes(r) for r in restorers]
        self.multiple = math.lcm(*(part.multiple for part in self._parts))
        if isinstance(inference.tile, int):
            self._grid(inference.tile, inference.overlap)  # what is wrong with it is said before a picture is read

    def __call__(self, picture: AnyLevels) -> AnyLevels:
        """Restore uint8 or uint16, H x W x 3; the same type and shape, clipped and rounded.

        Raises: RunError where the memory does not suffice, or a model gives something else than a picture.
        """
        return cast(AnyLevels, self.restore([picture])[0])

    def restore(self, pictures: Sequence[Levels], tick: Callable[[str], None] = lambda _: None) -> list[Levels]:
        """The same of pictures of one shape and type. `tick` is told how far it is, where it takes long."""
        grid = self.grid(len(pictures), *pictures[0].shape[:2])
        if grid is None:
            return [to_levels(floats, pictures[0]) for floats in self.floats(pictures)]
        total = grid.count(*pictures[0].shape[:2])
        batch = self.inference.batch

        def say(done: int) -> None:
            tick(f"tile {done}/{total}")

        return [restore_in_tiles(self.floats, picture, grid, batch, say) for picture in pictures]

    def floats(self, pictures: Sequence[Levels]) -> Floats:
        """What pictures of one shape and type, taken whole, are restored to, before it is clipped and rounded."""
        return _eightfold(self._mean, pictures) if self.inference.ensemble else self._mean(pictures)

    def has_room(self, count: int, height: int, width: int) -> bool:
        """Whether the memory will probably suffice for so many whole pictures at once."""
        return all(part.has_room(count, height, width) for part in self._parts)

    def grid(self, count: int, height: int, width: int) -> Grid | None:
        """The tiles in which so many pictures of a size are restored; None: whole."""
        tile = self.inference.tile
        if tile is None or (tile == AUTO and self.has_room(count, height, width)):
            return None
        if tile != AUTO:
            return self._grid(tile, self.inference.overlap) if max(height, width) > tile else None
        fits = (side for side in _SIDES if self.has_room(self.inference.batch, side, side))
        side = next(fits, _SIDES[-1])
        return self._grid(side, max(_LEAST, side // _PART))

    def _grid(self, tile: int, overlap: int) -> Grid:
        return Grid(tile, overlap, self.multiple)

    def _mean(self, pictures: Sequence[Levels]) -> Floats:
        if len(self._parts) == 1:
            return self._parts[0].floats(pictures)
        total: Floats = self._parts[0].floats(pictures).copy()
        for part in self._parts[1:]:
            total += part.floats(pictures)
        total /= len(self._parts)
        return total


def _eightfold(restore: Callable[[Sequence[Levels]], Floats], pictures: Sequence[Levels]) -> Floats:
    """The mean over all quarter turns and mirror images, each turned back.

    Source: the "self-ensemble" of EDSR, Lim et al. 2017, section 3.3.
    """
    total = np.zeros((len(pictures), *pictures[0].shape), dtype=np.float32)
    for turns in range(4):
        for step in (1, -1):
            turned = [np.rot90(picture, turns)[:, ::step] for picture in pictures]
            total += np.rot90(restore(turned)[:, :, ::step], -turns, axes=(1, 2))
    total /= 8
    return total


class _OfBytes:
    """A restorer of 8 bits as one that gives floats."""

    multiple = 1

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer

    def __call__(self, picture: AnyLevels) -> AnyLevels:
        return cast(AnyLevels, to_levels(self.floats([picture])[0], picture))

    def floats(self, pictures: Sequence[Levels]) -> Floats:
        restored = [self._one(np.ascontiguousarray(to_8_bits(picture))) for picture in pictures]
        return np.stack(restored).astype(np.float32) / np.float32(255)

    def has_room(self, count: int, height: int, width: int) -> bool:
        return True

    def _one(self, picture: Picture) -> Picture:
        restored = self._restorer(picture)
        check_kept(restored, picture)
        return restored


def check_kept(restored: Any, picture: Levels, where: str = "") -> None:
    """Raise RunError where somebody's restorer returned something else than a picture of the same type and shape."""
    if not isinstance(restored, np.ndarray) or (restored.dtype, restored.shape) != (picture.dtype, picture.shape):
        got = f"{restored.dtype} {restored.shape}" if isinstance(restored, np.ndarray) else type(restored).__name__
        what = f"the baseline returned {got} for {picture.dtype} {picture.shape}"
        raise RunError(f"{what} ({where})" if where else what, "a restorer keeps type and shape")
