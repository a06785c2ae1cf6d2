"""What lies beyond a picture's border, while a blur is computed or undone: one way for even kernels, one for any.

The blur is that of the datasets: the picture is continued by `reflect101`, so its extension is even and periodic. A
kernel that is symmetric on both axes keeps it so, and the DCT-I turns the blur into a multiplication: exactly, border
and all (`Cosines`). Any other kernel goes through the FFT of one whole period of the extension (`Mirror`). That blurs
exactly, too. Only the blurred picture's own continuation is not its mirror image then; it has to be worked out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.blur.border import reflect101
from deblurbench.blur.estimate import cosine_transform, frequencies
from deblurbench.blur.kernel import Kernel

Floats = npt.NDArray[np.float64]
Coefficients = npt.NDArray[Any]
"""float64 of `Cosines`, complex128 of `Mirror`: planes x rows x columns."""


class Border(ABC):
    """A transform under which blur is a multiplication. Planes are n x H x W, float64.

    Attributes:
        is_exact: whether the blurred picture's continuation is known. If not, `observed` has to be told what is
            expected there, and what is restored gets better from pass to pass.
        rows, columns: angular frequencies of the coefficients, radians per sample.
    """

    is_exact: bool
    rows: Floats
    columns: Floats

    @abstractmethod
    def forward(self, planes: Floats) -> Coefficients:
        """The coefficients of planes that are continued by `reflect101`."""

    @abstractmethod
    def inverse(self, coefficients: Coefficients) -> Floats:
        """The planes of coefficients, without what lies beyond the border."""

    @abstractmethod
    def adjoint(self, planes: Floats, transfer: Coefficients) -> Floats:
        """The adjoint of `blur`, in an inner product of its own: as Richardson-Lucy needs it, with `adjoint(1)`."""

    def blur(self, planes: Floats, transfer: Coefficients) -> Floats:
        """Sharp planes, blurred by a kernel of that `transfer` (rows x columns)."""
        return self.inverse(self.forward(planes) * transfer)

    def observed(self, planes: Floats, expected: Coefficients | None = None) -> Coefficients:
        """The coefficients of blurred planes, continued by what is `expected` there; None: by their mirror image."""
        return self.forward(planes)


class Cosines(Border):
    """The DCT-I, for kernels that are symmetric on both axes: their transfer is real."""

    is_exact = True

    def __init__(self, height: int, width: int) -> None:
        self.rows, self.columns = frequencies(height), frequencies(width)

    def forward(self, planes: Floats) -> Coefficients:
        """The DCT-I."""
        return cosine_transform(planes)

    def inverse(self, coefficients: Coefficients) -> Floats:
        """The inverse DCT-I."""
        return cosine_transform(coefficients, inverse=True)

    def adjoint(self, planes: Floats, transfer: Coefficients) -> Floats:
        """The blur itself: it is its own adjoint where border samples count half, as they stand in one period once."""
        return self.blur(planes, transfer)


class Mirror(Border):
    """The FFT of one period of the mirrored picture, for any kernel."""

    is_exact = False

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width
        self._index = tuple(reflect101(size, 0, max(size - 2, 0)) for size in (height, width))
        self._period = len(self._index[0]), len(self._index[1])
        self.rows = 2 * np.pi * np.fft.fftfreq(self._period[0]).astype(np.float64)
        self.columns = 2 * np.pi * np.fft.rfftfreq(self._period[1]).astype(np.float64)

    def forward(self, planes: Floats) -> Coefficients:
        """The real FFT of the extension."""
        from scipy.fft import rfft2

        down, across = self._index
        return np.asarray(rfft2(planes[:, down][:, :, across]))

    def inverse(self, coefficients: Coefficients) -> Floats:
        """The inverse FFT, cut to the picture."""
        height, width = self._shape
        return self._whole(coefficients)[:, :height, :width]

    def adjoint(self, planes: Floats, transfer: Coefficients) -> Floats:
        """Correlation with the kernel; what falls beyond the border is added where its mirror image lies."""
        from scipy.fft import rfft2

        height, width = self._shape
        alone = np.zeros((len(planes), *self._period), dtype=planes.dtype)
        alone[:, :height, :width] = planes
        spread = self._whole(rfft2(alone) * np.conj(transfer))
        folded = spread[:, :height]
        folded[:, 1 : height - 1] += spread[:, height:][:, ::-1]
        result = folded[:, :, :width].copy()
        result[:, :, 1 : width - 1] += folded[:, :, width:][:, :, ::-1]
        return result

    def observed(self, planes: Floats, expected: Coefficients | None = None) -> Coefficients:
        """As `Border.observed`.

        The mirror image of a blurred picture is not the blur of the mirrored sharp one where the kernel lacks
        symmetry, and the zeros of its transfer spread that contradiction from the border inwards.
        """
        from scipy.fft import rfft2

        if expected is None:
            return self.forward(planes)
        height, width = self._shape
        extended = self._whole(expected)
        extended[:, :height, :width] = planes
        return np.asarray(rfft2(extended))

    def _whole(self, coefficients: Coefficients) -> Floats:
        from scipy.fft import irfft2

        return np.asarray(irfft2(coefficients, s=self._period))


def single(values: Coefficients) -> Coefficients:
    """The values in single precision: what iterates is twice as fast with them, and its end is far coarser."""
    return np.asarray(values, dtype=np.complex64 if np.iscomplexobj(values) else np.float32)


def border_for(shape: tuple[int, int], kernels: Sequence[Kernel]) -> Border:
    """The border of pictures of a shape (H, W) for a blur that is one of `kernels`."""
    # Quantisation may take a unit from a symmetric kernel's tap; to a picture that is far below its rounding.
    return (Cosines if all(kernel.is_symmetric(within=1) for kernel in kernels) else Mirror)(*shape)
