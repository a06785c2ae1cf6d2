"""Which prediction belongs to which sharp picture: by name, never by order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.images.codec import SUFFIXES, list_pictures

# Kinds that a protocol's reader knows beyond those that photos come in.
SCORED = SUFFIXES | {".gif", ".jfif", ".jp2", ".pgm", ".pnm", ".ppm", ".tga"}


@dataclass(frozen=True)
class Pair:
    """A sharp picture and its prediction; `prediction` is None where there is none."""

    name: str
    sharp: Path
    prediction: Path | None


@dataclass(frozen=True)
class Pairing:
    """All pairs, sorted by name.

    Attributes:
        extra: predictions that no sharp picture has asked for.
        ignored: files beside the sharp pictures whose suffix is no picture's.
    """

    pairs: tuple[Pair, ...]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]


def pair_folders(predictions: Path, sharp: Path) -> Pairing:
    """Pair two folders by file name, or else by the name without its suffix.

    The pictures directly in SHARP count; where there are none, those of its subfolders do, with the subfolder
    as part of the name (scenes).

    Raises: UsageError where a folder is missing or empty, or both are the same.
    """
    for folder, what in ((predictions, "predictions"), (sharp, "sharp pictures")):
        if not folder.is_dir():
            raise UsageError(f"no folder {folder}", f"name the folder of the {what}")
    if predictions.resolve() == sharp.resolve():
        raise UsageError(f"predictions and sharp pictures are the same folder, {sharp}", "each would score infinity")
    wanted = _pictures(sharp, deep=False) or _pictures(sharp, deep=True)
    if not wanted:
        raise UsageError(f"no pictures in {sharp}", f"looked for {', '.join(sorted(SCORED))} in it and below")
    offered = _pictures(predictions, deep=any(len(file.parts) > 1 for file in wanted))
    if not offered:
        raise UsageError(f"no pictures in {predictions}", f"looked for {', '.join(sorted(SCORED))}")
    return _match(predictions, offered, sharp, wanted)


def _pictures(folder: Path, *, deep: bool) -> list[Path]:
    return [file for file in list_pictures(folder, SCORED) if deep or len(file.parts) == 1]


def _others(folder: Path) -> tuple[str, ...]:
    entries = (entry for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    return tuple(sorted(entry.name for entry in entries if entry.suffix.lower() not in SCORED))


def _match(predictions: Path, offered: list[Path], sharp: Path, wanted: list[Path]) -> Pairing:
    exact = set(offered)
    by_stem: dict[Path, list[Path]] = {}
    for file in offered:
        by_stem.setdefault(file.with_suffix(""), []).append(file)
    stems = Counter(file.with_suffix("") for file in wanted)
    pairs, used = [], set()
    for file in wanted:
        stem = file.with_suffix("")
        others = by_stem.get(stem, [])
        chosen = file if file in exact else others[0] if len(others) == 1 and stems[stem] == 1 else None
        used.add(chosen)
        pairs.append(Pair(file.as_posix(), sharp / file, predictions / chosen if chosen else None))
    extra = tuple(file.as_posix() for file in offered if file not in used)
    return Pairing(tuple(pairs), extra, _others(sharp))
