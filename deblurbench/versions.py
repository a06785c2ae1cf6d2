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
