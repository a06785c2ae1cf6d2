"""The scenes of a dataset's pictures, for statistics."""

from __future__ import annotations

from pathlib import Path

from deblurbench.dataset.reader import open_dataset
from deblurbench.scoring.statistics.scenes import SceneTable
from deblurbench.scoring.statistics.table import shown


def dataset_scenes(folder: Path) -> SceneTable:
    """The scene of each pair by split and name, as the dataset's manifest says. Raises as `open_dataset` does."""
    scenes: dict[str, dict[str, str]] = {}
    for record in open_dataset(folder).records():
        scenes.setdefault(record.split, {})[record.name] = record.scene
    return SceneTable(shown(str(folder)), scenes)
