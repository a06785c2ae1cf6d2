"""What the tests of submissions share: predictions for a tiny dataset, and a board with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from conftest import TINY

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import read_rgb, write_png

SPLIT = "test-g1.2"
TRACK = f"tiny.{SPLIT}"


def build_tiny(root: Path, text: str = TINY) -> Dataset:
    """The tiny dataset in `root / "data"`, for fixtures that several tests share."""
    (root / "tiny.toml").write_text(text)
    return build(make_plan(read_recipe(root / "tiny.toml")), root / "data", quiet=True)


def predict_into(folder: Path, data: Path, split: str = SPLIT, weight: int = 1) -> Path:
    """Predictions that lie between the blurred and the sharp pictures; `weight` draws them to the blurred ones."""
    folder.mkdir(parents=True)
    for pair in sorted((data / split / "blur").iterdir()):
        blur, sharp = (read_rgb(data / split / side / pair.name).astype(np.int64) for side in ("blur", "sharp"))
        write_png(folder / pair.name, ((weight * blur + sharp) // (weight + 1)).astype(np.uint8))
    return folder


def stored(board: Path, method: str, track: str = TRACK) -> dict[str, Any]:
    """A submission of a board, as JSON has it."""
    value: dict[str, Any] = json.loads((board / "submissions" / track / f"{method}.json").read_text())
    return value


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, to see that nothing was written."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
