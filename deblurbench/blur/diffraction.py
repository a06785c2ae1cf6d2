"""Diffraction blur: the image of a point through a round aperture, with aberrations.

The pupil function is 1 within a circle times exp(2 pi i W); its Fourier transform's squared modulus is the
point-spread function (Goodman, Introduction to Fourier Optics, ch. 6). W, in waves, is a sum of Zernike polynomials
in Noll's order and normalisation (Noll, J. Opt. Soc. Am. 66, 1976): each has root mean square 1 over the pupil.
The defaults are those of deepinv's `DiffractionBlurGenerator`, whose amplitude of 0.15 waves is the width of the
interval that it draws from: +-0.075 here. Beyond it, every kernel is shifted to have its centroid in the centre.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import factorial
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from deblurbench.blur.defocus import disk_areas
from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import quantise
from deblurbench.blur.values import Value, between, draw_value
from deblurbench.draws import Draws

PUPIL = 256
"""Samples of the frequency plane along each axis; the frequency of sample k is k / 256 cycles per pixel."""

_AMPLITUDE = 0.075
_CENTRINGS = 4
Floats = npt.NDArray[np.float64]


def _check_noll(noll: tuple[int, int]) -> tuple[int, int]:
    if not 4 <= noll[0] <= noll[1] <= 66:
        raise ValueError("[first, last] of the Zernike polynomials in Noll's order, between 4 and 66")
    return noll


def _check_size(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("a diffraction kernel has an odd size")
    return size


class Diffraction(Blur):
    """The point-spread function of a pupil that passes frequencies up to `cutoff` (cycles per pixel).

    A lens of that aperture passes twice as much in incoherent light, hence the limit of 0.25: no aliases. The
    coefficients of the Zernike polynomials `noll` (first and last; 4 .. 11: defocus, astigmatism, coma, trefoil,
    spherical aberration) are drawn evenly within +-`amplitude` waves (0.075 where it is left out), or given as
    `coefficients`. Without a `size` it reaches to 3 / cutoff pixels, nearly five dark rings, beyond which 3 % of
    the light falls where nothing is aberrated. Drawn in this order: cutoff, coefficients.
    """

    family: ClassVar[str] = "diffraction"
    cutoff: Annotated[Value, AfterValidator(between(0.04, 0.25))] = 0.2
    noll: Annotated[tuple[int, int], AfterValidator(_check_noll)] = (4, 11)
    coefficients: tuple[Annotated[float, Field(ge=-2, le=2)], ...] | None = None
    amplitude: Annotated[float, Field(ge=0, le=1)] | None = None
    size: Annotated[int, Field(ge=3, le=151), AfterValidator(_check_size)] | None = None

    @field_validator("coefficients")
    @classmethod
    def _check_count(cls, given: tuple[float, ...] | None, info: ValidationInfo) -> tuple[float, ...] | None:
        first, last = info.data.get("noll", (0, 0))
        if given is not None and last and len(given) != last - first + 1:
            raise ValueError(f"one coefficient for each polynomial from {first} to {last}")
        return given

    @field_validator("amplitude")
    @classmethod
    def _check_amplitude(cls, amplitude: float | None, info: ValidationInfo) -> float | None:
        if amplitude is not None and info.data.get("coefficients") is not None:
            raise ValueError("the coefficients are given and not drawn: leave the amplitude out")
        return amplitude

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its cutoff, noll, coefficients (in waves) and size."""
        cutoff = draw_value(draws, self.cutoff)
        coefficients = self.coefficients
        if coefficients is None:
            limit = _AMPLITUDE if self.amplitude is None else self.amplitude
            coefficients = tuple(draw_value(draws, (-limit, limit)) for _ in range(self.noll[0], self.noll[1] + 1))
        size = self.size or 2 * int(np.ceil(3 / cutoff)) + 1
        drawn = Diffraction(cutoff=cutoff, noll=self.noll, coefficients=coefficients, size=size)
        return Drawn(quantise(centred_point_spread(cutoff, self.noll[0], coefficients, size)), drawn.as_dict())


def centred_point_spread(cutoff: float, first: int, coefficients: tuple[float, ...], size: int) -> Floats:
    """The point-spread function with the tilt that puts the centroid of its `size` x `size` pixels in the centre."""
    pupil = Pupil(cutoff)
    waves = pupil.waves(first, coefficients)
    offsets = np.arange(size) - size // 2
    right = up = 0.0  # pixels that the tilt moves it by
    for _ in range(_CENTRINGS):
        weights = pupil.image(waves + pupil.waves(2, (right * cutoff / 2, up * cutoff / 2)), size)
        weights /= weights.sum()
        right = round(right - float(weights.sum(axis=0) @ offsets), 6)
        up = round(up + float(weights.sum(axis=1) @ offsets), 6)
    return weights


class Pupil:
    """A round pupil on the frequency plane, cut out as the square about it."""

    def __init__(self, cutoff: float) -> None:
        areas = disk_areas(cutoff * PUPIL)  # its edge by area, so that it is no staircase
        self._open = areas / areas.max()
        self._half = len(areas) // 2
        steps = np.arange(-self._half, self._half + 1) / (cutoff * PUPIL)
        x, y = np.meshgrid(steps, -steps)  # rows run downwards
        self._radius, self._angle = np.hypot(x, y), np.arctan2(y, x)

    def waves(self, first: int, coefficients: Iterable[float]) -> Floats:
        """The sum of the Zernike polynomials from `first` on, each times its coefficient."""
        terms = (c * zernike(i, self._radius, self._angle) for i, c in enumerate(coefficients, first))
        return np.asarray(sum(terms, np.zeros_like(self._radius)))

    def image(self, waves: Floats, size: int) -> Floats:
        """|Fourier transform of the pupil function|^2 at the middle `size` x `size` pixels: float64, not normalised.

        A positive coefficient of polynomial 2 moves it to the right, one of polynomial 3 up.
        """
        field = self._open * np.exp(2j * np.pi * waves)
        image = _transform(_transform(field, size).T, size).T
        return np.asarray(np.abs(image) ** 2)


def _transform(field: npt.NDArray[np.complex128], size: int) -> npt.NDArray[np.complex128]:
    """The middle `size` samples of the Fourier transform of length PUPIL along the second axis, 0 in the middle."""
    half, start, end = field.shape[1] // 2, PUPIL // 2 - size // 2, PUPIL // 2 + size // 2 + 1
    line = np.zeros((len(field), PUPIL), dtype=np.complex128)
    line[:, PUPIL // 2 - half : PUPIL // 2 + half + 1] = field
    moved = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(line, axes=1), axis=1), axes=1)
    return np.asarray(moved[:, start:end])


def zernike(index: int, radius: Floats, angle: Floats) -> Floats:
    """The Zernike polynomial of Noll's `index` (1, 2, ...) at polar coordinates (radius 1: the edge; radians).

    Orthonormal over the unit disk: the mean of the product of two of them is 1 if they are the same, else 0.
    """
    degree, order = noll_degrees(index)
    radial = np.zeros_like(radius)
    for k in range((degree - order) // 2 + 1):
        bottom = factorial(k) * factorial((degree + order) // 2 - k) * factorial((degree - order) // 2 - k)
        radial += (-1) ** k * (factorial(degree - k) // bottom) * radius ** (degree - 2 * k)
    if order == 0:
        return np.asarray(np.sqrt(degree + 1) * radial)
    wave = np.sin(order * angle) if index % 2 else np.cos(order * angle)
    return np.asarray(np.sqrt(2 * (degree + 1)) * radial * wave)


def noll_degrees(index: int) -> tuple[int, int]:
    """(radial degree n, azimuthal order m >= 0) of Noll's `index`; an odd index with m > 0 is the sine, an even the
    cosine."""
    degree = 0
    while (degree + 1) * (degree + 2) // 2 < index:
        degree += 1
    place = index - degree * (degree + 1) // 2  # 1 .. degree + 1 among those of its degree
    return degree, place // 2 * 2 if degree % 2 == 0 else (place - 1) // 2 * 2 + 1
