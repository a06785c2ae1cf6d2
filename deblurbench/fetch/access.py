"""Opening an online source: its settings, its key, and the permission that it asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deblurbench import plugins
from deblurbench.config import override, parse
from deblurbench.errors import UsageError, nearest
from deblurbench.sources.online import OnlineSource


def online_source(name: str) -> type[OnlineSource]:
    """The class of an online source. Raises UsageError where there is none, naming those that there are."""
    if name not in plugins.find("sources"):
        online = plugins.load_all("sources", lambda kind: issubclass(kind, OnlineSource))
        known = [each for each, (_, fetched) in online.items() if fetched]
        raise UsageError(f"unknown source {name!r}", nearest(name, known))
    kind: type[OnlineSource] = plugins.load("sources", name)
    if not issubclass(kind, OnlineSource):
        hint = "a recipe names it as it is; see `deblurbench list sources`"
        raise UsageError(f"{name} is not fetched from anywhere", hint)
    return kind


def open_source(name: str, values: Mapping[str, Any], settings: Sequence[str] = ()) -> OnlineSource:
    """The online source of a name.

    Args:
        name: of a plug-in.
        values: its settings; without `api`, the source's environment variable gives that.
        settings: `key=value` of the command line, which win.

    Raises: UsageError where there is no such online source, RecipeError naming `source:key` for a wrong setting.
    """
    kind = online_source(name)
    api = os.environ.get(kind.variable, "") if kind.variable else ""
    given = {"api": api, **values} if api else dict(values)
    where = f"{kind.variable}, for {name}" if api and not values.get("api") else name
    return parse(kind, override(given, settings), where)


def read_key(source: OnlineSource, file: Path | None = None) -> str:
    """The key of a source's API, from a file or from its environment variable; empty where it needs none.

    Raises: UsageError where it is missing or is no key.
    """
    if not source.key_variable:
        if file:
            raise UsageError(f"{source.source} takes no key", "leave --key-file out")
        return ""
    try:
        key = file.read_text(encoding="utf-8").strip() if file else os.environ.get(source.key_variable, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the key in {file}", getattr(error, "strerror", "") or "it is no text") from error
    if not key and source.key_required:
        hint = f"set {source.key_variable}, or write it into a file and name that with --key-file"
        raise UsageError(f"{source.source} needs a key of its API", hint)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"the key of {source.source} holds what no key holds", "it is one line without spaces")
    return key


def check_permission(source: OnlineSource, *, permission: bool, contact: str) -> None:
    """Raise UsageError where a source may not be asked like this: its rule is said."""
    if source.permission and not permission:
        hint = "with such permission, add --i-have-permission; without it, openverse and commons have licensed photos"
        raise UsageError(f"{source.source} allows this only with permission. {source.permission}", hint)
    if source.needs_contact and not contact:
        hint = "give --contact you@example.org, or set DEBLURBENCH_CONTACT"
        raise UsageError(f"{source.source} asks every program to say how its operator is reached", hint)
