"""Asking again: after what fails in passing, and where a redirect leads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar

from requests import Response
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from deblurbench.errors import FetchError
from deblurbench.fetch.web.hosts import Stopped
from deblurbench.fetch.web.manners import Manners
from deblurbench.fetch.web.urls import joined, shown
from deblurbench.fetch.web.wire import REDIRECTS

T = TypeVar("T")
_LONGEST_PAUSE = 30.0
_MOST_REDIRECTS = 5
_NOT_SOON = ("wait", "quota", "robots")  # these pass, but not in seconds


class Moved(NamedTuple):
    """An answer that only says where to ask."""

    url: str


class Tries:
    """Asks again what fails in passing, after pauses that grow and are drawn, so that not all come back at once.

    Args:
        manners: how often, and how long the pauses are. A host's own wish to wait is seen to by its turns.
        stop: ends a pause.
    """

    def __init__(self, manners: Manners, stop: threading.Event) -> None:
        self._manners, self._stop = manners, stop

    def __call__(self, ask: Callable[[], T]) -> T:
        """What `ask` gives. Raises the FetchError of the last try, or Stopped."""
        return Retrying(
            retry=retry_if_exception(_may_pass_soon),
            stop=stop_after_attempt(1 + self._manners.retries),
            wait=wait_random_exponential(multiplier=self._manners.backoff, max=_LONGEST_PAUSE),
            sleep=self._pause,
            reraise=True,
        )(ask)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped


def _may_pass_soon(error: BaseException) -> bool:
    return isinstance(error, FetchError) and error.passing and error.kind not in _NOT_SOON


def moved(response: Response) -> Moved | None:
    """Where a redirect leads; None where it is none. Raises FetchError where it leads nowhere."""
    if response.status_code not in REDIRECTS:
        return None
    location = response.headers.get("Location", "").strip()
    if not location:
        what = f"{shown(response.url)} redirects without saying where to"
        raise FetchError(what, "nothing is to be had there", kind="redirects")
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")  # sent as UTF-8, read by Python as Latin-1
    return Moved(joined(response.url, location))


def follow(url: str, ask: Callable[[str], T | Moved]) -> T:
    """Ask a URL and, as long as the answer is another URL, that one.

    Raises: FetchError of kind `redirects` where this goes on for too long, or in circles.
    """
    asked = [url]
    while isinstance(got := ask(asked[-1]), Moved):
        if got.url in asked:
            raise FetchError(f"{shown(url)} redirects in circles", "nothing is to be had there", kind="redirects")
        if len(asked) > _MOST_REDIRECTS:
            what = f"{shown(url)} redirects more than {_MOST_REDIRECTS} times"
            raise FetchError(what, "nothing is to be had there", kind="redirects")
        asked.append(got.url)
    return got
