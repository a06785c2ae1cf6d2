"""Whether a site lets us take something: robots.txt, X-Robots-Tag, `<meta name=robots>`, TDM reservations."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Generic, TypeVar

from deblurbench.errors import FetchError
from deblurbench.fetch.web.failures import PASSING
from deblurbench.fetch.web.reservation import FILE, Reservations, reserves
from deblurbench.fetch.web.robots import AGENT, Robots, merged, refusal, target_of
from deblurbench.fetch.web.urls import Site, printable, shown, site_of

ROBOTS = "/robots.txt"
_HINT = "deblurbench keeps to it: ask whoever runs the site, or take other photos"
_TRIES = 3  # of a file that cannot be had, in all
_PAUSE = 60.0  # seconds between them
_META = re.compile(r"<meta[\s/]([^<>]*)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![^\s"'/])([^\s"'/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")

Content = TypeVar("Content")
Load = Callable[[str], tuple[int, bytes]]


class OptOuts:
    """What sites do not want taken, which is not taken. Thread-safe.

    Args:
        load: gives the status, after redirects, and the body (which it may cut at 500 KiB) of a URL, or raises
            FetchError. It may not come back here, where its caller waits for it; but on the way to a tdmrep.json it
            may `check_robots`.
        clock: seconds.
    """

    def __init__(self, load: Load, clock: Callable[[], float] = time.monotonic) -> None:
        self._robots = _SiteFile(ROBOTS, "robots", Robots, load, clock)
        self._reservations = _SiteFile(FILE, "reserved", Reservations, load, clock)

    def check_url(self, url: str) -> None:
        """Raise FetchError where a site forbids robots to ask for a URL, or reserves it from data mining.

        Its kind is `robots` or `reserved`; it is passing where the site's rules cannot be had now. The two files of a
        site are asked for once, by whoever comes first; tdmrep.json only where robots.txt lets us.
        """
        site, target = _place(url)
        self.check_robots(url)
        if target.partition("?")[0] != ROBOTS and self._robots.of(site).allows(FILE):
            reservations = self._reservations.of(site)
            if location := next(filter(None, map(reservations.rule, _readings(target))), ""):
                rule = f"location {_clean(location)}, tdm-reservation 1"
                raise FetchError(f"{FILE} of {site.host} reserves {shown(url)} ({rule})", _HINT, kind="reserved")

    def check_robots(self, url: str) -> None:
        """Raise FetchError of kind `robots` where a site forbids robots to ask for a URL."""
        site, target = _place(url)
        if target.partition("?")[0] == ROBOTS:
            return
        robots = self._robots.of(site)
        for read_as in _readings(target):
            if not robots.allows(read_as):
                rule = f"User-agent: {robots.group}, Disallow: {_clean(robots.rule(read_as)) or '...'}"
                raise FetchError(f"robots.txt of {site.host} forbids {shown(url)} ({rule})", _HINT, kind="robots")

    def check_headers(self, headers: Mapping[str, str], url: str) -> None:
        """Raise FetchError where the headers of an answer opt out (`opted-out`) or reserve it (`reserved`).

        Args:
            headers: best those of urllib3 (`response.raw.headers`), which keep repeated headers apart; where they are
                joined, a directive that follows one for another robot is taken to be for everybody.
            url: of the answer.
        """
        apart = hasattr(headers, "getlist")
        for name, value in headers.items():
            if name.lower() == "x-robots-tag" and (word := refusal(value, one_line=apart)):
                raise FetchError(f"{shown(url)} is marked {word} (X-Robots-Tag)", _HINT, kind="opted-out")
            if name.lower() == "tdm-reservation" and any(map(reserves, value.split(","))):
                raise FetchError(f"{shown(url)} is reserved (header tdm-reservation: 1)", _HINT, kind="reserved")

    def check_html(self, html: str, url: str) -> None:
        """Raise FetchError where a page opts out (`opted-out`) or is reserved (`reserved`) by a `<meta>`."""
        for name, content in _metas(html):
            if name in ("robots", AGENT) and (word := refusal(content)):
                raise FetchError(f"{shown(url)} is marked {word} (<meta name={name}>)", _HINT, kind="opted-out")
            if name == "tdm-reservation" and reserves(content):
                raise FetchError(f"{shown(url)} is reserved (<meta name=tdm-reservation>)", _HINT, kind="reserved")

    def delay(self, url: str) -> float:
        """The seconds between requests that a site's robots.txt asks for; 0 where it does not, or cannot be had."""
        try:
            return self._robots.of(_place(url)[0]).delay
        except FetchError:
            return 0.0


class _Entry(Generic[Content]):
    """What is known of one site's file."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.content: Content | None = None
        self.failure: FetchError | None = None
        self.tries = 0
        self.again = 0.0


class _SiteFile(Generic[Content]):
    """A file that each site has at the same path, or has not; loaded once, while all others wait.

    A 4xx means that there is none; where it cannot be had, nothing is known, and it is asked for again up to three
    times, a minute apart.
    """

    def __init__(
        self, path: str, kind: str, read: Callable[[bytes], Content], load: Load, clock: Callable[[], float]
    ) -> None:
        self._path, self._kind, self._read, self._load, self._clock = path, kind, read, load, clock
        self._lock = threading.Lock()
        self._entries: dict[Site, _Entry[Content]] = {}

    def of(self, site: Site) -> Content:
        """The file of a site. Raises FetchError where it cannot be had."""
        with self._lock:
            entry = self._entries.setdefault(site, _Entry())
        with entry.lock:
            if entry.content is None and entry.tries < _TRIES and (not entry.tries or self._clock() >= entry.again):
                self._ask(site, entry)
            if entry.content is not None:
                return entry.content
            failure = entry.failure
        what = f"{self._path} of {site.host} cannot be had ({failure.message if failure else 'no answer'})"
        hint = "without it nothing of the site is taken; try again later"
        raise FetchError(what, hint, kind=self._kind, passing=failure is None or failure.passing)

    def _ask(self, site: Site, entry: _Entry[Content]) -> None:
        entry.tries += 1
        url = _address(site, self._path)
        try:
            status, body = self._load(url)
            if not 200 <= status < 300 and (not 400 <= status < 500 or status in PASSING):
                raise FetchError(f"{shown(url)} answers {status}", kind=f"http-{status}", passing=True)
            entry.content = self._read(body if status < 300 else b"")
        except FetchError as error:
            entry.failure = error
            entry.again = self._clock() + _PAUSE
            if not error.passing:
                entry.tries = _TRIES


def _place(url: str) -> tuple[Site, str]:
    """Who answers for a URL, and what they are asked for. Raises FetchError where it is none."""
    try:
        site, target = site_of(url), target_of(url)
    except ValueError as error:
        raise FetchError(f"{shown(url)} is no address of the web", "it is misspelt", kind="no-url") from error
    if not site.host:
        raise FetchError(f"{shown(url)} names no host", "it is misspelt", kind="no-url")
    return site, target


def _readings(target: str) -> tuple[str, ...]:
    """What a server may take a target for: whichever it is, it must be ours to ask for."""
    return tuple(dict.fromkeys((target, merged(target))))


def _address(site: Site, path: str) -> str:
    host = f"[{site.host}]" if ":" in site.host else site.host
    port = "" if (site.scheme, site.port) in (("http", 80), ("https", 443)) else f":{site.port}"
    return f"{site.scheme}://{host}{port}{path}"


def _clean(text: str) -> str:
    """Foreign text for a message."""
    return printable(text if len(text) < 80 else f"{text[:77]}...")


def _metas(html: str) -> Iterator[tuple[str, str]]:
    """(name in lower case, content) of the `<meta>` tags of a page, but those in comments.

    Not with `html.parser`, which takes minutes for some hostile pages of 100 KB; this takes one pass.
    """
    start, *parts = html.split("<!--")
    live = start + "".join(part.partition("-->")[2] for part in parts)
    for tag in _META.finditer(live):
        values: dict[str, str] = {}
        for name, *texts in _ATTRIBUTE.findall(tag[1]):
            values.setdefault(name.lower(), unescape("".join(texts)))
        if "name" in values and "content" in values:
            yield values["name"].strip().lower(), values["content"]
