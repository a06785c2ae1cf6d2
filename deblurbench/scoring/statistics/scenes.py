"""Which pictures belong together: frames of one video, crops and blurs of one photo are not independent."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.scoring.statistics.table import read_text, shown

ANY = ""  # the split of a table that has none
_GOPRO = re.compile(r"(GOPR\d{4}_\d{2}_\d{2})[-_]\d+\.\w+", re.ASCII)  # frames of GoPro, copied into one folder


@dataclass(frozen=True)
class SceneTable:
    """Scenes that the user names: by split (ANY for every split) and picture name, with or without its suffix."""

    source: str
    scenes: Mapping[str, Mapping[str, str]]

    def find(self, split: str, names: Sequence[str]) -> list[str]:
        """The scene of each picture.

        Without a split of that name, the only split that has all the pictures is taken.

        Raises: DeblurbenchError where a picture has no scene, or splits disagree.
        """
        tables = [self.scenes[split]] if split in self.scenes else list(self.scenes.values())
        found = {tuple(_look_up(table, names)) for table in tables}
        complete = [scenes for scenes in found if None not in scenes]
        if len(complete) > 1:
            hint = "name them in a file for --scenes"
            raise DeblurbenchError(f"{self.source}: several splits have pictures of these names", hint)
        if not complete:
            fullest = min(found, key=lambda scenes: scenes.count(None), default=(None,) * len(names))
            name = next(name for name, scene in zip(names, fullest, strict=True) if scene is None)
            raise DeblurbenchError(
                f"{self.source}: no scene for {shown(name, 80)!r}", "add it, or leave the option out"
            )
        return [scene for scene in complete[0] if scene is not None]


def read_scene_file(path: Path) -> SceneTable:
    """Read a CSV file with the columns `name` and `scene`, and perhaps `split`.

    Raises: UsageError where it cannot be read, DeblurbenchError where it is not such a table.
    """
    source = shown(str(path))
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
        rows = list(reader)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", "a CSV file with the columns name,scene") from error
    except (csv.Error, ValueError) as error:
        raise DeblurbenchError(f"{source} is no CSV file ({error})", "its columns are name,scene") from error
    scenes: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, 1):
        name, scene, split = row.get("name"), row.get("scene"), row.get("split", ANY)
        if not name or not scene or split is None:
            raise DeblurbenchError(f"{source}: row {number} has no name or no scene", "its columns are name,scene")
        if scenes.setdefault(split, {}).setdefault(name, scene) != scene:
            raise DeblurbenchError(f"{source}: {shown(name, 80)!r} is in two scenes", "keep one")
    return SceneTable(source, scenes)


def guess_scenes(names: Sequence[str]) -> tuple[list[str], str]:
    """The scene of each picture by its name, and a phrase that says how it was found.

    Names of GoPro's frames tell the video; else, where every name has a folder, the folder is the scene; else each
    picture stands for itself.
    """
    frames = [_GOPRO.fullmatch(PurePosixPath(name).name) for name in names]
    if all(frames):
        return [frame[1] for frame in frames if frame], "videos, by GoPro's file names"
    folders = [name.rpartition("/")[0] for name in names]
    if all(folders):
        return folders, "scenes, by the folders in the names"
    return list(names), "scenes: EACH PICTURE COUNTS AS ONE (give --scenes or --dataset if some belong together)"


def _look_up(table: Mapping[str, str], names: Sequence[str]) -> list[str | None]:
    counts = Counter(map(_stem, table))
    stems = {_stem(name): scene for name, scene in table.items() if counts[_stem(name)] == 1}
    return [table.get(name) or table.get(_stem(name)) or stems.get(_stem(name)) for name in names]


def _stem(name: str) -> str:
    """The name without the suffix of a file; the folder stays."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)
