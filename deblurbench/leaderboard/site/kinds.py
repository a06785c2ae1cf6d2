"""How methods do on each kind of blur of a track: by family, and by severity within a family."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.track import Track

Gains = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A kind of blur.

    Attributes:
        label: its family, or `family, severity`.
        is_family: whether it is a whole family.
        pictures: the places of its pictures in the track.
        blurred_psnr_db: the mean of its blurred pictures.
    """

    label: str
    is_family: bool
    pictures: tuple[int, ...]
    blurred_psnr_db: float


def kinds(track: Track) -> list[Kind]:
    """The families of a track's blurs, each followed by its severities; none where all pictures are of one kind.

    A family that stands alone, and a severity that is all of its family, say nothing new and are left out.
    """
    of: dict[str, dict[str, list[int]]] = {}
    for place, picture in enumerate(track.pictures):
        of.setdefault(picture.facts.family, {}).setdefault(picture.facts.severity, []).append(place)
    found = []
    for family, bands in sorted(of.items()):
        if len(of) > 1:
            found.append(_kind(track, family, True, sorted(place for band in bands.values() for place in band)))
        if len(bands) > 1:
            found += [_kind(track, f"{family}, {band}", False, bands[band]) for band in sorted(bands, key=_natural)]
    return found


def _kind(track: Track, label: str, is_family: bool, pictures: Sequence[int]) -> Kind:
    blurred = float(np.mean([track.pictures[place].blurred_psnr_db for place in pictures]))
    return Kind(label, is_family, tuple(pictures), blurred)


def _natural(text: str) -> list[tuple[float, str]]:
    """So that `2 .. 4` comes before `10 .. 20`."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [(float(part), "") if place % 2 else (0.0, part) for place, part in enumerate(parts)]


def mean_gains(track: Track, entries: Sequence[Entry], of: Sequence[Kind]) -> Mapping[str, Sequence[float]]:
    """The mean gain over the blurred pictures in dB on each kind, by method; a gain may be infinite."""
    if not of or not entries:
        return {}
    blurred = np.array([picture.blurred_psnr_db for picture in track.pictures])
    columns = [np.array(kind.pictures) for kind in of]
    return {
        entry.submission.method: [float(np.mean(gains[column])) for column in columns]
        for entry in entries
        for gains in (_gains(np.array(entry.scores.psnr_db), blurred),)
    }


def _gains(psnr: Gains, blurred: Gains) -> Gains:
    with np.errstate(invalid="ignore"):
        return np.where(psnr == blurred, 0.0, psnr - blurred)
