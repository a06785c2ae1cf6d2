"""The layout of GoPro_Large: `{train,val,test}/<scene>_<yy>_00/{blur,blur_gamma,sharp}/NNNNNN.png`.

As in the original, `yy` is the number of frames that were averaged (`01` for every other blur). `blur` holds what was
averaged as stored, `blur_gamma` what was averaged in the linear light of gamma 2.2; any other light gets a folder
`blur_LIGHT`. The sharp picture of a window that has both is there once.

The number is that of the window's middle frame, which pairs made by `frame-average` of the source `frames` have in
their names; every other pair keeps its whole name, which has no second in its split. Scenes whose names cannot be
folder names get a few digits of their hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from deblurbench.dataset.formats.files import PictureFiles
from deblurbench.dataset.formats.format import Side
from deblurbench.dataset.manifest import Record
from deblurbench.errors import UsageError
from deblurbench.files import safe_name, sha256_text

_BLUR = {"stored": "blur", "gamma-2.2": "blur_gamma"}
_FRAME = re.compile(r"-([0-9]{6})-([0-9a-f]{8})(-[0-9]+)?")


class GoPro(PictureFiles):
    """The folders in which code for the GoPro dataset looks for its pictures."""

    name: ClassVar[str] = "gopro"
    suffix: ClassVar[str] = "png"

    def picture(self, record: Record, side: Side) -> str:
        """`SPLIT/SCENE_YY_00/SIDE/NUMBER.png`."""
        scene = _folder_name(record.scene)
        frames = max(len(record.photo.frames or ()), 1)
        light = str(record.blur.get("light", "stored"))
        folder = "sharp" if side == "sharp" else _BLUR.get(light, f"blur_{_folder_name(light)}")
        return f"{record.split}/{scene}_{frames:02d}_00/{folder}/{_number(record) or record.name}.png"

    def _may_share(self, side: Side) -> bool:
        return side == "sharp"


def refuse_clashes(layout: PictureFiles, records: Iterable[Record]) -> None:
    """Raise UsageError where two pairs of a dataset would have their blurred pictures in one file."""
    seen: dict[str, str] = {}
    for record in records:
        name = layout.picture(record, "blur")
        if seen.setdefault(name, record.pair) != record.pair:
            message = f"{seen[name]} and {record.pair} would both be {name}"
            raise UsageError(message, f"the format {layout.name} cannot hold both: choose another --format")


def _number(record: Record) -> str | None:
    """The six digits of the middle frame, where the pair is a plain average of a window of frames."""
    scene = safe_name(record.scene)
    if record.blur.get("family") != "frame-average" or record.camera or record.tile or not record.photo.frames:
        return None
    found = _FRAME.fullmatch(record.name.removeprefix(scene)) if record.name.startswith(scene) else None
    return found[1] if found and found[2] == record.photo.raw_sha256[:8] else None


def _folder_name(text: str) -> str:
    """The text as a folder's name; no two texts have the same one."""
    safe = safe_name(text)
    return safe if safe == text else f"{safe}-{sha256_text(text)[:8]}"
