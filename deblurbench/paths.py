"""Where recipes are found: a project's own folder, a checkout, an editable install, a wheel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deblurbench import __version__, plugins
from deblurbench.errors import UsageError, nearest

_PACKAGE = Path(__file__).resolve().parent


def shipped_datasets() -> Path:
    """The folder of the recipes that ship: `_data/datasets` in a wheel, `../datasets` in a checkout."""
    inside = _PACKAGE / "_data" / "datasets"
    return inside if inside.is_dir() else _PACKAGE.parent / "datasets"


def dataset_folder(name: str) -> Path:
    """The folder of a recipe that ships; the object behind our own `deblurbench.datasets` entry points."""
    return shipped_datasets() / name


@dataclass(frozen=True)
class FoundRecipe:
    """A recipe's name, its TOML file, and where it comes from."""

    name: str
    file: Path
    origin: str
    version: str


def find_recipes() -> dict[str, FoundRecipe]:
    """All recipes by name. First hit wins: `./datasets`, each folder of DEBLURBENCH_PATH, entry points."""
    found: dict[str, FoundRecipe] = {}
    for folder in (
        Path("datasets"),
        *map(Path, filter(None, os.environ.get("DEBLURBENCH_PATH", "").split(os.pathsep))),
    ):
        for recipe in _in_folder(folder):
            found.setdefault(recipe.name, recipe)
    for name, (plugin, folder_of) in plugins.load_all("datasets", lambda of: of).items():
        file = Path(folder_of(name)) / "recipe.toml"
        found.setdefault(name, FoundRecipe(name, file, plugin.origin, plugin.version))
    return found


def _in_folder(folder: Path) -> Iterator[FoundRecipe]:
    shipped = folder.resolve() == shipped_datasets()
    for file in sorted(folder.glob("*/recipe.toml")):
        origin = "deblurbench" if shipped else str(folder)
        yield FoundRecipe(file.parent.name, file, origin, __version__ if shipped else "")


def recipe_file(name_or_file: str) -> Path:
    """The TOML file of a recipe given by name or by path.

    Raises UsageError, suggesting the nearest name, where there is none.
    """
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise UsageError(f"no recipe file {path}", "check the path, or give a recipe's name")
        return path
    if (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    known = find_recipes()
    if name_or_file not in known:
        raise UsageError(f"unknown recipe {name_or_file!r}", nearest(name_or_file, known))
    return known[name_or_file].file


def state_folder() -> Path:
    """Where answers of APIs and the use of quotas are remembered: DEBLURBENCH_STATE, or the user's cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get("DEBLURBENCH_STATE")
    return Path(named) if named else user_cache_path("deblurbench", appauthor=False)
