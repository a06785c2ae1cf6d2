"""The known layouts by name, and finding the pairs below a folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from deblurbench.errors import UsageError, nearest
from deblurbench.sources.layouts.dpdd import Dpdd
from deblurbench.sources.layouts.gopro import GoPro
from deblurbench.sources.layouts.hide import Hide
from deblurbench.sources.layouts.layout import Found, FoundPair, Layout, Search
from deblurbench.sources.layouts.listed import RealBlurJ, RealBlurR, RSBlur
from deblurbench.sources.layouts.listing import folders
from deblurbench.sources.layouts.reds import Reds
from deblurbench.sources.layouts.small import CustomTest, Levin

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (GoPro(), Reds(), Hide(), RealBlurJ(), RealBlurR(), RSBlur(), Dpdd(), Levin(), CustomTest())
}
"""Every known layout by name."""

_MANY = 200  # a folder of more sub-folders is not searched for the true root


def layout_named(name: str) -> Layout:
    """The layout of a name, whatever its case, `_` or `-`. Raises UsageError with the nearest name."""
    plain = name.lower().replace("_", "-")
    if plain not in LAYOUTS:
        raise UsageError(f"no known dataset {name!r}", nearest(plain, LAYOUTS))
    return LAYOUTS[plain]


def variant_named(layout: Layout, variant: str) -> str:
    """The variant of a name, or the default where it is empty. Raises UsageError with the nearest name."""
    chosen = variant or layout.default
    if chosen not in layout.variants:
        raise UsageError(f"{layout.name} has no variant {variant!r}", nearest(variant, layout.variants))
    return chosen


def find_pairs(layout: Layout, root: Path, variant: str = "") -> Found:
    """The pairs of a published dataset below `root`, by names alone.

    Args:
        layout: of the dataset, see `layout_named`.
        root: the folder that `layout.tree` lies in; nothing is written there.
        variant: one of `layout.variants`; empty for the first.

    Raises: UsageError where the folder is not the root of such a tree (saying where the root seems to be), holds
        another variant alone, or holds no pair.
    """
    chosen = variant_named(layout, variant)
    if not root.is_dir():
        raise UsageError(f"no folder {root}", f"give the folder of {layout.title}")
    absolute = Path(os.path.abspath(root))  # links stay as they are
    if not layout.is_root(absolute):
        raise UsageError(f"{root} does not look like {layout.title}", _where(layout, absolute))
    search = Search(absolute, chosen)
    layout.search(search)
    if not search.pairs:
        first = f"; {search.problems[0]}" if search.problems else ""
        raise UsageError(f"{root} holds no pair of {layout.title}{first}", f"expected below it: {layout.tree}")
    pairs = tuple(sorted(search.pairs, key=lambda p: (p.split, p.name, p.blur)))
    return Found(pairs, tuple(search.problems), tuple(search.notes), layout.expected(chosen))


def _where(layout: Layout, folder: Path) -> str:
    """What to do about a folder that is not the root: the root nearby, a name of another case, or the tree."""
    for near in [*_below(folder), *list(folder.parents)[:4]]:
        if _looks(layout, near):
            return f"it seems to be {near}: give that"
    other = next((f"; it looks like {other.title}" for other in LAYOUTS.values() if _looks(other, folder)), "")
    there = [entry.name for entry in folders(folder)]
    cases = [name for name in there if name != name.lower() and name.lower() in layout.tree.lower()]
    case = f"; names must be of this case, unlike {', '.join(cases)}" if cases else ""
    return f"expected below it: {layout.tree}{other}{case}"


def _looks(layout: Layout, folder: Path) -> bool:
    try:
        return layout.is_root(folder)
    except OSError:  # a folder that may not be read
        return False


def _below(folder: Path) -> list[Path]:
    """The sub-folders and theirs, where these are not too many to look into."""
    inner = folders(folder)
    if len(inner) > _MANY:
        return []
    deeper: list[Path] = []
    for one in inner:
        with suppress(OSError):
            deeper += folders(one)[:_MANY]
    return inner + deeper


__all__ = ["LAYOUTS", "Found", "FoundPair", "Layout", "find_pairs", "layout_named", "variant_named"]
