"""How a picture is restored, whatever the model: whole or in tiles, once or eight times, in which precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from deblurbench.config import Config
from deblurbench.images.original import AnyLevels, Levels

Floats = npt.NDArray[np.float32]
"""float32, N x H x W x 3, RGB, near [0, 1]: what a model computes, neither clipped nor rounded yet."""

AUTO: Literal["auto"] = "auto"


class Inference(Config):
    """One way to restore pictures. The default, `WHOLE`, is the plain one: whole pictures, once, in float32.

    Attributes:
        tile: the side of tiles, pixels, at most; None: whole pictures; `auto`: whole while the memory suffices.
        overlap: of neighbouring tiles, pixels; results are blended over it. 0: crops that are restored each
            by itself and put side by side. `auto` takes its own.
        ensemble: restore all eight quarter turns and mirror images of a picture, and average what comes out.
        precision: of a network's arithmetic.
        batch: tiles, or pictures of one size, that go through a network at once.
    """

    tile: Annotated[int, Field(ge=16, le=1 << 16)] | Literal["auto"] | None = None
    overlap: Annotated[int, Field(ge=0, le=1 << 15)] = 32
    ensemble: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    batch: Annotated[int, Field(ge=1, le=1024)] = 1

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if isinstance(self.tile, int) and self.overlap >= self.tile:
            raise ValueError(f"an overlap of {self.overlap} leaves nothing of tiles of {self.tile} pixels")
        return self

    @property
    def of_network(self) -> Inference:
        """What is a network's own affair; tiles, averages and the rest go on around it, see `composed`."""
        return Inference(precision=self.precision)

    @property
    def is_plain(self) -> bool:
        """Whether nothing goes on around the network."""
        return self == self.of_network

    @property
    def label(self) -> str:
        """One line for run folders and tables."""
        marks = ["x8 ensemble"] * self.ensemble + [self.precision] * (self.precision != "float32")
        return ", ".join([self._tiling, *marks])

    @property
    def _tiling(self) -> str:
        if self.tile is None:
            return "none: whole pictures"
        if self.tile == AUTO:
            return "auto: whole pictures, tiles where the memory does not suffice"
        return f"{self.tile} px, " + (f"{self.overlap} px blended" if self.overlap else "side by side")


WHOLE = Inference()


@runtime_checkable
class FloatRestorer(Protocol):
    """A restorer that can also give what it computes before that is rounded.

    What it gives is tiled, averaged over turns and models, and written with 16 bits, where somebody asks for it. A
    restorer without these methods can do all of it too, in 8 bits.

    Attributes:
        multiple: pixels per step of its lowest resolution; tiles begin at multiples of it, so that a network divides
            a tile as it divides the whole picture.
    """

    multiple: int

    def __call__(self, picture: AnyLevels) -> AnyLevels:
        """Restore uint8 or uint16, H x W x 3; the same type and shape, clipped and rounded."""

    def floats(self, pictures: Sequence[Levels]) -> Floats:
        """Restore pictures of one shape and type; not clipped. Raises RunError where the memory does not suffice."""

    def has_room(self, count: int, height: int, width: int) -> bool:
        """Whether the memory will probably suffice for so many pictures of that size at once."""
