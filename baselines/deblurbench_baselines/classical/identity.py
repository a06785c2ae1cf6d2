"""The blurred picture as its own restoration: the row that every other row has to beat."""

from __future__ import annotations

from deblurbench.images.codec import Picture


def restore(picture: Picture) -> Picture:
    """A copy of uint8 H x W x 3, as it is."""
    return picture.copy()
