"""GOPRO_Large (Nah, Kim and Lee, CVPR 2017): sequences of frames, each blurred twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from deblurbench.errors import PictureError, UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import folders, match_folders

_SEQUENCE = re.compile(r"GOPR\d+_(\d+)_\d+")
_SPLITS = ("train", "test")


class GoPro(Layout):
    """`{train,test}/<GOPRxxxx_yy_zz>/{blur,blur_gamma,sharp}/NNNNNN.png`, yy = number of frames averaged.

    Layout, yy and both variants: SeungjunNah/DeepDeblur_release README.md (2d5a698); 22 + 11 sequences, 2,103 + 1,111
    pairs. A sequence is a scene; several sequences may come from one video (the same GOPRxxxx), in train and in test:
    that is how the dataset was published. Which variant a paper used is often unsaid; users found that MPRNet's copy,
    which HINet and later work took over, holds `blur` (megvii-model/HINet issue 28).
    """

    name: ClassVar[str] = "gopro"
    title: ClassVar[str] = "GOPRO_Large (Nah et al., CVPR 2017)"
    tree: ClassVar[str] = "{train,test}/GOPRxxxx_yy_zz/{blur,blur_gamma,sharp}/NNNNNN.png"
    variants: ClassVar[Mapping[str, str]] = {
        "blur": "the plain mean of the frames' stored values (linear CRF)",
        "blur_gamma": "the mean in gamma-2.2 linear light, which the paper's own network took",
    }
    published: ClassVar[Mapping[str, int]] = {"train": 2103, "test": 1111}

    def is_root(self, root: Path) -> bool:
        """Whether `train` or `test` holds a folder with `sharp` in it."""
        return any((sequence / "sharp").is_dir() for split in _SPLITS for sequence in folders(root / split))

    def search(self, search: Search) -> None:
        """Pair the frames of every sequence by name. Raises UsageError where the variant is nowhere."""
        sequences = [(split, folder) for split in _SPLITS for folder in folders(search.root / split)]
        self._check_variant(search, [folder for _, folder in sequences])
        for split, folder in sequences:
            named = _SEQUENCE.fullmatch(folder.name)
            if not named:
                search.notes.append(f"{search.below(folder)} is not named GOPRxxxx_yy_zz: how many frames is unknown")
            facts = {"frames": int(named[1])} if named else {}
            for m in match_folders(search, folder / "sharp", folder / search.variant):
                search.pairs.append(FoundPair(split, f"{folder.name}-{m.key}", folder.name, m.sharp, m.blur, facts))

    def _check_variant(self, search: Search, sequences: Sequence[Path]) -> None:
        there = [v for v in self.variants if any((folder / v).is_dir() for folder in sequences)]
        if search.variant not in there and there:
            raise UsageError(
                f"{search.root} has no `{search.variant}` pictures, only `{there[0]}`",
                f"these are different pictures; give --variant {there[0]} if it is these that you want",
            )

    def compare(self, root: Path, pairs: Sequence[FoundPair], variant: str) -> list[str]:
        """Compare `blur` with `blur_gamma` on the first pair of each sequence that has both.

        A mean in linear light is nowhere darker than the plain mean of the same frames (the power means'
        inequality), so `blur_gamma` must be the brighter one: equal or darker pictures are not what they are called.
        """
        other = next(v for v in self.variants if v != variant)
        gains: list[float] = []
        for pair in {p.scene: p for p in reversed(pairs)}.values():
            blur, twin = root / pair.blur, _twin(root / pair.blur, other)
            if not twin.is_file():
                continue
            try:
                one, two = read_rgb(blur), read_rgb(twin)
            except PictureError:
                continue  # said where the pair itself is read
            gains.append(float(two.mean(dtype=np.float64) - one.mean(dtype=np.float64)))
            if one.shape == two.shape and np.array_equal(one, two):
                return [f"{pair.blur} and its `{other}` are the same picture: one folder is a copy of the other"]
        if not gains:
            return []
        brighter = sum(gains) / len(gains) * (1 if other == "blur_gamma" else -1)
        if brighter < 0:
            by = f"{-brighter:.2f} grey levels darker than `blur` (mean of {len(gains)} sequences)"
            return [f"`blur_gamma` is {by}; a mean in linear light is never darker: the folders seem to be swapped"]
        return []


def _twin(blur: Path, other: str) -> Path:
    """The same frame in another variant's folder."""
    return blur.parent.parent / other / blur.name
