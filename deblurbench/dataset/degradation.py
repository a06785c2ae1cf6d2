"""What happens to a sharp picture: a blur, the light in which it happens, and the camera behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurbench.blur.camera import Camera
from deblurbench.blur.family import Blur, blur_from
from deblurbench.blur.light import check_light, curve
from deblurbench.config import parse
from deblurbench.errors import RecipeError, UsageError, nearest

STORED = "stored"
CRF = "crf:"
"""What the name of a light begins with that is a curve in a file."""


@dataclass(frozen=True)
class Degradation:
    """One entry of a split's `blurs`.

    Attributes:
        blur: the family with its parameters.
        light: `stored` where the stored 8-bit values are blurred, else the name of a response curve.
        camera: what the camera does to the blurred picture; None for nothing at all.
    """

    blur: Blur
    light: str = STORED
    camera: Camera | None = None

    def fingerprint(self) -> str:
        """What its pixels depend on beside its parameters: the content of the files that it reads."""
        return self.blur.fingerprint() + (curve(self.light).id if self.light.startswith(CRF) else "")

    def described(self) -> dict[str, str]:
        """Family and light, for the manifest: of a curve from a file its name without the folder, and what it holds."""
        if not self.light.startswith(CRF):
            return {"family": self.blur.family, "light": self.light}
        light = f"{CRF}{Path(self.light.removeprefix(CRF)).name}"
        return {"family": self.blur.family, "light": light, "curve": curve(self.light).id}


def degradation_from(
    values: Mapping[str, Any], file: str, table: str, cameras: Mapping[str, Mapping[str, Any]]
) -> Degradation:
    """The degradation that a recipe's table `{family, parameters ..., light, camera}` describes.

    `camera` is a table of its own or the name of one of `cameras`.

    Raises: UsageError for an unknown family, RecipeError naming `file:table.key` for anything else that is wrong.
    """
    settings = dict(values)
    light, camera = settings.pop("light", STORED), settings.pop("camera", None)
    blur = blur_from(settings, file, table)
    try:
        check_light(light)
    except UsageError as error:
        raise RecipeError(f"{file}:{table}.light", str(error)) from error
    if camera is None:
        return Degradation(blur, light)
    if isinstance(camera, str):
        if camera not in cameras:
            raise RecipeError(f"{file}:{table}.camera", f"no camera {camera!r}, {nearest(camera, cameras)}")
        return Degradation(blur, light, parse(Camera, cameras[camera], file, f"cameras.{camera}"))
    if not isinstance(camera, Mapping):
        raise RecipeError(f"{file}:{table}.camera", "write a table here, or the name of one of `cameras`")
    return Degradation(blur, light, parse(Camera, camera, file, f"{table}.camera"))
