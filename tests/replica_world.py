"""What the replicas show: photos with all that is true of them, dealt to queries, some of them with a fault."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import replica_people as people
from replica_faults import FAULTS, TRAP, named
from replica_photos import Stored, pictures
from replica_spoilt import File, near_copy

from deblurbench.images.codec import decode
from deblurbench.images.dhash import dhash

KEYWORDS = (
    "nature", "human", "science", "cat", "dog", "culture", "car", "history", "food", "vintage", "black and white",
)  # fmt: skip
"""Photo i is of keyword i modulo 11."""
EVERYTHING = "everything"
"""A query that finds all photos. Any other unknown one finds none."""
_FIRST = 100_000
_NO_FAULT = ""


@dataclass(frozen=True)
class Settings:
    """The switches of a replica; each is also an option of `python replica_kit.py`.

    photos, seed: how many, and which. faults: the share of photos with a fault, and (unless `api_faults` says
    otherwise) of API pages that fail at first. kinds: which faults; see `replica_faults.named`.
    latency: seconds before each answer. retry_after: what passing faults ask for, seconds.
    hostile: a mode of the APIs; see `replica_apis.HOSTILE`. oversize: `refuse` or `clamp` pages that are too large.
    beyond: what Openverse says past the last page, 404, 400 or 200 (an empty page). depth: of an Openverse search.
    burst: how many Openverse requests a minute are let in; any number where 0.
    key, hourly: Pexels' key, and how many requests it lets in.
    lag: of the Commons database, seconds; it gets one less with every request that is turned away.
    robots: of the files and the gallery; see `replica_files.ROBOTS`. crawl_delay: seconds, in robots.txt.
    """

    photos: int = 40
    seed: int = 1
    faults: float = 0.0
    kinds: str = ""
    latency: float = 0.0
    retry_after: int = 1
    api_faults: float = -1.0
    hostile: str = ""
    oversize: str = "refuse"
    beyond: int = 404
    depth: int = 240
    burst: int = 0
    key: str = "replica-key"
    hourly: int = 200
    lag: int = 0
    robots: str = "usual"
    crawl_delay: float = 0.0


@dataclass(frozen=True)
class Photo:
    """A photo and the truth about it.

    number: names it in every address. title: fit for a file name; shown_title: as listed. type, bytes, sha256, sha1,
    dhash: of its file, as it is once passing faults are over. width, height: as listed. licence: `cc0`, `pdm`, `by`,
    ...; fault: its name, or empty. tries: how many fail in passing. of: the number of the photo that it is a copy of.
    """

    number: int
    query: str
    title: str
    shown_title: str
    author: str
    author_url: str
    licence: str
    licence_version: str
    licence_url: str
    licence_name: str
    suffix: str
    width: int
    height: int
    type: str = ""
    bytes: int = 0
    sha256: str = ""
    sha1: str = ""
    dhash: str = ""
    fault: str = _NO_FAULT
    tries: int = 0
    of: int = 0

    @property
    def name(self) -> str:
        return f"{self.number}.{self.suffix}"

    def why(self, site: str = "openverse") -> tuple[str, ...]:
        """The kinds of FetchError that explain why it is not to be had from a site; none where it is good."""
        fault = FAULTS.get(self.fault)
        return fault.why if fault and (not fault.only or site in fault.only) else ()

    def good(self, site: str = "openverse") -> bool:
        """Whether its file is to be had from a site and worth having, whatever its licence."""
        return not self.why(site)


@dataclass
class World:
    """The photos, their files, and where the sites are."""

    settings: Settings
    cache: Path | None = None
    origins: dict[str, str] = field(default_factory=dict)
    files: dict[int, File] = field(default_factory=dict)

    @cached_property
    def photos(self) -> list[Photo]:
        """All photos in the order in which they are listed; their files are there, too."""
        drawn = pictures(self.settings.photos, self.settings.seed, self.cache)
        faults = _assign(self.settings)
        return [self._photo(index, drawn, faults) for index in range(len(drawn))]

    @cached_property
    def by_number(self) -> dict[int, Photo]:
        return {photo.number: photo for photo in self.photos}

    def found(self, query: str) -> list[Photo]:
        """The photos of a query."""
        words = " ".join(query.lower().split())
        return [photo for photo in self.photos if words in (photo.query, EVERYTHING)]

    def url(self, site: str, photo: Photo) -> str:
        """Where a photo's file really is on a site."""
        fault = FAULTS.get(photo.fault)
        path = {
            "openverse": f"/photos/{photo.name}",
            "commons": f"/wikipedia/commons/{photo.sha1[0]}/{photo.sha1[:2]}/{commons_name(photo)}",
            "pexels": f"/photos/{photo.number}/pexels-photo-{photo.name.replace('jpg', 'jpeg')}",
            "gallery": f"/pictures/{photo.name}",
        }[site]
        origin = self.origins["gallery" if site == "gallery" else "files"]
        return f"{origin}{fault.folder if fault else ''}{path}"

    def listed_url(self, site: str, photo: Photo) -> Any:
        """What a listing gives as a photo's address: a text, or, where the listing is wrong, any JSON value."""
        fault = FAULTS.get(photo.fault)
        if fault and fault.item and fault.item[0] in '"n7' and not fault.item.startswith("null-"):
            text = fault.item.replace(TRAP, self.origins["trap"]).replace("{name}", photo.name)
            return json.loads(text)
        return self.url(site, photo)

    def _photo(self, index: int, drawn: list[Stored], faults: dict[int, str]) -> Photo:
        seed, fault = self.settings.seed, faults.get(index, _NO_FAULT)
        original = _original(index, seed, faults) if fault in ("copy", "near-copy") else index
        if original is None:
            fault, original = "404", index
        names = people.authors(seed)
        terms = people.TERMS[2] if fault == "null-author" else people.terms(seed, original)
        author = index * 7919 % len(names)
        picture = drawn[original]
        photo = Photo(
            number=_FIRST + index,
            query=KEYWORDS[index % len(KEYWORDS)],
            title=people.title(seed, index),
            shown_title=people.shown_title(seed, index),
            author="" if fault == "null-author" else names[author],
            author_url=f"https://photos.invalid/people/{author}",
            licence=terms.code,
            licence_version=terms.version,
            licence_url=terms.url,
            licence_name=terms.name,
            suffix="png" if picture.type == "png" else "jpg",
            width=picture.width,
            height=picture.height,
            fault=fault,
            tries=(1 + index % 2) if fault and FAULTS[fault].passing else 0,
            of=_FIRST + original if original != index else 0,
        )
        return self._with_file(photo, picture)

    def _with_file(self, photo: Photo, picture: Stored) -> Photo:
        spoil = FAULTS[photo.fault].spoil if photo.fault else None
        file, hash_ = File(picture.data, picture.type), picture.dhash
        if photo.fault == "near-copy":
            copy = near_copy(picture, photo.number)
            file, hash_ = File(copy.data, copy.type), copy.dhash
        elif spoil:
            file = spoil(picture)
            hash_ = "" if photo.why() else dhash(decode(file.data, photo.name))
        self.files[photo.number] = file
        return replace(
            photo,
            type=file.type,
            bytes=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest(),
            sha1=hashlib.sha1(file.data).hexdigest(),
            dhash=hash_,
        )


def commons_name(photo: Photo) -> str:
    """What Commons calls a photo, without `File:`, underscores for spaces."""
    return f"{photo.title} {photo.name}".replace(" ", "_")


def _draw(*words: object) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(map(str, words)).encode()).digest()[:8])


def _assign(settings: Settings) -> dict[int, str]:
    """Which photo has which fault: every kind in its turn, every other one of those that pass."""
    order = sorted(range(settings.photos), key=lambda index: _draw(settings.seed, "fault", index))
    kinds = named(settings.kinds)
    passing = [name for name in kinds if FAULTS[name].passing]
    lasting = [name for name in kinds if not FAULTS[name].passing]
    pools = [pool for pool in (lasting, passing) if pool]
    found = {}
    for rank, index in enumerate(order[: round(settings.photos * settings.faults)]):
        pool = pools[rank % len(pools)]
        found[index] = pool[rank // len(pools) % len(pool)]
    return found


def _original(index: int, seed: int, faults: dict[int, str]) -> int | None:
    """An earlier photo of the same query, without a fault, to be a copy of."""
    earlier = [i for i in range(index % len(KEYWORDS), index, len(KEYWORDS)) if i not in faults]
    return earlier[_draw(seed, "original", index) % len(earlier)] if earlier else None


def fails_at_first(settings: Settings, target: str) -> int:
    """How often an API page fails before it is good."""
    share = settings.faults if settings.api_faults < 0 else settings.api_faults
    draw = _draw(settings.seed, "page", target)
    return 1 + draw % 2 if draw / 2**64 < share else 0
