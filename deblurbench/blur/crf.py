"""A camera's inverse response from a file, as `cv2.createCalibrateRobertson` measures it, in 20-bit integers.

FILE.npy holds 256 or 256 x 3 numbers (256 x 1 x 3, too, which is what OpenCV gives); FILE.csv 256 lines of one or
three, and perhaps a first line that names the columns `r,g,b` in their order. Without that line three columns are
B, G, R: OpenCV's order, and that of the file that REDS offers.

Above level 250, where hardly a pixel tells the calibration anything, each level lies (c[251] - c[249]) / 2 above the
one before, as in REDS (seungjunnah.github.io, Datasets/reds.md). Each channel is then scaled so that level 255 is
2^20 - 1, which changes no picture: channels do not mix, and the way back undoes it.
"""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurbench.errors import UsageError

BITS = 20
_LAST = 250  # the last level that is taken as measured
_LARGEST_FILE = 1 << 20
_ADVICE = "it needs 256 lines of 1 or 3 numbers, as cv2.createCalibrateRobertson gives them"


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most 1 MiB. Raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read the response curve {path}", error.strerror or str(error)) from error
    if len(data) > _LARGEST_FILE:
        raise UsageError(f"{path} is too large for a response curve", _ADVICE)
    return data


def response_levels(name: str, data: bytes) -> npt.NDArray[np.int32]:
    """The linear light of each stored value from the content of the file `name`.

    Returns: int32, 1 x 256 or, by channel (R, G, B), 3 x 256; strictly rising, 0 .. 2^20 - 1.

    Raises: UsageError where it is no such table, or does not rise from level to level by at least 2^-20 of white.
    """
    table = _from_npy(name, data) if name.lower().endswith(".npy") else _from_csv(name, data)
    white = (1 << BITS) - 1
    levels = np.empty((table.shape[1], 256), dtype=np.int32)
    for channel, column in enumerate(table.T):
        exact = [Fraction(value) for value in column.tolist()]  # a float is a fraction, so nothing is rounded here
        step = (exact[_LAST + 1] - exact[_LAST - 1]) / 2
        exact[_LAST + 1 :] = [exact[_LAST] + step * i for i in range(1, 256 - _LAST)]
        if exact[0] < 0 or not exact[255] > 0:
            raise UsageError(f"the response curve {name} is not between 0 and a positive white", _ADVICE)
        line = [math.floor(white * value / exact[255] + Fraction(1, 2)) for value in exact]
        for level in range(255):
            if line[level + 1] <= line[level]:
                raise UsageError(
                    f"the response curve {name} does not rise from level {level} to {level + 1} (column {channel + 1})",
                    "smooth it until each level is brighter than the one before",
                )
        levels[channel] = line
    return levels


def _from_npy(name: str, data: bytes) -> npt.NDArray[np.float64]:
    try:
        values = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)  # np.load would open archives as well
    except Exception as error:  # numpy raises many kinds for a damaged file
        raise UsageError(f"{name} is no .npy file", _ADVICE) from error
    if values.dtype.kind not in "iuf" or values.shape[:1] != (256,):
        raise UsageError(f"{name} holds no response curve", _ADVICE)
    return _rgb(name, values.reshape(256, -1), "bgr")


def _from_csv(name: str, data: bytes) -> npt.NDArray[np.float64]:
    try:
        rows = [line.replace(" ", "").lower() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text", _ADVICE) from error
    order = "bgr"
    if rows and sorted(rows[0].split(",")) == ["b", "g", "r"]:
        order = rows.pop(0).replace(",", "")
    try:
        values = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    except ValueError as error:  # not a number, or lines of different lengths
        raise UsageError(f"{name} is no table of numbers", _ADVICE) from error
    if len(values) != 256:
        raise UsageError(f"{name} has {len(values)} lines of numbers", _ADVICE)
    return _rgb(name, values, order)


def _rgb(name: str, values: npt.NDArray[np.generic], order: str) -> npt.NDArray[np.float64]:
    """256 x 1 or 256 x 3 finite numbers in the order R, G, B."""
    table = values.astype(np.float64)
    if table.shape not in ((256, 1), (256, 3)) or not np.isfinite(table).all():
        raise UsageError(f"{name} holds no response curve", _ADVICE)
    return table if table.shape[1] == 1 else table[:, [order.index(channel) for channel in "rgb"]]
