"""What went wrong with a request, said for people; and what an answer says about trying again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from requests.exceptions import InvalidURL, RequestException, SSLError, Timeout
from urllib3.exceptions import DecodeError, HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError

from deblurbench.errors import FetchError
from deblurbench.fetch.web.urls import printable, shown, site_of

PASSING = frozenset((408, 425, 429))
"""Statuses that may be different the next time; so may all from 500 on."""

_HINTS = {
    401: "it wants a key, or another one",
    403: "the site refuses; it may want a key, or no program at all",
    404: "it is not there, or no longer",
    410: "it was taken away",
    429: "the site wants fewer requests; try again later, or with a lower --rate",
    451: "it was taken away for legal reasons",
}


def is_passing(status: int) -> bool:
    """Whether a status may be another the next time."""
    return status in PASSING or status >= 500


def refused(status: int, url: str) -> FetchError:
    """The error for an answer whose status is none of success."""
    hint = _HINTS.get(status, "try again later" if is_passing(status) else "nothing is to be had there")
    kind = f"http-{status}"
    return FetchError(f"{shown(url)} answers with HTTP status {status}", hint, kind=kind, passing=is_passing(status))


def timed_out(url: str, seconds: float) -> FetchError:
    """The error for an answer that did not come in time."""
    hint = "try again later, or allow for more with --timeout SECONDS"
    return FetchError(f"{shown(url)} was not had within {seconds:g} s", hint, kind="timeout", passing=True)


def explained(error: RequestException | HTTPError, url: str, seconds: float) -> FetchError:
    """The error for a request that failed below HTTP, or in the middle of an answer; `seconds`: its timeout."""
    if isinstance(error, Timeout | ReadTimeoutError):
        return timed_out(url, seconds)
    host = site_of(url).host
    if isinstance(error, InvalidURL):
        return FetchError(f"{shown(url)} is no address of the web", "it is misspelt", kind="no-url")
    if isinstance(error, DecodeError | IncompleteRead | ProtocolError):
        return FetchError(f"{shown(url)} breaks off", "try again later", kind="truncated", passing=True)
    reason = _innermost(error)
    if isinstance(error, SSLError) and "CERTIFICATE" in reason.upper():
        hint = "its certificate is not trusted here; REQUESTS_CA_BUNDLE may name a file of certificates that are"
        return FetchError(f"{host} cannot prove who it is ({reason})", hint, kind="connection")
    hint = "is it spelt right, and is there a network?"
    return FetchError(f"cannot talk to {host} ({reason})", hint, kind="connection", passing=True)


def _innermost(error: BaseException) -> str:
    """What the deepest of a chain of errors says; the outer ones hold whole URLs and addresses of objects."""
    deepest = error
    for _ in range(20):  # a chain may go round
        deepest = _inner(deepest) or deepest
    text = getattr(deepest, "strerror", None) or str(deepest) or type(deepest).__name__
    return printable(" ".join(str(text).split())[:100])  # it may quote what the other side sent


def _inner(error: BaseException) -> BaseException | None:
    chained = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((each for each in chained if isinstance(each, BaseException)), None)


def patience(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks to wait, be it given so or as a date; None where it does not, or unreadably."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
