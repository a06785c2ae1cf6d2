"""Two small test sets: Levin's captured blur, and the pictures that the course's projects are scored on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from deblurbench.sources.layouts.layout import FoundPair, Layout, Search
from deblurbench.sources.layouts.listing import folders, match_folders, pictures

_SHARP = re.compile(r"(im\d+)(_sharp)?")
_BLURRED = re.compile(r"(im\d+)_k(?:ernel)?(\d+)_(?:img|blur)")


class Levin(Layout):
    """`imI_kernelK_img.png` blurred and `gt/imI.png` sharp, or `imI_kK_blur.png` and `imI_sharp.png`; grey, 255x255.

    4 pictures x 8 kernels. The first is csdwren/SelfDeblur datasets/levin (c2e5052); the authors' own release is
    .mat files (im05_flit01.mat ...), which are not read here. Blur captured by a camera: it is shifted by up to 5 px
    against the sharp picture, so plain PSNR underrates methods that do not align first. Grey becomes RGB of three
    equal channels. All is test; the picture is the scene; the kernel's number is a fact of the pair.
    """

    name: ClassVar[str] = "levin"
    title: ClassVar[str] = "Levin et al., CVPR 2009"
    tree: ClassVar[str] = "imI_kernelK_img.png and gt/imI.png, or imI_kK_blur.png and imI_sharp.png"
    variants: ClassVar[Mapping[str, str]] = {"blur": "the one blurred picture that there is, from a camera"}
    published: ClassVar[Mapping[str, int]] = {"test": 32}

    def is_root(self, root: Path) -> bool:
        """Whether a picture is named like a blurred one."""
        return any(_BLURRED.fullmatch(file.stem) for file in root.iterdir())

    def search(self, search: Search) -> None:
        """Give each blurred picture the sharp one whose name it begins with."""
        here = pictures(search, search.root)
        sharp: dict[str, str] = {}
        for stem, path in [*here.items(), *pictures(search, search.root / "gt").items()]:
            named = _SHARP.fullmatch(stem)
            if named and sharp.setdefault(named[1], path) != path:
                search.problems.append(f"{path} and {sharp[named[1]]} are both the sharp {named[1]}")
        used = set()
        for stem, path in sorted(here.items()):
            blurred = _BLURRED.fullmatch(stem)
            if blurred and blurred[1] in sharp:
                image, kernel = blurred[1], int(blurred[2])
                used.add(image)
                facts: dict[str, Any] = {"kernel": kernel}
                search.pairs.append(FoundPair("test", f"{image}-k{kernel}", image, sharp[image], path, facts))
            elif blurred or not _SHARP.fullmatch(stem):
                search.problems.append(f"{path} has no sharp counterpart")
        search.problems += [f"{sharp[image]} has no blurred counterpart" for image in sorted(sharp.keys() - used)]


class CustomTest(Layout):
    """`{blur,sharp}/SSSNNNNNNNN.png` flat (scene SSS, frame N), or `{blur,sharp}/<scene>/<frame>.png`.

    The test set of the IIT Bombay course GNR638, spring 2024: 30 scenes x 5 frames. The flat names, such as
    02800000071.png, were seen in public solutions. Pictures of another naming are scenes of their own.
    """

    name: ClassVar[str] = "custom-test"
    title: ClassVar[str] = "custom_test of the course GNR638"
    tree: ClassVar[str] = "{blur,sharp}/SSSNNNNNNNN.png, or {blur,sharp}/SCENE/FRAME.png"
    variants: ClassVar[Mapping[str, str]] = {"blur": "the one blurred picture that there is"}
    published: ClassVar[Mapping[str, int]] = {"test": 150}

    def is_root(self, root: Path) -> bool:
        """Whether there are `blur` and `sharp`, with pictures or folders in them."""
        return (root / "blur").is_dir() and (root / "sharp").is_dir()

    def search(self, search: Search) -> None:
        """Pair the pictures by name, those of sub-folders folder by folder."""
        sharp, blur = search.root / "sharp", search.root / "blur"
        for m in match_folders(search, sharp, blur):
            named = re.fullmatch(r"(\d{3})\d{8}", m.key)
            search.pairs.append(FoundPair("test", m.key, named[1] if named else m.key, m.sharp, m.blur))
        for scene in sorted({f.name for f in folders(sharp)} | {f.name for f in folders(blur)}):
            for m in match_folders(search, sharp / scene, blur / scene):
                search.pairs.append(FoundPair("test", f"{scene}-{m.key}", scene, m.sharp, m.blur))
