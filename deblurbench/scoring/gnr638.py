"""`gnr638-eval`: the evaluation script of IIT Bombay's course GNR638 (spring 2024, mini-project 2).

The script reads both files with `skimage.io.imread`, takes `peak_signal_noise_ratio(sharp, prediction)` and
averages the dB over the pictures. Its reader keeps alpha and CMYK as channels and does not apply EXIF rotation. The
script defines no SSIM; the one beside it is our addition, computed as `basicsr-rgb` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import PictureError
from deblurbench.scoring.metrics import Samples, psnr, ssim
from deblurbench.scoring.protocol import Metric, Protocol

_BY_PILLOW = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def read_as_skimage(path: Path) -> Samples:
    """What `skimage.io.imread` gives, held to 8 bits: uint8, H x W, H x W x 3 (RGB) or H x W x 4.

    Raises: PictureError where the file cannot be decoded, or is not of 8 bits (1-bit files among them).
    """
    try:
        picture = _imread(path)
    except Exception as error:  # each decoder behind it raises kinds of its own
        raise PictureError(f"{path} cannot be decoded", _reason(path, error)) from error
    if picture.dtype != np.uint8:
        depth = "1-bit" if picture.dtype == np.bool_ else str(picture.dtype)
        raise PictureError(f"{path} is a {depth} picture", "this protocol scores 8-bit pictures")
    return picture


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be decoded, for people."""
    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    text = (str(cause).splitlines() or [""])[0]
    return "it is no picture, or a damaged one" if not text or "can not" in text else text[:200]


def _imread(path: Path) -> npt.NDArray[Any]:
    """`skimage.io.imread`; for the usual kinds the decoder behind it, which leaves no file open when it fails."""
    if path.suffix.lower() in _BY_PILLOW:
        from imageio.v3 import imread as decode

        return decode(path, plugin="pillow")
    from skimage.io import imread

    return imread(path)


GNR638_EVAL = Protocol(
    name="gnr638-eval",
    version=1,
    summary="the GNR638 course's eval.py: mean of per-picture PSNR of the decoded 8-bit pictures",
    read=read_as_skimage,
    metrics=(Metric("psnr_db", psnr), Metric("ssim", ssim, added=True)),
)
