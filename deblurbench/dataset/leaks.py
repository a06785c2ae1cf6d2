"""The leak check: what lies in more than one of train, val and test, and which photos must not be parted.

Near-duplicates are found by the difference hash of the sharp pictures (`images.dhash`). Pictures whose hash is plain
(flat, or evenly shaded) are left out of that, since they all look alike to it; the other checks still see them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.names import share_of
from deblurbench.files import json_text, sha256_text
from deblurbench.images.dhash import WITHIN, groups, is_plain
from deblurbench.places import Place

LEAKS = "leaks.json"
Kind = Literal["picture", "photo", "scene", "near-duplicate", "author"]
_KINDS: tuple[Kind, ...] = ("picture", "photo", "scene", "near-duplicate", "author")
_SHARES = ("train", "val", "test")


@dataclass(frozen=True)
class Leak:
    """One thing that lies in more than one of train, val and test.

    Attributes:
        kind: `picture` (the same sharp pixels), `photo` (the same raw file, or a frame of it), `scene`,
            `near-duplicate`, or `author`, which is for information.
        key: what it is: a hash, a scene, an author; of near-duplicates, the least difference hash among them.
        pairs: the first pair of it in each share, by share.
    """

    kind: Kind
    key: str
    pairs: dict[str, str]

    @property
    def serious(self) -> bool:
        """Whether scores on the test splits are no longer to be trusted; one author may well have many scenes."""
        return self.kind != "author"

    def __str__(self) -> str:
        return f"same {self.kind} {self.key[:60]!r} in " + " and ".join(f"{s} ({p})" for s, p in self.pairs.items())


def near_duplicates(hashes: Iterable[tuple[str, str]], within: int = WITHIN) -> list[list[str]]:
    """Groups of two or more ids whose pictures are linked by steps of at most `within` bits, each sorted.

    Args:
        hashes: (id, difference hash of 16 hex digits); plain hashes are ignored.
        within: bits; the answer is complete for them.
    """
    named = [(name, int(text, 16)) for name, text in hashes if not is_plain(text)]
    least = groups((bits for _, bits in named), within)
    found: dict[int, list[str]] = {}
    for name, bits in named:
        found.setdefault(least[bits], []).append(name)
    return sorted(sorted(names) for names in found.values() if len(names) > 1)


def clusters(photos: Iterable[tuple[str, str]], within: int = WITHIN) -> dict[str, str]:
    """Each photo's raw hash -> the least raw hash among its near-duplicates (its own where it has none).

    Args:
        photos: (hex SHA-256 of the raw file, difference hash).
        within: bits.
    """
    known = list(photos)
    least = {raw: raw for raw, _ in known}
    for names in near_duplicates(known, within):
        least.update(dict.fromkeys(names, names[0]))
    return least


def join_scenes(photos: Iterable[tuple[str, str, str]], within: int = WITHIN) -> dict[str, str]:
    """Each scene -> the scene that it is one with, because near-duplicates or the same raw file lie in both.

    All scenes that are one take the name of the one that holds the least raw hash.

    Args:
        photos: (scene, hex SHA-256 of the raw file, difference hash).
        within: bits.
    """
    known = sorted(photos, key=lambda photo: (photo[1], photo[0]))
    cluster = clusters(((raw, bits) for _, raw, bits in known), within)
    rank = {scene: i for i, scene in enumerate(dict.fromkeys(scene for scene, _, _ in known))}  # by least raw hash
    joined = {scene: scene for scene in rank}

    def root(scene: str) -> str:
        while joined[scene] != scene:
            joined[scene] = scene = joined[joined[scene]]
        return scene

    first: dict[str, str] = {}
    for scene, raw, _ in known:
        one, other = sorted((root(scene), root(first.setdefault(cluster[raw], scene))), key=rank.__getitem__)
        joined[other] = one
    return {scene: root(scene) for scene in rank}


def leak_report(records: Callable[[], Iterable[Record]], within: int = WITHIN) -> list[Leak]:
    """Everything that lies in more than one of train, val and test, by kind and key.

    Args:
        records: gives the lines of the manifest, twice. What is kept of a line: 9 bytes for each thing that it names,
            and about 150 more for a new difference hash.
        within: bits in which near-duplicates differ, at most.
    """
    seen = {kind: _Shares() for kind in _KINDS}
    for record in records():
        share = share_of(record.split)
        for kind, key in _keys(record):
            seen[kind].add(_number(kind, key), share)
    least = groups(seen["near-duplicate"].numbers, within)
    seen["near-duplicate"].replace(least)
    spanning = {kind: seen[kind].spanning() for kind in _KINDS}
    found: dict[tuple[Kind, str], dict[str, str]] = {}
    for record in records():
        for kind, key in _keys(record):
            number = _number(kind, key)
            if kind == "near-duplicate":
                number = least[number]
                key = f"{number:016x}"  # noqa: PLW2901 - the group stands for its members
            if number in spanning[kind]:
                pairs = found.setdefault((kind, key), {})
                pairs[share_of(record.split)] = min(record.pair, pairs.get(share_of(record.split), record.pair))
    return [
        Leak(kind, key, {share: pairs[share] for share in _SHARES if share in pairs})
        for (kind, key), pairs in sorted(found.items(), key=lambda item: (_KINDS.index(item[0][0]), item[0][1]))
        if len(pairs) > 1  # two keys of one number are no leak
    ]


def write_leaks(place: Place, leaks: Iterable[Leak], within: int = WITHIN) -> None:
    """Write `leaks.json`: also where there is none, so that one can see that it was looked for."""
    value = {"schema": 1, "within": within, "leaks": [asdict(leak) for leak in leaks]}
    place.write_text(LEAKS, json_text(value))


def leak_lines(leaks: Iterable[Leak], most: int = 5) -> Iterator[str]:
    """What people should read: of each kind, how many there are and the first few."""
    by_kind: dict[Kind, list[Leak]] = {}
    for leak in leaks:
        by_kind.setdefault(leak.kind, []).append(leak)
    for kind, found in by_kind.items():
        word = "leak" if found[0].serious else "note"
        yield f"{word}: {len(found)} times the same {kind} in more than one of {', '.join(_SHARES)}"
        yield from (f"  {leak}" for leak in found[:most])
        if len(found) > most:
            yield f"  and {len(found) - most} more: see {LEAKS}"


class _Shares:
    """For each of many things (64-bit numbers, repeats allowed), in which share it was seen."""

    def __init__(self) -> None:
        self.numbers = array("Q")
        self._shares = array("B")

    def add(self, number: int, share: str) -> None:
        self.numbers.append(number)
        self._shares.append(1 << _SHARES.index(share))

    def replace(self, numbers: dict[int, int]) -> None:
        self.numbers = array("Q", (numbers[number] for number in self.numbers))

    def spanning(self) -> set[int]:
        """The things that were seen in more than one share."""
        import numpy as np

        numbers, index = np.unique(np.frombuffer(self.numbers, dtype=np.uint64), return_inverse=True)
        shares: Any = np.zeros(len(numbers), dtype=np.uint8)
        np.bitwise_or.at(shares, index, np.frombuffer(self._shares, dtype=np.uint8))
        return set(numbers[np.bitwise_count(shares) > 1].tolist())


def _keys(record: Record) -> Iterator[tuple[Kind, str]]:
    """What a line of the manifest names that must not be in two shares."""
    yield "picture", record.sharp_sha256
    yield from (("photo", raw) for raw in {record.photo.raw_sha256, *(record.photo.frames or ())})
    yield "scene", record.scene
    if not is_plain(record.sharp_dhash):
        yield "near-duplicate", record.sharp_dhash
    if record.photo.author:
        yield "author", record.photo.author


def _number(kind: Kind, key: str) -> int:
    """64 bits that stand for a key."""
    if kind in ("picture", "photo", "near-duplicate"):
        return int(key[:16], 16)
    return int(sha256_text(key)[:16], 16)
