"""Blur by a shaking hand: one random trajectory per pair."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.trajectory import Shake, exposed, splat, trajectory
from deblurbench.blur.values import Value, between, draw_value
from deblurbench.draws import Draws

_MARGIN = 4  # a path of `length` pixels, centred and spread, fits into length + 4


class CameraShake(Blur):
    """The kernel that a random trajectory of the camera draws (Boracchi and Foi 2012; DeblurGAN's constants).

    Unlike DeblurGAN's script the kernel keeps the picture's energy, the picture may have any shape, and the path's
    centroid lies on the kernel's centre pixel (theirs lies wherever the path leaves it), so that the blurred picture
    is not shifted against the sharp one.

    Attributes:
        length: of the whole path, pixels (1 .. 997); a short exposure sees only the start of it.
        size: of the canvas, pixels, at least `length` + 4. The kernel is cut to its support, which is odd and never
            larger.
        exposures: the fractions of the path that one is drawn from: the time for which the shutter is open.
        expl: the strengths of perturbation that one is drawn from; 0 gives a straight line. For each pair the pull
            to the start is drawn from 0 .. 0.7, the probability of an impulse from 0 .. 0.2 times `expl`, the
            Gaussian push from 0 .. 10 and the first direction from 0 .. 360 degrees.
        steps: positions of the path, at least one per pixel.
    """

    family: ClassVar[str] = "camera-shake"
    length: Annotated[Value, AfterValidator(between(1, 997))] = 60.0
    size: Annotated[int, Field(ge=5, le=1001)] = 64
    exposures: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1)] = (0.01, 0.1, 0.5, 1.0)
    expl: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (
        0.01,
        0.009,
        0.008,
        0.007,
        0.005,
        0.003,
    )
    steps: Annotated[int, Field(ge=2, le=100_000)] = 2000

    @model_validator(mode="after")
    def _fits(self) -> CameraShake:
        longest = self.length[1] if isinstance(self.length, tuple) else self.length
        if longest > self.size - _MARGIN:
            raise ValueError(f"a length of {longest:g} needs a size of at least {longest + _MARGIN:g}")
        if longest > self.steps - 1:
            raise ValueError(f"a length of {longest:g} needs more than {longest:g} steps: at least one per pixel")
        return self

    def draw(self, draws: Draws) -> Drawn:
        """The kernel of one trajectory, and all that rules it."""
        exposure = self.exposures[draws.integer(0, len(self.exposures) - 1)]
        shake = Shake(
            expl=self.expl[draws.integer(0, len(self.expl) - 1)],
            length=draw_value(draws, self.length),
            steps=self.steps,
            centripetal=draw_value(draws, (0.0, 0.7)),
            big_shake=draw_value(draws, (0.0, 0.2)),
            gaussian_shake=draw_value(draws, (0.0, 10.0)),
            angle=draw_value(draws, (0.0, 360.0)),
        )
        kernel = splat(*exposed(trajectory(shake, draws), exposure))
        return Drawn(kernel, {**vars(shake), "exposure": exposure, "size": self.size})
