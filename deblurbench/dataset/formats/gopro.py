"""The layout of GoPro_Large: `{train,val,test}/<scene>_<yy>_00/{blur,blur_gamma,sharp}/NNNNNN.png`.

As in the original, `yy` is the number of frames that were averaged (`01` for every other blur). `blur` holds what was
averaged as stored, `blur_gamma` what was averaged in the linear light of gamma 2.2; any other light gets a folder
`blur_LIGHT`. The sharp picture of a window that has both is there once. A recorded blur goes to the folder that it
was found in, if it was one of these two, else to `blur`; scenes that are called `..._yy_zz` already keep their names,
so that a copy of GoPro_Large is laid out as the original.

The number is that of the window's middle frame, which pairs averaged from the source `frames`, and those of GoPro
itself, have in their names; every other pair keeps its whole name, which has no second in its split. Scenes whose
names cannot be folder names get a few digits of their hash.
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

_BLUR = {"stored": "blur", "gamma-2.2": "blur_gamma", "recorded": "blur"}
_FRAME = re.compile(r"-([0-9]{6})(?:-([0-9a-f]{8})(?:-[0-9]+)?)?")
_SEQUENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}_[0-9]{2,3}_[0-9]{2}")


class GoPro(PictureFiles):
    """The folders in which code for the GoPro dataset looks for its pictures."""

    name: ClassVar[str] = "gopro"
    suffix: ClassVar[str] = "png"

    def picture(self, record: Record, side: Side) -> str:
        """`SPLIT/SCENE_YY_00/SIDE/NUMBER.png`."""
        folder = "sharp" if side == "sharp" else _blur_folder(record)
        return f"{record.split}/{_sequence(record)}/{folder}/{_number(record) or record.name}.png"

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


def _blur_folder(record: Record) -> str:
    variant = record.blur.get("variant")
    if record.blur.get("family") == "recorded" and variant in _BLUR.values():
        return str(variant)
    light = str(record.blur.get("light", "stored"))
    return _BLUR.get(light, f"blur_{_folder_name(light)}")


def _sequence(record: Record) -> str:
    if record.blur.get("family") == "recorded" and _SEQUENCE.fullmatch(record.scene):
        return record.scene
    return f"{_folder_name(record.scene)}_{max(len(record.photo.frames or ()), 1):02d}_00"


def _number(record: Record) -> str | None:
    """The six digits of the middle frame, where the pair is a plain average of a window, or GoPro's own."""
    recorded = record.blur.get("family") == "recorded" and _SEQUENCE.fullmatch(record.scene)
    averaged = record.blur.get("family") == "frame-average" and record.photo.frames
    scene = safe_name(record.scene, 50)  # as the source `frames` names its photos
    if not (recorded or averaged) or record.camera or record.tile or not record.name.startswith(scene):
        return None
    found = _FRAME.fullmatch(record.name.removeprefix(scene))
    raw = record.photo.raw_sha256[:8]
    return found[1] if found and (found[2] == raw or (recorded and found[2] is None)) else None


def _folder_name(text: str) -> str:
    """The text as a folder's name; no two texts have the same one."""
    safe = safe_name(text)
    return safe if safe == text else f"{safe}-{sha256_text(text)[:8]}"
