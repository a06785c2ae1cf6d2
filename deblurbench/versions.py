"""The versions that a result may depend on, for its record."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from deblurbench import __version__

_PACKAGES = ("numpy", "pillow", "scipy", "scikit-image", "torch")


def versions() -> dict[str, str]:
    """Versions of deblurbench, Python, the packages that touch pixels, and the JPEG decoder."""
    from PIL import features

    found = {"deblurbench": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    jpeg = features.version_feature("libjpeg_turbo") or features.version_codec("jpg")
    return found | ({"libjpeg": jpeg} if jpeg else {})


def jpeg_codec() -> str:
    """Name and version of the JPEG library that Pillow uses, such as `libjpeg-turbo 3.2.0`: pixels depend on it."""
    from PIL import features

    turbo = features.version_feature("libjpeg_turbo")
    return f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version_codec('jpg')}"
