"""How a picture is restored, whatever the model: whole or in tiles, once or eight times, in which precision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deblurbench.config import Config


class Inference(Config):
    """One way to restore pictures. The default, `WHOLE`, is the plain one: whole pictures, once, in float32.

    Attributes:
        tile: the side of tiles, pixels; None: whole pictures.
        overlap: of neighbouring tiles, pixels; results are blended over it.
        ensemble: restore all eight quarter turns and mirror images of a picture, and average what comes out.
        precision: of a network's arithmetic.
        batch: tiles, or pictures of one size, that go through a network at once.
    """

    tile: Annotated[int, Field(ge=16, le=1 << 16)] | None = None
    overlap: Annotated[int, Field(ge=0, le=1 << 15)] = 32
    ensemble: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    batch: Annotated[int, Field(ge=1, le=1024)] = 1

    @property
    def label(self) -> str:
        """One line for run folders and tables."""
        tiling = "none: whole pictures" if self.tile is None else f"{self.tile} px, {self.overlap} px blended"
        marks = ["x8 ensemble"] * self.ensemble + [self.precision] * (self.precision != "float32")
        return ", ".join([tiling, *marks])


WHOLE = Inference()
