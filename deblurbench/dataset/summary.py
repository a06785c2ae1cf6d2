"""What a dataset's records have in common, in as little memory as its card needs: counts, ranges, hashes."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from deblurbench.dataset.attribution import cell
from deblurbench.dataset.licences import Licence, read_licence
from deblurbench.dataset.manifest import Record
from deblurbench.files import sha256_text

_MOST_WORDS = 3
_MOST_ENTRIES = 6
_SHORT = 24  # characters of a word that a table has room for


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
    """One family, or one family with one size: how many pairs, and the values of its parameters."""

    count: int = 0
    parameters: dict[str, Values] = field(default_factory=dict)

    def add(self, parameters: dict[str, Any]) -> None:
        """Take note of one pair's parameters."""
        self.count += 1
        for key, value in parameters.items():
            self.parameters.setdefault(key, Values()).add(value)

    def text(self, family: str) -> str:
        """Such as `gaussian-opencv (sigma 1.2, size 9)`."""
        said = {key: values.text() for key, values in sorted(self.parameters.items())}
        shown = ", ".join(f"{key} {text}" for key, text in said.items() if text)
        return cell(f"{family} ({shown})" if shown else family)


@dataclass
class SplitSummary:
    """The blurs, light and cameras of one split."""

    families: dict[str, Entry] = field(default_factory=dict)
    sizes: dict[str, dict[str, Entry]] = field(default_factory=dict)
    light: Counter[str] = field(default_factory=Counter)
    camera: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Take note of one record."""
        family = str(record.blur.get("family", "unknown"))
        parameters = {key: value for key, value in record.blur.items() if key not in ("family", "light")}
        self.families.setdefault(family, Entry()).add(parameters)
        sizes = self.sizes.setdefault(family, {})
        if len(sizes) <= _MOST_ENTRIES:
            sizes.setdefault(str(parameters.get("size", "")), Entry()).add(parameters)
        self.light[str(record.blur.get("light", "stored"))] += 1
        self.camera[", ".join(sorted(record.camera)) if record.camera else "none"] += 1

    def blurs(self) -> str:
        """All families with their parameters, and counts where there are several.

        Recipes often list one family a few times, each with a size: these are told apart.
        """
        counts = Counter[str]()
        for family, whole in self.families.items():
            sizes = self.sizes[family]
            for entry in sizes.values() if len(sizes) <= _MOST_ENTRIES else [whole]:
                counts[entry.text(family)] += entry.count
        return _listed(counts)

    def lights(self) -> str:
        """Such as `stored`, with counts where there are several."""
        return _listed({cell(text): count for text, count in self.light.items()})

    def cameras(self) -> str:
        """Such as `noise, jpeg` or `none`, with counts where there are several."""
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
