"""Isotropic Gaussian blur, twice: the ideal one in 16 bits, and OpenCV's 8-bit fixed-point one."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.draws import Draws


def _check_odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("a Gaussian kernel has an odd size")
    return size


Sigma = Annotated[float, Field(ge=0.01, le=100)]
OddSize = Annotated[int, Field(ge=1, le=1001), AfterValidator(_check_odd)]


def gaussian_weights(size: int, sigma: float) -> npt.NDArray[np.float64]:
    """`size` samples of exp(-d^2 / (2 sigma^2)) about the middle, float64, summing to 1."""
    distance = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum())


class Gaussian(Blur):
    """The Gaussian of standard deviation `sigma` (pixels), cut to `size` x `size` taps.

    Without a size it reaches to 4 sigma, which leaves out about 0.01 % of its mass.
    """

    family: ClassVar[str] = "gaussian"
    sigma: Sigma
    size: OddSize | None = None

    def draw(self, draws: Draws) -> Drawn:
        """The same kernel for every pair: nothing is drawn."""
        return Drawn(self.kernel(), self.as_dict())

    def kernel(self) -> Kernel:
        """The integer kernel."""
        line = gaussian_weights(self.size or 2 * int(np.ceil(4 * self.sigma)) + 1, self.sigma)
        return quantise(np.outer(line, line))


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
        """The same kernel for every pair: nothing is drawn."""
        return Drawn(self.kernel(), self.as_dict())

    def kernel(self) -> Kernel:
        """The integer kernel."""
        line = opencv_line(self.size or round(6 * self.sigma + 1) | 1, self.sigma)
        return Kernel(np.outer(line, line).astype(np.int32))


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
