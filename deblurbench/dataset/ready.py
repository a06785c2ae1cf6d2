"""A dataset that is simply there: opened where it lies, built where it is not."""

from __future__ import annotations

from pathlib import Path

from deblurbench.dataset.build import build
from deblurbench.dataset.manifest import COMMIT_MARK
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.paths import recipe_file


def ready_dataset(name: str, folder: Path, workers: int, *, quiet: bool = False) -> Dataset:
    """The dataset in `folder`, whatever it was built with; built of the recipe `name` where there is none."""
    if (folder / COMMIT_MARK).is_file():
        return open_dataset(folder)
    return build(make_plan(read_recipe(recipe_file(name))), folder, workers=workers, quiet=quiet)
