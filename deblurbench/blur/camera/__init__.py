"""What a camera does to a blurred picture: saturation, sensor, noise, demosaicing, response curve, JPEG."""

from __future__ import annotations

from deblurbench.blur.camera.camera import RSBLUR, Camera, CameraShot
from deblurbench.blur.camera.saturation import saturation_mask

__all__ = ["RSBLUR", "Camera", "CameraShot", "saturation_mask"]
