"""Which prediction belongs to which sharp picture: by name, never by order."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import UsageError
from deblurbench.images.codec import SUFFIXES

# Kinds that a protocol's reader knows beyond those that photos come in.
SCORED = SUFFIXES | {".gif", ".jfif", ".jp2", ".pgm", ".pnm", ".ppm", ".tga"}
OFFERED = SCORED | {".npy"}
_OF_DATASETS = ("dataset.json", "manifest.jsonl")

Source = Path | npt.NDArray[np.uint8 | np.floating[Any]]
"""A picture: a file, or an array as `reading.Opened` takes it."""


@dataclass(frozen=True)
class Pair:
    """A sharp picture, its prediction and the blurred picture; either is None where there is none."""

    name: str
    sharp: Source
    prediction: Source | None
    blur: Source | None = None


@dataclass(frozen=True)
class Pairing:
    """All pairs, sorted by name.

    Attributes:
        extra: predictions that no sharp picture has asked for.
        ignored: files beside the sharp pictures whose suffix is no picture's.
        with_blur: whether blurred pictures are asked for.
    """

    pairs: tuple[Pair, ...]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]
    with_blur: bool = False


def pair_folders(predictions: Path, sharp: Path, blur: Path | None = None) -> Pairing:
    """Pair two folders, or three, by file name, or else by the name without its suffix.

    The pictures directly in SHARP count; where there are none, those of its subfolders do, with the subfolder
    as part of the name (scenes). A prediction may be a floating array in an .npy file.

    Raises: UsageError where a folder is missing or empty, or SHARP is one of the others.
    """
    others = [(predictions, "predictions", OFFERED)] + ([(blur, "blurred pictures", SCORED)] if blur else [])
    for folder, what, _ in [(sharp, "sharp pictures", SCORED), *others]:
        if not folder.is_dir():
            raise UsageError(f"no folder {folder}", f"name the folder of the {what}")
    for folder, what, _ in others:
        if folder.resolve() == sharp.resolve():
            raise UsageError(f"{what} and sharp pictures are the same folder, {sharp}", "each would score infinity")
    if all((sharp / name).is_file() for name in _OF_DATASETS):
        hint = f"name a split's sharp pictures, or let the command `deblurbench score {predictions} {sharp}` find them"
        raise UsageError(f"{sharp} is a dataset, and the pictures in it are its sheets", hint)
    wanted = _pictures(sharp, SCORED, deep=False) or _pictures(sharp, SCORED, deep=True)
    if not wanted:
        raise UsageError(f"no pictures in {sharp}", f"looked for {', '.join(sorted(SCORED))} in it and below")
    deep = any(len(file.parts) > 1 for file in wanted)
    matched = []
    for folder, _, suffixes in others:
        offered = _pictures(folder, suffixes, deep=deep)
        if not offered:
            raise UsageError(f"no pictures in {folder}", f"looked for {', '.join(sorted(suffixes))}")
        matched.append((folder, offered, _match(offered, wanted)))
    chosen = [[folder / file if file else None for file in found] for folder, _, found in matched]
    pairs = tuple(Pair(file.as_posix(), sharp / file, *found) for file, *found in zip(wanted, *chosen, strict=True))
    _, offered, found = matched[0]
    used = set(found)
    extra = tuple(file.as_posix() for file in offered if file not in used)
    return Pairing(pairs, extra, _others(sharp), blur is not None)


def _pictures(folder: Path, suffixes: frozenset[str], *, deep: bool) -> list[Path]:
    """As `list_pictures`, but nothing is passed over: what is called like a picture and is no file counts, for its
    reader to refuse (links to nothing, pipes), and a folder that may not be looked into is an error.
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        place = Path(parent).relative_to(folder)
        shown = [place / name for name in names if not name.startswith(".")]
        found += [file for file in shown if file.suffix.lower() in suffixes]
        folders[:] = [name for name in folders if deep and not name.startswith(".")]
    return sorted(found, key=Path.as_posix)


def _refuse(error: OSError) -> None:
    raise UsageError(f"cannot look into {error.filename}: {error.strerror}", "its pictures would be left out")


def _others(folder: Path) -> tuple[str, ...]:
    entries = (entry for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    return tuple(sorted(entry.name for entry in entries if entry.suffix.lower() not in SCORED))


def _match(offered: list[Path], wanted: list[Path]) -> list[Path | None]:
    """For each wanted file the offered one of its name, or the only one of its name without the suffix."""
    exact = set(offered)
    by_stem: dict[Path, list[Path]] = {}
    for file in offered:
        by_stem.setdefault(file.with_suffix(""), []).append(file)
    stems = Counter(file.with_suffix("") for file in wanted)
    found: list[Path | None] = []
    for file in wanted:
        others = by_stem.get(file.with_suffix(""), [])
        alone = len(others) == 1 and stems[file.with_suffix("")] == 1
        found.append(file if file in exact else others[0] if alone else None)
    return found
