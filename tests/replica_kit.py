"""The replicas of Openverse, Commons, Pexels and a gallery site: started, watched and stopped.

    python tests/replica_kit.py --photos 1000 --faults 0.2 --latency 0.05 --log requests.jsonl

prints a line of JSON, with the addresses of the sites, and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from replica_apis import HOSTILE
from replica_commons import Commons
from replica_files import FORBIDDEN, RESERVED, ROBOTS, Files
from replica_gallery import Gallery
from replica_http import Answer, Counted, Handler, Log, Request, listen
from replica_openverse import Openverse
from replica_pexels import Pexels
from replica_world import Photo, Settings, World

APIS = {"openverse": "/v1/", "commons": "/w/api.php", "pexels": "/v1/", "gallery": "/", "files": "/", "trap": "/"}
"""The sites, and the path of each one's address. `files` has the photos of the APIs; `trap` nobody may ask."""


class Hit(NamedTuple):
    """A request as the server saw it.

    time: when it came, `time.monotonic()`. path: with the query. status: 0 where the connection was reset instead.
    agent: its User-Agent. key: whether it had an Authorization. open: how many of the site's requests were open then,
    this one included.
    """

    time: float
    site: str
    method: str
    path: str
    status: int
    agent: str
    key: bool
    open: int


@dataclass(frozen=True)
class Site:
    """A running replica. The first six are the addresses that a client is given."""

    openverse: str
    commons: str
    pexels: str
    gallery: str
    files: str
    trap: str
    key: str
    log: Path
    photos: tuple[Photo, ...]
    pid: int = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """`host:port` of all that a client may ask: what `--allow-host` is given."""
        sites = (self.openverse, self.commons, self.pexels, self.gallery, self.files)
        return tuple(urlsplit(url).netloc for url in sites)

    @property
    def variables(self) -> dict[str, str]:
        """The environment that points `deblurbench fetch` here, key included."""
        names = ("openverse", "commons", "pexels")
        found = {f"DEBLURBENCH_{name.upper()}_API": str(getattr(self, name)) for name in names}
        return found | {"DEBLURBENCH_PEXELS_KEY": self.key}

    def requests(self, *sites: str) -> list[Hit]:
        """All requests so far, in the order in which they came; those of some sites where any are named."""
        lines = self.log.read_bytes().splitlines() if self.log.exists() else []
        hits = []
        for line in lines:
            with suppress(ValueError):  # the last line may be under way
                hits.append(Hit(**json.loads(line)))
        return [hit for hit in hits if not sites or hit.site in sites]

    def good(self, site: str = "openverse", licences: Iterable[str] = (), queries: Iterable[str] = ()) -> list[Photo]:
        """The photos that a fetch must keep; of some licences and queries where any are named."""
        licences, queries = set(licences), set(queries)
        return [
            photo
            for photo in self.photos
            if photo.good(site)
            and photo.licence in (licences or {photo.licence})
            and photo.query in (queries or {photo.query})
        ]

    def trespasses(self) -> list[Hit]:
        """Requests that nobody may make: of what robots.txt (the usual one) or tdmrep.json forbids, and to the trap."""
        return [
            hit
            for hit in self.requests("files", "gallery", "trap")
            if hit.site == "trap" or FORBIDDEN.match(hit.path) or RESERVED.match(hit.path)
        ]


def busiest(hits: Iterable[Hit], seconds: float = 1.0) -> int:
    """The most requests in any window of so many seconds."""
    times = sorted(hit.time for hit in hits)
    first = most = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_open(hits: Iterable[Hit]) -> int:
    """The most requests that one site had open at once."""
    return max((hit.open for hit in hits), default=0)


@contextmanager
def replica(folder: Path | None = None, **settings: Any) -> Iterator[Site]:
    """Run a replica in a process of its own, which outlives whatever is killed beside it.

    Args:
        folder: where log and truth are kept; one of its own where none is given.
        settings: see `Settings`.
    """
    asked = Settings(**settings)
    with tempfile.TemporaryDirectory() as own:
        place = folder or Path(own)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(asked).items()]
        command = [sys.executable, __file__, "--until-eof", f"--log={place / 'requests.jsonl'}", *options]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                assert process.stdout
                line = process.stdout.readline()
                assert line, "the replica did not start; it says why above"
                yield _site(json.loads(line))
            finally:
                process.terminate()


def _site(said: dict[str, Any]) -> Site:
    truth = json.loads(Path(said["truth"]).read_bytes())
    photos = tuple(Photo(**photo) for photo in truth)
    return Site(
        **{name: said[name] for name in APIS}, key=said["key"], log=Path(said["log"]), photos=photos, pid=said["pid"]
    )


async def serve(settings: Settings, log: Path, port: int, *, until_eof: bool) -> None:
    """Serve all sites, and say where they are, until a signal or the end of standard input."""
    world, book = World(settings), Log(log)
    truth = log.with_name(log.name + ".truth.json")
    truth.write_text(json.dumps([asdict(photo) for photo in world.photos]))
    made: dict[str, Counted] = {name: Counted(name, _nothing, settings.latency, book) for name in APIS}
    servers = []
    for number, (name, site) in enumerate(made.items()):
        server, world.origins[name] = await listen(site, port + number if port else 0)
        servers.append(server)
    for name, handler in handlers(world).items():
        made[name].handler = handler
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if until_eof:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 4096) or ended.set())
    addresses = {name: origin + APIS[name] for name, origin in world.origins.items()}
    print(
        json.dumps(addresses | {"key": settings.key, "log": str(log), "truth": str(truth), "pid": os.getpid()}),
        flush=True,
    )
    await ended.wait()
    for server in servers:
        server.close()


def _nothing(request: object) -> Answer:
    return Answer(404)


def handlers(world: World) -> dict[str, Handler]:
    """What answers for each site."""
    apis = (Openverse(world), Commons(world), Pexels(world), Gallery(world))
    return {api.site: api.answer for api in apis} | {"files": Files(world).answer}


def unplugged(**settings: Any) -> tuple[World, dict[str, Callable[[str], Answer]]]:
    """A world without a network, and what each of its sites answers to a path or URL (with the key of Pexels)."""
    world = World(Settings(**settings))
    world.origins |= {name: f"http://127.0.0.1:{40_000 + number}" for number, name in enumerate(APIS)}
    headers = {"user-agent": "test/1 (+mailto:test@example.org)", "authorization": world.settings.key}

    def asking(handler: Handler) -> Callable[[str], Answer]:
        return lambda url: handler(Request("GET", urlunsplit(("", "", *urlsplit(url)[2:4], "")), headers))

    return world, {site: asking(handler) for site, handler in handlers(world).items()}


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="the first of six ports; any that are free where 0")
    parser.add_argument("--log", type=Path, default=Path("requests.jsonl"), help="a line of JSON for each request")
    parser.add_argument("--until-eof", action="store_true", help="end with standard input")
    choices = {"hostile": HOSTILE, "robots": ROBOTS, "oversize": ("refuse", "clamp")}
    for field in fields(Settings):
        kind = type(field.default)
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=field.default, choices=choices.get(field.name))
    values = vars(parser.parse_args())
    log, port, until_eof = values.pop("log"), values.pop("port"), values.pop("until_eof")
    log.unlink(missing_ok=True)
    asyncio.run(serve(Settings(**values), log.resolve(), port, until_eof=until_eof))


if __name__ == "__main__":
    main()
