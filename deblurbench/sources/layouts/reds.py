"""REDS (Nah et al., CVPR Workshops 2019): 240 + 30 sequences of 100 frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from deblurbench.errors import UsageError
from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import folders, match_folders

_SPLITS = ("train", "val", "test")


class _Sides(NamedTuple):
    """The folder names of a variant after `train_`, and what lies between them and the sequences."""

    sharp: str
    blur: str
    inner: str = ""


_SIDES = {
    "blur": _Sides("sharp", "blur"),
    "blur_comp": _Sides("sharp", "blur_comp"),
    "blur_jpeg": _Sides("sharp", "blur_jpeg"),
    "blur_bicubic": _Sides("sharp_bicubic", "blur_bicubic", "X4"),
}


class Reds(Layout):
    """`train/train_sharp/000..239/NNNNNNNN.png` beside `train/train_blur/...`, and so for `val`.

    The folder names are those of the published archives (SeungjunNah/seungjunnah.github.io Datasets/reds.md); the
    outer `train/` and `val/` may be missing, as where the archives were unpacked elsewhere. The sharp frames of `test`
    were never published: a `test` without them is passed over. That the low-resolution frames lie in `X4/` was seen
    in copies of the dataset, not in its documentation. A sequence is a scene, named with its split, since both
    splits count from 000. Frames are paired by stem: `blur_jpeg` has other suffixes than the sharp side.
    """

    name: ClassVar[str] = "reds"
    title: ClassVar[str] = "REDS (Nah et al., CVPR Workshops 2019)"
    tree: ClassVar[str] = "{train,val}/{train,val}_{sharp,blur}/NNN/NNNNNNNN.png"
    variants: ClassVar[Mapping[str, str]] = {
        "blur": "motion blur",
        "blur_comp": "motion blur, then MPEG compression",
        "blur_jpeg": "motion blur, then JPEG",
        "blur_bicubic": "motion blur and bicubic shrinking by 4, paired with the sharp frames shrunk likewise",
    }
    published: ClassVar[Mapping[str, int]] = {"train": 24000, "val": 3000}

    def is_root(self, root: Path) -> bool:
        """Whether a split has any sharp folder of these names."""
        return any(_side(root, split, s.sharp, s.inner) for split in _SPLITS for s in _SIDES.values())

    def search(self, search: Search) -> None:
        """Pair the frames of every sequence by name. Raises UsageError where the variant is nowhere."""
        root, sides = search.root, _SIDES[search.variant]
        self._check_variant(search)
        for split in _SPLITS:
            sharp = _side(root, split, sides.sharp, sides.inner)
            blur = _side(root, split, sides.blur, sides.inner)
            if not sharp and not blur:
                continue
            if not sharp or not blur:
                self._half(search, split, sides, sharp or blur or root)
                continue
            names = {f.name for f in folders(sharp)} | {f.name for f in folders(blur)}
            for name in sorted(names):
                scene = f"{split}-{name}"
                for m in match_folders(search, sharp / name, blur / name):
                    search.pairs.append(FoundPair(split, f"{name}-{m.key}", scene, m.sharp, m.blur))

    def _check_variant(self, search: Search) -> None:
        there = [v for v, s in _SIDES.items() if any(_side(search.root, split, s.blur, s.inner) for split in _SPLITS)]
        if there and search.variant not in there:
            raise UsageError(
                f"{search.root} has no `{search.variant}` frames, only {', '.join(f'`{v}`' for v in there)}",
                f"these are different pictures; give --variant {there[0]} if it is these that you want",
            )

    def _half(self, search: Search, split: str, sides: _Sides, there: Path) -> None:
        missing = f"{split}_{sides.blur if there.name == f'{split}_{sides.sharp}' else sides.sharp}"
        if split == "test":
            search.notes.append(f"{search.below(there)} is left out: there is no {missing}, as it was published")
        else:
            search.problems.append(f"{search.below(there)} is there, but no {missing}")


def _side(root: Path, split: str, side: str, inner: str) -> Path | None:
    """The folder of a split's side, or None."""
    for outer in (root / split, root):
        folder = outer / f"{split}_{side}"
        if folder.is_dir():
            return folder / inner if (folder / inner).is_dir() else folder
    return None
