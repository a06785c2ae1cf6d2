"""What a dataset's records have in common, in as little memory as its card needs: counts, ranges, hashes."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from deblurbench.dataset.manifest import Record
from deblurbench.files import canonical_json, sha256_text
from deblurbench.sources.attribution import cell
from deblurbench.sources.licences import Licence, read_licence

_MOST_WORDS = 3
_MOST_KINDS = 6
_SHORT = 24  # characters of a word that a table has room for
# What tells a reader nothing, by family: the manifest has it.
_INNER = {
    "camera-shake": {"big_shake", "centripetal", "expl", "gaussian_shake", "size", "steps"},
    "diffraction": {"noll"},
    "measured": {"normalise", "sha256"},
}
# What a camera does, in the order in which it does it, and the keys of a record that say so.
_STAGES = {
    "saturation": ("saturation",),
    "sensor colours": ("colour",),
    "Bayer pattern": ("bayer",),
    "white balance": ("red_gain", "blue_gain"),
    "noise": ("noise", "noise_shot", "noise_read"),
    "response curve": ("crf",),
    "JPEG": ("jpeg", "jpeg_codec", "jpeg_subsampling"),
}
_KNOWN_KEYS = {key for keys in _STAGES.values() for key in keys}


@dataclass
class Values:
    """The values that one parameter took: the range of its numbers, its first few words, or only that it differs."""

    low: float | None = None
    high: float | None = None
    words: list[str] = field(default_factory=list)
    many: bool = False

    def add(self, value: Any) -> None:
        """Take note of one value."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)
        elif isinstance(value, str | bool):
            word = str(value) if isinstance(value, str) else str(value).lower()
            if word not in self.words:
                self.many = self.many or len(self.words) == _MOST_WORDS or len(word) > _SHORT
                self.words += [] if self.many else [word]
        else:
            self.many = True

    def text(self) -> str:
        """Such as `1.2`, `5 .. 31`, `a|b`; empty where there is too much to say."""
        if self.many:
            return ""
        numbers = [] if self.low is None or self.high is None else [_number(self.low), _number(self.high)]
        return " or ".join(filter(None, [" .. ".join(dict.fromkeys(numbers)), *self.words]))


@dataclass
class Entry:
    """One family, or one set of parameters of it: how many pairs, and the values of the parameters."""

    count: int = 0
    parameters: dict[str, Values] = field(default_factory=dict)
    photo: str = ""
    shared: bool = False  # by pairs of several photos

    def add(self, parameters: dict[str, Any], photo: str) -> None:
        """Take note of the parameters of one pair of a photo."""
        self.shared = self.shared or (self.count > 0 and self.photo != photo)
        self.count, self.photo = self.count + 1, photo
        for key, value in parameters.items():
            self.parameters.setdefault(key, Values()).add(value)

    def text(self, family: str) -> str:
        """Such as `gaussian-opencv (sigma 1.2, size 9)`."""
        said = {key: values.text() for key, values in sorted(self.parameters.items())}
        shown = ", ".join(f"{key} {text}" for key, text in said.items() if text)
        return cell(f"{family} ({shown})" if shown else family)


def telling_parameters(record: Record) -> dict[str, Any]:
    """What a reader wants to know of a record's blur beside family and light; of frame averages, how many frames."""
    inner = {"family", "light"} | _INNER.get(str(record.blur.get("family")), set())
    frames = {"frames": len(record.photo.frames)} if record.photo.frames else {}
    return frames | {key: value for key, value in record.blur.items() if key not in inner}


def camera_stages(record: Record) -> list[str]:
    """What the camera did to a record's blurred picture, in that order; nothing where there was none."""
    keys = set(record.camera or ())
    return [name for name, of in _STAGES.items() if keys & set(of)] + sorted(keys - _KNOWN_KEYS)


@dataclass
class SplitSummary:
    """The blurs, light and cameras of one split."""

    families: dict[str, Entry] = field(default_factory=dict)
    kinds: dict[str, dict[str, Entry]] = field(default_factory=dict)
    light: Counter[str] = field(default_factory=Counter)
    camera: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Take note of one record."""
        family = str(record.blur.get("family", "unknown"))
        parameters, photo = telling_parameters(record), record.photo.raw_sha256
        self.families.setdefault(family, Entry()).add(parameters, photo)
        kinds = self.kinds.setdefault(family, {})
        if len(kinds) <= _MOST_KINDS:
            kinds.setdefault(canonical_json(parameters), Entry()).add(parameters, photo)
        self.light[str(record.blur.get("light", "stored"))] += 1
        self.camera[", ".join(camera_stages(record)) or "none"] += 1

    def blurs(self) -> str:
        """All families with their parameters, and counts where there are several.

        Recipes often list one family a few times, each with its own constants: these are told apart. Where photos have
        drawn values of their own, there are ranges.
        """
        counts = Counter[str]()
        for family, whole in self.families.items():
            kinds = self.kinds[family]
            few = len(kinds) <= _MOST_KINDS and (len(kinds) == 1 or any(entry.shared for entry in kinds.values()))
            for entry in kinds.values() if few else [whole]:
                counts[entry.text(family)] += entry.count
        return _listed(counts)

    def lights(self) -> str:
        """Such as `stored`, with counts where there are several."""
        return _listed({cell(text): count for text, count in self.light.items()})

    def cameras(self) -> str:
        """Such as `noise, JPEG` or `none`, with counts where there are several."""
        return _listed({cell(text): count for text, count in self.camera.items()})


@dataclass
class Summary:
    """All that the card says of the records."""

    splits: dict[str, SplitSummary] = field(default_factory=dict)
    licences: Counter[Licence] = field(default_factory=Counter)
    photos: int = 0
    scenes: int = 0


def summarise(records: Iterable[Record]) -> Summary:
    """Go through all records once; 16 bytes of each are kept meanwhile."""
    summary, photos, scenes = Summary(), array("Q"), array("Q")
    for record in records:
        summary.splits.setdefault(record.split, SplitSummary()).add(record)
        summary.licences[read_licence(record.photo.licence)] += 1
        photos.append(int(record.photo.raw_sha256[:16], 16))
        scenes.append(int(sha256_text(record.scene)[:16], 16))
    summary.photos, summary.scenes = _distinct(photos), _distinct(scenes)
    return summary


def _distinct(numbers: array[int]) -> int:
    import numpy as np

    return len(np.unique(np.frombuffer(numbers, dtype=np.uint64))) if numbers else 0


def _listed(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(
        f"{text}: {count:,}" for text, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _number(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
