"""Unsharp masking: what photographers do without knowing the blur, and the floor of all deblurring.

The picture is softened by a Gaussian, and a multiple of what that took away is added: a fixed high boost, which knows
neither kernel nor noise. It harms what is sharp already, and is meant to be that simple.
"""

from __future__ import annotations

from deblurbench.images.codec import Picture
from deblurbench_baselines.classical.light import to_picture, to_planes


def restore(picture: Picture, *, sigma: float, amount: float) -> Picture:
    """Sharpen uint8 H x W x 3; returns uint8 of the same shape, clipped and rounded.

    Args:
        sigma: of the mask's Gaussian, pixels. Beyond the border lies the `reflect101` mirror image.
        amount: how much of the difference to the masked picture is added.
    """
    from scipy.ndimage import gaussian_filter

    planes = to_planes(picture)
    masked = gaussian_filter(planes, (0, sigma, sigma), mode="mirror")
    return to_picture(planes + amount * (planes - masked))
