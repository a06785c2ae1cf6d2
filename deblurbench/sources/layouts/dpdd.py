"""DPDD (Abuolaim and Brown, ECCV 2020): real defocus, 16-bit, with dual-pixel views."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from deblurbench.errors import UsageError
from deblurbench.sources.layouts.dpdd_names import official_targets
from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import match, pictures

_SPLITS = ("train", "val", "test")
_NUMBER = re.compile(r"1P0A(\d{4})(?!\d)")


class Dpdd(Layout):
    """`{train,val,test}_{c,l,r}/source/*` blurred, `{train,val,test}_c/target/*` all in focus; PNG or TIFF, 16-bit.

    Layout and 16 bits: the authors' README.md and figures/dataset_structure.png (7ebf77e). Their code sorts both
    folders and pairs by position; here the pairs are those of their own lists of names (see `dpdd_names`: 350 + 74 +
    76), so that a missing file moves no other pair. Copies that give both sides one name are paired by it. 16 bits
    become 8 by (v * 255 + 32767) // 65535; scores on them are not those of the 16-bit pictures. That the views
    `l` and `r` number their files as `c` does was not verified.
    """

    name: ClassVar[str] = "dpdd"
    title: ClassVar[str] = "DPDD (Abuolaim and Brown, ECCV 2020)"
    tree: ClassVar[str] = "{train,val,test}_{c,l,r}/source/*.png and {train,val,test}_c/target/*.png"
    variants: ClassVar[Mapping[str, str]] = {
        "c": "the combined picture",
        "l": "the left dual-pixel view",
        "r": "the right dual-pixel view",
    }
    published: ClassVar[Mapping[str, int]] = {"train": 350, "val": 74, "test": 76}
    sixteen_bit: ClassVar[bool] = True

    def is_root(self, root: Path) -> bool:
        """Whether a split's combined pictures are there."""
        return any((root / f"{split}_c" / "target").is_dir() for split in _SPLITS)

    def search(self, search: Search) -> None:
        """Pair the pictures by the official lists of names. Raises UsageError where the variant is nowhere."""
        there = [v for v in self.variants if any((search.root / f"{s}_{v}" / "source").is_dir() for s in _SPLITS)]
        if there and search.variant not in there:
            raise UsageError(
                f"{search.root} has no `{search.variant}` pictures, only {', '.join(f'`{v}`' for v in there)}",
                f"these are different pictures; give --variant {there[0]} if it is these that you want",
            )
        for split in _SPLITS:
            source = search.root / f"{split}_{search.variant}" / "source"
            target = search.root / f"{split}_c" / "target"
            if source.is_dir() or target.is_dir():
                self._search_split(search, split, pictures(search, source, _key), pictures(search, target, _key))

    def _search_split(self, search: Search, split: str, blur: dict[str, str], sharp: dict[str, str]) -> None:
        official = official_targets(split)
        by_source = dict(sharp)
        for source, target in official.items():
            if source in blur and source not in sharp and target in sharp:
                by_source[source] = by_source.pop(target)
        for m in match(search, by_source, blur):
            if m.key not in official:
                search.notes.append(f"{m.blur} is not in the official list of {split}")
            scene = f"1P0A{m.key}" if m.key.isdecimal() else m.key
            search.pairs.append(FoundPair(split, scene, scene, m.sharp, m.blur))


def _key(stem: str) -> str:
    """The camera's number, where there is one; else the stem."""
    number = _NUMBER.search(stem)
    return number[1] if number else stem
