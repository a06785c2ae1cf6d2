"""RealBlur and RSBlur (Rim et al., ECCV 2020 and 2022): real pairs; list files say which split a pair belongs to."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar

from deblurbench.errors import UsageError
from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import folders, pictures

_BLOCK = 20  # RSBlur's pictures per scene, see `RSBlur`


class _Listed(Layout):
    """A layout whose list files have one `SHARP BLURRED` line per pair, relative to the folder above the pictures."""

    lists: ClassVar[Mapping[str, str]]  # split -> file name
    top: ClassVar[re.Pattern[str]]  # the name of a folder of pictures right below the root

    def is_root(self, root: Path) -> bool:
        """Whether there are folders of pictures right here or in one sub-folder."""
        return any(self._has_pictures(folder) for folder in [root, *folders(root)])

    def _has_pictures(self, folder: Path) -> bool:
        return any(self.top.fullmatch(f.name) for f in folders(folder))

    def search(self, search: Search) -> None:
        """Take the pairs that the lists name. Raises UsageError where there is no list."""
        files = {split: self._find_list(search.root, name) for split, name in self.lists.items()}
        if not any(files.values()):
            names = ", ".join(self.lists.values())
            raise UsageError(
                f"{search.root} has no list of its splits ({names})",
                "put them there, or into `datalist/`; rimchang/RSBlur has them for RSBlur and RealBlur-J",
            )
        listed: set[str] = set()
        for split, file in files.items():
            if file is None:
                search.problems.append(f"no {self.lists[split]}: the {split} pairs are not known")
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if line.strip():
                    self._take(search, split, line.split(), f"{file.name}:{number}", listed)
        if all(files.values()):
            self._note_unlisted(search, listed)

    def _note_unlisted(self, search: Search, listed: set[str]) -> None:
        """Say how many pictures of the variant no list names: they are no part of the dataset."""
        unlisted: list[str] = []
        for top in (f for f in [search.root, *folders(search.root)] if self._has_pictures(f)):
            for folder in (side for scene in folders(top) for side in self.side_folders(scene, search.variant)):
                unlisted += set(pictures(search, folder).values()) - listed
        if unlisted:
            search.notes.append(f"{len(unlisted)} pictures are in no list and left out, such as {min(unlisted)}")

    def side_folders(self, scene: Path, variant: str) -> list[Path]:
        """The folders of a scene that hold the sharp and the blurred pictures."""
        return [scene / "gt", scene / "blur"]

    def _find_list(self, root: Path, name: str) -> Path | None:
        places = [root, root / "datalist", *folders(root / "datalist"), *folders(root), root.parent]
        return next((place / name for place in places if (place / name).is_file()), None)

    def _take(self, search: Search, split: str, line: list[str], where: str, listed: set[str]) -> None:
        if len(line) != 2:
            search.problems.append(f"{where} is no line of two paths")
            return
        files = [_resolve(search.root, self.of_variant(name, search.variant, i)) for i, name in enumerate(line)]
        sharp, blur = files
        if sharp is None or blur is None:
            search.problems += [
                f"{name} ({where}) is not there" for name, f in zip(line, files, strict=True) if f is None
            ]
            return
        again = {sharp, blur} & listed
        if again:
            search.problems.append(f"{min(again)} ({where}) is listed twice")
            return
        listed |= {sharp, blur}
        pair = self.pair_of(split, sharp, blur)
        if isinstance(pair, str):
            search.problems.append(f"{where}: {pair}")
        else:
            search.pairs.append(pair)

    def of_variant(self, name: str, variant: str, side: int) -> str:
        """The path that takes a listed one's place for a variant; `side`: 0 for sharp, 1 for blurred."""
        return name

    @abstractmethod
    def pair_of(self, split: str, sharp: str, blur: str) -> FoundPair | str:
        """The pair of two paths, or why they are none: both sides are of one name."""


def _resolve(root: Path, name: str) -> str | None:
    """A listed path below the root, with or without its first folder; None where there is no such file."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return None
    for tried in (path, PurePosixPath(*path.parts[1:])):
        if len(tried.parts) > 1 and (root / tried).is_file():
            return tried.as_posix()
    return None


class _RealBlur(_Listed):
    """`<RealBlur-...>/sceneNNN/{gt,blur}/{gt,blur}_N.png` and its two lists; the root is the folder of the lists.

    182 + 50 scenes, 3,758 + 980 pairs, no scene in both: counted in rimchang/RSBlur datalist/RealBlur_J_*.txt
    (ae33a6c); of R only the folder's name was seen there (rimchang/RealBlur link_file.sh, cf28b80), its counts are the
    paper's. The official scores align each pair first: plain PSNR is 1.8 to 2.4 dB lower.
    """

    title: ClassVar[str] = "RealBlur (Rim et al., ECCV 2020)"
    variants: ClassVar[Mapping[str, str]] = {"blur": "the one blurred picture that there is, from a camera"}
    published: ClassVar[Mapping[str, int]] = {"train": 3758, "test": 980}
    top: ClassVar[re.Pattern[str]] = re.compile(r"scene\d+")

    def pair_of(self, split: str, sharp: str, blur: str) -> FoundPair | str:
        """The pair of sceneNNN/gt/gt_N and sceneNNN/blur/blur_N."""
        one = re.search(r"(scene\d+)/gt/gt_(\w+)\.\w+$", sharp)
        two = re.search(r"(scene\d+)/blur/blur_(\w+)\.\w+$", blur)
        if not one or not two or one.groups() != two.groups():
            return f"{sharp} and {blur} are not sceneNNN/gt/gt_N and sceneNNN/blur/blur_N"
        return FoundPair(split, f"{one[1]}-{one[2]}", one[1], sharp, blur)


class RealBlurJ(_RealBlur):
    """RealBlur-J: the camera's JPEG pictures. See `_RealBlur`."""

    name: ClassVar[str] = "realblur-j"
    tree: ClassVar[str] = (
        "RealBlur_J_{train,test}_list.txt and RealBlur-J_ECC_IMCORR_centroid_itensity_ref/sceneNNN/{gt,blur}/*.png"
    )
    lists: ClassVar[Mapping[str, str]] = {"train": "RealBlur_J_train_list.txt", "test": "RealBlur_J_test_list.txt"}


class RealBlurR(_RealBlur):
    """RealBlur-R: developed from the raw pictures, denoised. See `_RealBlur`."""

    name: ClassVar[str] = "realblur-r"
    tree: ClassVar[str] = (
        "RealBlur_R_{train,test}_list.txt and RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref/sceneNNN/{gt,blur}/*.png"
    )
    lists: ClassVar[Mapping[str, str]] = {"train": "RealBlur_R_train_list.txt", "test": "RealBlur_R_test_list.txt"}


class RSBlur(_Listed):
    """`RSBlur/NNNN/NNNNNN/{gt/gt_sharp,real_blur/real_blur,avg65_img/avg_blur}.png` and its three lists.

    Layout and 13,358 pairs: rimchang/RSBlur README.md; 8,878 + 1,120 + 3,360: counted in its datalist/RSBlur
    (ae33a6c). The outer number is not a scene: 17 of 19 are in several splits. Pictures 2 to 21, 22 to 41 and so on of
    one outer number are one scene [inferred: each of the 690 such blocks in the lists lies in one split; blocks of
    other sizes or starts do not].
    """

    name: ClassVar[str] = "rsblur"
    title: ClassVar[str] = "RSBlur (Rim et al., ECCV 2022)"
    tree: ClassVar[str] = "RSBlur_real_{train,val,test}.txt and RSBlur/NNNN/NNNNNN/{gt,real_blur,avg65_img}/*.png"
    variants: ClassVar[Mapping[str, str]] = {
        "real_blur": "blurred by a camera",
        "avg65_img": "the mean of interpolated sharp frames, without noise and saturation",
    }
    published: ClassVar[Mapping[str, int]] = {"train": 8878, "val": 1120, "test": 3360}
    lists: ClassVar[Mapping[str, str]] = {split: f"RSBlur_real_{split}.txt" for split in ("train", "val", "test")}
    top: ClassVar[re.Pattern[str]] = re.compile(r"\d{4}")

    def of_variant(self, name: str, variant: str, side: int) -> str:
        """The synthetic blur lies beside the real one, which the lists name."""
        if side == 1 and variant == "avg65_img":
            return name.replace("/real_blur/real_blur.", "/avg65_img/avg_blur.")
        return name

    def side_folders(self, scene: Path, variant: str) -> list[Path]:
        """Here each pair has its own two folders."""
        return [pair / side for pair in folders(scene) for side in ("gt", variant)]

    def pair_of(self, split: str, sharp: str, blur: str) -> FoundPair | str:
        """The pair of NNNN/NNNNNN/gt/... and NNNN/NNNNNN/real_blur/..."""
        one = re.search(r"(\d{4})/(\d+)/gt/\w+\.\w+$", sharp)
        two = re.search(r"(\d{4})/(\d+)/(?:real_blur|avg65_img)/\w+\.\w+$", blur)
        if not one or not two or one.groups() != two.groups():
            return f"{sharp} and {blur} are not NNNN/NNNNNN/gt/* and NNNN/NNNNNN/real_blur/*"
        scene = f"{one[1]}-{(int(one[2]) - 2) // _BLOCK:03d}"
        return FoundPair(split, f"{one[1]}-{one[2]}", scene, sharp, blur)
