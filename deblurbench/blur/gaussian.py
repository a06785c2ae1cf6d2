"""Gaussian blur, twice: the ideal one in 16 bits, round or elongated, and OpenCV's 8-bit fixed-point one."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.blur.values import Angle, Value, between, draw_value, single
from deblurbench.draws import Draws


def _check_odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("a Gaussian kernel has an odd size")
    return size


Sigma = Annotated[Value, AfterValidator(between(0.01, 100))]
OddSize = Annotated[int, Field(ge=1, le=1001), AfterValidator(_check_odd)]


def gaussian_weights(size: int, sigma: float) -> npt.NDArray[np.float64]:
    """`size` samples of exp(-d^2 / (2 sigma^2)) about the middle, float64, summing to 1."""
    distance = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum())


class Gaussian(Blur):
    """The Gaussian of standard deviation `sigma` (pixels), cut to `size` x `size` taps.

    With a `sigma_y` it is elongated: `sigma` holds along the axis at `angle` (0 where it is left out), `sigma_y`
    across it. Without a size it reaches to 4 sigma of the longer axis, which leaves out about 0.01 % of its mass.
    Its taps are samples at the pixel centres. Drawn in this order: sigma, sigma_y, angle.
    """

    family: ClassVar[str] = "gaussian"
    sigma: Sigma
    sigma_y: Sigma | None = None
    angle: Angle | None = None
    size: OddSize | None = None

    @field_validator("angle")
    @classmethod
    def _check_angle(cls, angle: Value | None, info: ValidationInfo) -> Value | None:
        if angle is not None and info.data.get("sigma_y", 0) is None:
            raise ValueError("a round Gaussian has no angle: give a sigma_y, or leave the angle out")
        return angle

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its sigma and size and, where it is elongated, its sigma_y and angle."""
        sigma, sigma_y, angle = draw_value(draws, self.sigma), None, None
        if self.sigma_y is not None:
            sigma_y, angle = draw_value(draws, self.sigma_y), draw_value(draws, self.angle or 0.0)
        size = self.size or default_size(max(sigma, sigma_y or 0.0))
        drawn = Gaussian(sigma=sigma, sigma_y=sigma_y, angle=angle, size=size)
        return Drawn(drawn.kernel(), drawn.as_dict())

    def kernel(self) -> Kernel:
        """The integer kernel. Raises UsageError where a parameter is a range."""
        sigma = single(self.sigma, "sigma")
        if self.sigma_y is None:
            line = gaussian_weights(self.size or default_size(sigma), sigma)
            return quantise(np.outer(line, line))
        sigma_y, angle = single(self.sigma_y, "sigma_y"), single(self.angle or 0.0, "angle")
        return quantise(elongated_weights(self.size or default_size(max(sigma, sigma_y)), sigma, sigma_y, angle))


def default_size(sigma: float) -> int:
    """The odd number of taps that reaches to 4 sigma on either side."""
    return 2 * int(np.ceil(4 * sigma)) + 1


def elongated_weights(size: int, sigma: float, sigma_y: float, angle: float) -> npt.NDArray[np.float64]:
    """Samples of a Gaussian about the middle of `size` x `size` pixels, float64, not normalised.

    `sigma` is its standard deviation in pixels along the axis at `angle` degrees (counter-clockwise from the
    x axis as one sees the picture), `sigma_y` the one across it.
    """
    offsets = np.arange(size) - size // 2
    x, y = offsets[None, :], -offsets[:, None]  # rows run downwards
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along, across = cosine * x + sine * y, cosine * y - sine * x
    return np.asarray(np.exp(-((along / sigma) ** 2 + (across / sigma_y) ** 2) / 2))


class GaussianOpenCV(Blur):
    """`cv2.GaussianBlur` on 8-bit pictures, bit for bit, without OpenCV.

    OpenCV quantises each axis to 1/256 with error diffusion from the outside in, and rounds once after
    both axes, which is exact blur with the outer product of the axis' integers. Checked against OpenCV
    5.0.0 for sizes 3 to 31. The course's data were made with it. Without a size: OpenCV's own
    rule for 8 bits, round(6 sigma + 1) made odd.
    """

    family: ClassVar[str] = "gaussian-opencv"
    sigma: Sigma
    size: OddSize | None = None

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its sigma and size."""
        sigma = draw_value(draws, self.sigma)
        drawn = GaussianOpenCV(sigma=sigma, size=self.size or opencv_size(sigma))
        return Drawn(drawn.kernel(), drawn.as_dict())

    def kernel(self) -> Kernel:
        """The integer kernel. Raises UsageError where sigma is a range."""
        sigma = single(self.sigma, "sigma")
        line = opencv_line(self.size or opencv_size(sigma), sigma)
        return Kernel(np.outer(line, line).astype(np.int32))


def opencv_size(sigma: float) -> int:
    """OpenCV's number of taps for 8-bit pictures."""
    return round(6 * sigma + 1) | 1


def opencv_line(size: int, sigma: float) -> npt.NDArray[np.int64]:
    """One axis of OpenCV's 8-bit Gaussian: `size` integers that sum to 256."""
    weights = gaussian_weights(size, sigma)
    line = np.zeros(size, dtype=np.int64)
    carry = 0.0
    for i in range(size // 2):
        value = 256 * float(weights[i]) + carry
        line[i] = line[size - 1 - i] = int(np.floor(value + 0.5))
        carry = value - float(line[i])
    line[size // 2] = 256 - line.sum()
    return line
