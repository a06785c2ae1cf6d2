"""Listing pictures and pairing them by name, never by order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from deblurbench.images.codec import SUFFIXES
from deblurbench.sources.layouts.layout import Search

Key = Callable[[str], str]
"""From a file's stem to what both sides of a pair have in common."""


class Match(NamedTuple):
    """Two files of one key; POSIX paths below the root."""

    key: str
    sharp: str
    blur: str


def same(stem: str) -> str:
    """The key of layouts whose two sides have the same names."""
    return stem


def folders(folder: Path) -> list[Path]:
    """The sub-folders (or links to folders), sorted by name; hidden ones left out; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")), key=lambda p: p.name)


def pictures(search: Search, folder: Path, key: Key = same) -> dict[str, str]:
    """The picture files right in a folder, by key, as POSIX paths below the root.

    Hidden files and files of other kinds are passed over. A broken link, and a key that two files share, is a problem.
    """
    found: dict[str, list[str]] = {}
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            path = PurePosixPath(entry.name)
            if entry.name.startswith(".") or path.suffix.lower() not in SUFFIXES or entry.is_dir():
                continue
            where = search.below(folder / entry.name)
            if not where.isprintable():  # bytes that are no UTF-8 among them
                search.problems.append(f"{where!r} has a name that cannot be written down")
            elif entry.is_file():
                found.setdefault(key(path.stem), []).append(where)
            else:
                search.problems.append(f"{where} is a link to nothing")
    for name, paths in found.items():
        if len(paths) > 1:
            search.problems.append(f"{' and '.join(paths)} have one name ({name}): keep one of them")
    return {name: paths[0] for name, paths in found.items() if len(paths) == 1}


def match(search: Search, sharp: dict[str, str], blur: dict[str, str]) -> Iterator[Match]:
    """Every key that both sides have, sorted; each key that only one side has becomes a problem that names its file."""
    for name in sorted(sharp.keys() & blur.keys()):
        yield Match(name, sharp[name], blur[name])
    _lonely(search, sharp, blur, "blurred")
    _lonely(search, blur, sharp, "sharp")


def match_folders(search: Search, sharp: Path, blur: Path, key: Key = same) -> Iterator[Match]:
    """The pairs of two folders (see `match`); a folder that is not there is a problem."""
    sides = [("sharp", sharp), ("blurred", blur)]
    missing = [(side, folder) for side, folder in sides if not folder.is_dir()]
    if missing:
        search.problems += [f"{search.below(folder)}/, the {side} pictures, is not there" for side, folder in missing]
        return
    yield from match(search, pictures(search, sharp, key), pictures(search, blur, key))


def _lonely(search: Search, some: dict[str, str], others: Iterable[str], side: str) -> None:
    names = set(others)
    by_case = {name.casefold(): name for name in names}
    for name in sorted(some.keys() - names):
        near = by_case.get(name.casefold())
        hint = f" (there is one that differs in case: {near})" if near else ""
        search.problems.append(f"{some[name]} has no {side} counterpart{hint}")
