"""No synthesis: the blurred picture that a published dataset holds beside the sharp one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from deblurbench.blur.family import Blur, Drawn, Recorded
from deblurbench.draws import Draws


class RecordedBlur(Blur):
    """The blur that was recorded with the photo; it needs a source of pairs, such as `pairs`.

    Attributes:
        variant: which of several blurred pictures, as the source names them (GoPro's `blur` or `blur_gamma`);
            empty for the one that the source itself is set to.
    """

    family: ClassVar[str] = "recorded"
    variant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)] = ""

    def draw(self, draws: Draws) -> Drawn:
        """The same for every pair: nothing is drawn."""
        parameters: dict[str, Any] = {"variant": self.variant}
        return Drawn(Recorded(self.variant), parameters)
