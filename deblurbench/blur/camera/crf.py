"""From light to stored values: the sRGB curve, or the response curve that was measured on a camera."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from deblurbench.blur.camera.colour import WHITE, light_of_stored, stored_of_light

# Stored value of light x, both 0 .. 1: sum of c[i] x^i, clipped. A fit to a Sony A7R3 with which RealBlur was taken.
# Source: rimchang/RSBlur, Uformer-RSBlur/ISP/mat_collections/a7r3_polynomial_alpha.mat. It is not monotone as it
# stands (it falls by 0.0006 between x = 0.830 and 0.887); rounded to 8 bits it is. Light under 0.0013 becomes 0,
# light above 0.970 becomes 255.
A7R3 = (
    -9.5228006747797977e-03,
    8.6985159845222775,
    -4.5157820516451963e01,
    1.5071180861706543e02,
    -3.0819782922237312e02,
    3.6830811688022197e02,
    -2.3516339845543246e02,
    6.1832224095872682e01,
)
_BITS = 32


@cache
def response(crf: str | None) -> npt.NDArray[np.uint8]:
    """For each light 0 .. 2^20 the stored value: uint8, 2^20 + 1 entries.

    Args:
        crf: None for the sRGB curve, `a7r3` for the measured one (evaluated in integers, see `polynomial`).
    """
    if crf is None:
        return stored_of_light()
    table = polynomial(np.arange(WHITE + 1))
    table.setflags(write=False)
    return table


def polynomial(light: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The A7R3 response, uint8, to light 0 .. 2^20 (int64).

    Horner's rule in units of 2^-32, each product rounded down to that unit: within 2e-9 of the polynomial.
    """
    total = np.zeros_like(light)
    for coefficient in reversed(A7R3):
        total = ((total * light) >> 20) + round(coefficient * 2**_BITS)  # below 2^61: no coefficient reaches 2^9
    total = np.clip(total, 0, 1 << _BITS)
    return ((total * 255 + (1 << (_BITS - 1))) >> _BITS).astype(np.uint8)


def remap_sharp(crf: str) -> npt.NDArray[np.uint8]:
    """For each stored sRGB value 0 .. 255 what a camera of that response stores instead; uint8, 256 entries."""
    return response(crf)[light_of_stored()]
