"""HIDE (Shen et al., ICCV 2019): people in motion, from 240-fps videos."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import match, pictures

_VIDEO = re.compile(r"\d+from(.+)")
_BLURRED: dict[str, tuple[str, dict[str, Any]]] = {
    "train": ("train", {}),
    "test/test-close-ups": ("test", {"shot": "close-up"}),
    "test/test-long-shot": ("test", {"shot": "long-shot"}),
}


class Hide(Layout):
    """`train/NAME.png` and `test/{test-close-ups,test-long-shot}/NAME.png` blurred, `GT/NAME.png` sharp.

    6,397 + 2,025 pairs: joanshen0508/HA_deblur README.md (029567d). The folders, and names such as
    `1fromGOPR1096.MP4.png` and `1fromGOPR0950.png` (frame, then video), were seen in public loaders, not in the
    authors' documentation; some copies leave `.MP4` out on one side, so it does not count for the pairing. A video is
    a scene; whether one spans train and test is not known here, and `adopt` says. How the blur was
    made (some say 11 frames) was not verified and is not recorded.
    """

    name: ClassVar[str] = "hide"
    title: ClassVar[str] = "HIDE (Shen et al., ICCV 2019)"
    tree: ClassVar[str] = "train/*.png, test/{test-close-ups,test-long-shot}/*.png and GT/*.png"
    variants: ClassVar[Mapping[str, str]] = {"blur": "the one blurred picture that there is"}
    published: ClassVar[Mapping[str, int]] = {"train": 6397, "test": 2025}

    def is_root(self, root: Path) -> bool:
        """Whether there is `GT`, and `train` or `test`."""
        return (root / "GT").is_dir() and any((root / folder).is_dir() for folder in _BLURRED)

    def search(self, search: Search) -> None:
        """Pair each blurred picture with the one of its name in `GT`."""
        sharp = pictures(search, search.root / "GT", _key)
        blurred: dict[str, str] = {}
        where: dict[str, str] = {}
        for folder in _BLURRED:
            for key, path in pictures(search, search.root / folder, _key).items():
                if key in blurred:
                    search.problems.append(f"{path} and {blurred[key]} have one name: only one sharp picture has it")
                blurred.setdefault(key, path)
                where.setdefault(key, folder)
        for m in match(search, sharp, blurred):
            split, facts = _BLURRED[where[m.key]]
            video = _VIDEO.fullmatch(m.key)
            search.pairs.append(FoundPair(split, m.key, video[1] if video else m.key, m.sharp, m.blur, facts))


def _key(stem: str) -> str:
    return re.sub(r"\.mp4$", "", stem, flags=re.IGNORECASE)
