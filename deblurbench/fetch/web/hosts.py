"""Whose turn it is: how often, and how often at once, each host is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deblurbench.errors import FetchError
from deblurbench.fetch.web.manners import Manners
from deblurbench.fetch.web.urls import WEB_PORTS, shown, site_of

# Hosts that ask for less: requests per second, requests at once.
_KNOWN = {
    "api.openverse.org": (1.0, 1),
    "commons.wikimedia.org": (1.0, 1),
    "upload.wikimedia.org": (2.0, 2),
    "thumb.wikimedia.org": (2.0, 2),
    "api.pexels.com": (1.0, 1),
}
_LONGEST_REST = 60.0  # seconds, where a host does not say
_GLANCE = 0.2  # seconds between two looks at whether the work is stopped


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The work is to end; what waited or was under way has been given up."""


class _Host:
    """One host, at one port or at those of the web.

    Attributes:
        places: for requests at once.
        gate: held by whoever is next to start.
        own: seconds between two starts, as we would have it.
        spacing: as it is: never less.
        last: when the last one started.
        rests: until when it is left alone.
        refusals: how often in a row it wanted fewer requests.
    """

    def __init__(self, rate: float, concurrency: int) -> None:
        self.places = threading.Semaphore(concurrency)
        self.gate = threading.Lock()
        self.own = self.spacing = 1 / rate
        self.last = self.rests = float("-inf")
        self.refusals = 0


class Hosts:
    """Gives everybody their turn, evenly spaced at each host: two starts are never closer than 1 / rate. Thread-safe.

    Args:
        manners: how often, and how long a host may make us wait.
        stop: ends all waiting.
        clock: seconds; never goes back.
    """

    def __init__(self, manners: Manners, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._manners, self._stop, self._clock = manners, stop, clock
        self._lock = threading.Lock()
        self._hosts: dict[tuple[str, int], _Host] = {}

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Wait for a free place at the URL's host and for its next start; the place is held until the block ends.

        Raises: Stopped; FetchError of kind `wait` where the host asks for more patience than we have.
        """
        host = self._host(url)
        while not host.places.acquire(timeout=_GLANCE):
            self._check_stop()
        try:
            with host.gate:  # whoever holds it comes out at once when stopped
                self._wait_for_start(host, url)
            yield
        finally:
            host.places.release()

    def rest(self, url: str, seconds: float) -> None:
        """Nobody asks this host before so many seconds are over."""
        host = self._host(url)
        host.rests = max(host.rests, self._clock() + seconds)

    def refused(self, url: str) -> None:
        """A host wants fewer requests: nobody asks it for a while, which is twice as long each time in a row."""
        host, now = self._host(url), self._clock()
        if now >= host.rests:  # else this was asked before the last such answer came
            host.rests = now + min(self._manners.backoff * 2.0 ** min(host.refusals, 20), _LONGEST_REST)
            host.refusals += 1

    def answered(self, url: str) -> None:
        """A host does not want fewer requests."""
        self._host(url).refusals = 0

    def space(self, url: str, seconds: float) -> None:
        """Leave at least so many seconds between two starts at this host."""
        host = self._host(url)
        host.spacing = max(host.spacing, seconds)

    def _host(self, url: str) -> _Host:
        _, name, port = site_of(url)
        rate, concurrency = _KNOWN.get(name, (self._manners.rate, self._manners.concurrency))
        rate, concurrency = min(rate, self._manners.rate), min(concurrency, self._manners.concurrency)
        with self._lock:
            return self._hosts.setdefault((name, 0 if port in WEB_PORTS else port), _Host(rate, concurrency))

    def _wait_for_start(self, host: _Host, url: str) -> None:
        while True:
            self._check_stop()
            now = self._clock()
            seconds = max(host.last + host.spacing, host.rests) - now
            if seconds <= 0:
                host.last = now
                return
            if seconds > max(self._manners.longest_wait, host.own):
                raise too_long(url, seconds)
            self._stop.wait(seconds)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped


def too_long(url: str, seconds: float) -> FetchError:
    """The error for a host that asks to be left alone for longer than we may wait."""
    until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + min(seconds, 10 * 365 * 24 * 3600)))
    hint = "give the same command again then, or allow for more with --longest-wait SECONDS"
    return FetchError(f"{shown(url)} is not to be asked before {until}", hint, kind="wait", passing=True)
