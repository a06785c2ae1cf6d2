"""A source and a client for tests of the fetch that need no server."""

import hashlib
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from deblurbench.errors import FetchError
from deblurbench.fetch.photo_file import Checks, PhotoFacts
from deblurbench.fetch.request import Request
from deblurbench.fetch.web.client import Download
from deblurbench.sources.online import Listing, Offer, OnlineSource, Search


class Album(OnlineSource):
    """Lists `photos` photos of each query, ten a page; every seventh is that of the page before once more."""

    source = "album"
    photos: int = 30
    licence: str = "CC BY 4.0"

    def searches(self, queries, licences):
        return [Search(query, f"{query}/0") for query in queries]

    def listing(self, web, cursor):
        web.json(cursor)
        query, _, page = cursor.partition("/")
        numbers = range(int(page) * 10, min(int(page) * 10 + 10, self.photos))
        offers = [self.offer(query, n - 7 if n % 7 == 0 and n else n) for n in numbers]
        more = numbers.stop < self.photos
        return Listing(tuple(offers), f"{query}/{int(page) + 1}" if more else "", self.photos)

    def offer(self, query, n):
        url = f"https://album.example/{query}/{n}.jpg"
        return Offer(id=f"{query}-{n}", url=url, author=f"Author {n % 3}", licence=self.licence)


@dataclass
class FakeClient:
    """Gives every URL's own text as its file, after a moment that a seed draws.

    `bad`: what is raised for a URL, and how often; `stop_after`: how many decisions are shown before a Ctrl-C comes.
    """

    seed: int = 0
    bad: dict[str, tuple[FetchError, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slowest: float = 0.004
    stop_after: int = 1 << 30

    def web(self, source, key):
        return self

    def json(self, url):
        self.asked.append(url)
        self._fail(url)

    def _fail(self, url):
        error, times = self.bad.get(url, (None, 0))
        if error is not None and times > 0:
            self.bad[url] = (error, times - 1)
            raise error

    def download(self, url, target: Path):
        self.asked.append(url)
        time.sleep(random.Random(f"{self.seed} {url}").uniform(0, self.slowest))
        self._fail(url)
        data = url.encode()
        target.write_bytes(data)
        sha256, sha1 = hashlib.sha256(data).hexdigest(), hashlib.sha1(data).hexdigest()
        return Download(url, "image/jpeg", len(data), sha256, sha1, "", "")

    def quota_left(self):
        self.stop_after -= 1
        if not self.stop_after:
            raise KeyboardInterrupt
        return ""

    def close(self):
        pass


def fake_check(path: Path, checks: Checks) -> PhotoFacts:
    """Facts that depend on the file's bytes; no two of them look alike."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return PhotoFacts(format="jpg", width=640, height=480, sharpness=1.0, dhash=digest[:16])


class World(Album):
    """A source of few photos, listed over and over in an order that a seed draws; some are copies of others."""

    source = "world"
    seed: int = 0

    def listing(self, web, cursor):
        web.json(cursor)
        query, _, page = cursor.partition("/")
        draws = random.Random(f"{self.seed} {cursor}")
        numbers = [draws.randrange(self.photos) for _ in range(draws.randint(0, 9))]
        offers = [
            Offer(id=str(n), url=f"{n}", author=f"{n % 3}", licence="" if draws.random() < 0.1 else "CC BY 4.0")
            for n in numbers
        ]
        return Listing(tuple(offers), f"{query}/{int(page) + 1}" if int(page) < 4 else "")


class WorldClient(FakeClient):
    """Loads a world's photos: of each of 25 motifs, there are two pictures, which look nearly the same."""

    def download(self, url, target):
        super().download(url, target)
        draws = random.Random(url)
        data = f"{draws.randrange(25)} {draws.choice('ab')}".encode()
        target.write_bytes(data)
        return Download(url, "", len(data), hashlib.sha256(data).hexdigest(), hashlib.sha1(data).hexdigest(), "", "")


def look(path: Path, checks: Checks) -> PhotoFacts:
    """Facts of a picture of a world."""
    motif, variant = path.read_text().split()
    dhash = int(hashlib.sha256(motif.encode()).hexdigest()[:16], 16) ^ (variant == "a") * 0b101
    return PhotoFacts(format="jpg", width=640, height=480, sharpness=1.0, dhash=f"{dhash:016x}")


def request(queries=("sea", "wood"), count=20, **settings) -> Request:
    """A request to an album."""
    return Request(Album(**settings), tuple(queries), "cc0,by", Checks(), count=count)


def manifest(folder):
    """The lines of photos.jsonl without their times."""
    lines = [json.loads(line) for line in (folder / "photos.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "retrieved"} for line in lines]


def files(folder):
    """The photos in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))
