"""Warps that alignment found before: one small JSON file per pair of pictures, in the user's cache folder.

They are found by the pictures' pixels, so a file name or a folder says nothing, and by the version of the algorithm.
What cannot be read or written is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench import files, paths
from deblurbench.errors import DeblurbenchError

Array = npt.NDArray[Any]


def remembered(pictures: Sequence[Array], version: int, find: Callable[[], Array]) -> Array:
    """The warp, 3 x 3, that a version of the algorithm finds for these pictures, in this order: kept, or found now."""
    file = folder() / f"{_key(pictures, version)}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        return _checked(files.parse_json(file.read_text(encoding="utf-8")))
    warp = find()
    with suppress(OSError, DeblurbenchError):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(file, files.canonical_json({"sum": _sum(warp.tolist()), "warp": warp.tolist()}) + "\n")
    return warp


def folder() -> Path:
    """Where warps are kept: `warps` in the program's cache folder."""
    return paths.state_folder() / "warps"


def _key(pictures: Sequence[Array], version: int) -> str:
    digest = hashlib.sha256(f"{version}".encode())
    for picture in pictures:
        digest.update(f";{picture.dtype.str};{picture.shape};".encode())
        digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()


def _checked(value: Any) -> Array:
    warp = np.array(value["warp"], dtype=np.float64)
    if warp.shape != (3, 3) or value["sum"] != _sum(value["warp"]):  # one digit changed is another score
        raise ValueError("no 3 x 3 matrix, or a damaged one")
    return warp


def _sum(warp: Any) -> str:
    return files.sha256_text(files.canonical_json(warp))
