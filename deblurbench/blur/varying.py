"""Blur that varies over the picture: every node of a grid draws a kernel of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from deblurbench.blur.family import Blur, Drawn, blur_from
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import Kernel
from deblurbench.draws import Draws
from deblurbench.errors import UsageError

_KEY_WORDS = 4  # 128 bits name the streams of one pair's nodes


def _check_blur(values: dict[str, Any]) -> dict[str, Any]:
    try:
        blur_from(values, "", "")
    except UsageError as error:
        raise ValueError(str(error).lstrip(":.")) from error  # said again with the file and the key of this table
    return values


class SpatiallyVarying(Blur):
    """A grid of kernels that are drawn independently; between them the blurred pictures are blended bilinearly.

    The model is w(h * x), the weights after the convolutions, so that a flat picture stays flat.

    Attributes:
        rows, columns: of the grid (1 .. 16). Its outer nodes lie on the picture's borders.
        blur: `{family = ..., ...}`: the family whose kernels the nodes draw, with its parameters.
    """

    family: ClassVar[str] = "spatially-varying"
    rows: Annotated[int, Field(ge=1, le=16)]
    columns: Annotated[int, Field(ge=1, le=16)]
    blur: Annotated[dict[str, Any], AfterValidator(_check_blur)]

    def fingerprint(self) -> str:
        """That of the nested family."""
        return blur_from(self.blur, "", "").fingerprint()

    def draw(self, draws: Draws) -> Drawn:
        """A field of kernels; `nodes` holds what each drew, row by row.

        Raises: UsageError where the nested family draws no kernel.
        """
        blur = blur_from(self.blur, "", "")
        key = "".join(f"{word:08x}" for word in draws.words(_KEY_WORDS))
        kernels, nodes = [], []
        for row in range(self.rows):
            for column in range(self.columns):
                operator, parameters = blur.draw(Draws(int(key, 16), self.family, f"node {row} {column}"))
                if not isinstance(operator, Kernel):
                    raise UsageError(
                        f"spatially-varying: the family {blur.family!r} draws no kernel",
                        "nest one that does, such as 'camera-shake' or 'defocus'",
                    )
                kernels.append(operator)
                nodes.append({"family": blur.family, **parameters})
        field = KernelField(tuple(kernels), self.rows, self.columns)
        return Drawn(field, {"rows": self.rows, "columns": self.columns, "nodes": nodes})
