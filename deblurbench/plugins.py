"""The five doors through which baselines, datasets, blurs, protocols and sources come in.

What ships here uses the same entry points as anyone else's package. Finding a plug-in reads package
metadata only; its code is imported when it is asked for by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from deblurbench.config import parse
from deblurbench.errors import RecipeError, UsageError, nearest

KINDS = ("baselines", "datasets", "blurs", "protocols", "sources")


class PluginWarning(UserWarning):
    """A plug-in could not be imported, or two claim one name."""


@dataclass(frozen=True)
class Plugin:
    """One plug-in: its name, and the distribution and version it comes from; `load` imports it."""

    kind: str
    name: str
    origin: str
    version: str
    entry_point: EntryPoint

    def load(self) -> Any:
        """The plug-in's object. Raises whatever its import raises."""
        return self.entry_point.load()


@cache
def find(kind: str) -> dict[str, Plugin]:
    """All plug-ins of a kind by name, ours first where two claim one name (which is warned about)."""
    found: dict[str, Plugin] = {}
    points = [(p.dist.name if p.dist else "?", p) for p in entry_points(group=f"deblurbench.{kind}")]
    for origin, point in sorted(points, key=lambda item: (item[0] != "deblurbench", item[0], item[1].name)):
        version = point.dist.version if point.dist else "?"
        known = found.setdefault(point.name, Plugin(kind, point.name, origin, version, point))
        if known.entry_point != point:
            _warn(f"{origin} also offers {kind} {point.name!r}; the one of {known.origin} is used")
    return found


def load(kind: str, name: str) -> Any:
    """The object behind a plug-in's name.

    Raises UsageError, suggesting the nearest name, where there is none; and one that names the
    distribution where the plug-in cannot be imported.
    """
    known = find(kind)
    if name not in known:
        raise UsageError(f"unknown {kind.removesuffix('s')} {name!r}", nearest(name, known))
    try:
        return known[name].load()
    except Exception as error:
        raise UsageError(
            f"{kind.removesuffix('s')} {name!r} cannot be imported", _broken(known[name], error)
        ) from error


def configure(kind: str, key: str, values: Mapping[str, Any], file: str, table: str) -> Any:
    """The plug-in that `values[key]` names, with the other values as its settings.

    Args:
        kind: of plug-ins whose objects are `Config` classes.
        key: under which a recipe names one.
        values: a table of a recipe.
        file, table: where it stands, for errors.

    Raises: UsageError for an unknown name, RecipeError naming `file:table.key` for a wrong setting.
    """
    settings = dict(values)
    name = settings.pop(key, None)
    if not isinstance(name, str):
        raise RecipeError(f"{file}:{table}.{key}", f"name one here: {', '.join(sorted(find(kind)))}")
    return parse(load(kind, name), settings, file, table)


def load_all(kind: str, use: Callable[[Any], Any]) -> dict[str, tuple[Plugin, Any]]:
    """What `use` makes of each plug-in's object; for each that cannot be imported or used, a warning."""
    loaded = {}
    for name, plugin in sorted(find(kind).items()):
        try:
            loaded[name] = (plugin, use(plugin.load()))
        except Exception as error:
            _warn(f"{kind.removesuffix('s')} {name!r} is left out: {_broken(plugin, error)}")
    return loaded


def _broken(plugin: Plugin, error: Exception) -> str:
    return f"the package {plugin.origin} {plugin.version} is broken ({type(error).__name__}: {error})"


def _warn(text: str) -> None:
    warnings.warn(text, PluginWarning, stacklevel=3)
