"""Quotas that hold across runs and processes: so many requests in any hour, so many in any 30 days.

Each quota's window is cut into 720 slots (5 s of an hour, an hour of 30 days), and the requests of each slot are
counted in a small JSON file. A slot counts until all of it has left the window, so a limit is kept at every moment, and
reached up to 1/720 of a window late. What the server says of its own count is remembered too, where it allows less.

The clock is the wall clock, since runs have no other in common. Where it was set back, what was counted ahead of it
counts from now on, and nothing is held for longer than one window.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from deblurbench.config import Config
from deblurbench.errors import FetchError
from deblurbench.files import LOCK, canonical_json, write_text
from deblurbench.sources.online import Quota

_SLOTS = 720
_MONTH = 30 * 24 * 3600
_SLACK = 2 * 24 * 3600  # a month of 31 days, and clocks that differ
_MAX_BYTES = 1 << 20  # a ledger of two quotas has 20 KB at most
_LOCK_SECONDS = 30.0  # it is held for milliseconds

Count = Annotated[int, Field(ge=0, le=1 << 53)]


class _Said(Config):
    """The server's word on its own quota: `reset` in UNIX seconds, `remaining` less what was asked since."""

    limit: Count
    remaining: Count
    reset: Count


class _Ledger(Config):
    """The state file: window in seconds -> slot -> requests; the server's word; closed until then (UNIX ms)."""

    counts: dict[Count, dict[Count, Count]] = Field(default_factory=dict)
    said: _Said | None = None
    closed: Count = 0


class QuotaTracker:
    """Counts requests against quotas, in a file that runs and processes share. Thread-safe.

    Count what goes out over the network alone: neither what a cache answers nor, twice, what is only heard of.
    """

    def __init__(self, file: Path, quotas: Sequence[Quota], clock: Callable[[], float] = time.time) -> None:
        """Nothing is read or written before the first request.

        Args:
            file: the ledger; made with its folder where it is missing. It holds counts and times, and no key.
            quotas: all of them hold at once; without any, everything may go out and no file is made.
            clock: UNIX seconds.
        """
        self._file = file
        self._quotas = tuple(quotas)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = _Ledger()

    def take(self) -> float:
        """Count a request and return 0.0; or return the seconds until one may go out, with nothing counted.

        Raises: FetchError where the ledger can be neither read nor written, as nothing may go out uncounted.
        """
        if not self._quotas:
            return 0.0
        with self._open() as (ledger, now):
            wait = self._wait(ledger, now)
            self._write(ledger if wait else _counted(ledger, now))
        return (wait + 1) / 1000 if wait else 0.0  # a millisecond for what the float of the time rounds off

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer: `X-Ratelimit-*` of a 2xx, and any 429.

        A 429 says that a window is used up: until `Retry-After` or a known reset, else for the shortest window.
        Headers that make no sense are passed over.

        Raises: FetchError as `take` does.
        """
        if not self._quotas or not (status == 429 or 200 <= status < 300):
            return
        said = _said(headers)
        if said is None and status != 429:
            return
        with self._open() as (ledger, now):
            told = self._told(ledger, said, now) if said is not None else ledger
            self._write(self._closed(told, now, _header(headers, "retry-after")) if status == 429 else told)

    def left(self) -> str:
        """How much of the quota that is nearest its end is left, as last seen; empty without quotas. Never waits."""
        if not self._quotas:
            return ""
        now = self._now()
        ledger = self._settled(self._seen, now)
        lefts = [(max(q.requests - sum(_slots(ledger, q.seconds).values()), 0), q) for q in self._quotas]
        if ledger.said is not None:
            longest = max(quota.seconds for quota in self._quotas)
            lefts.append((ledger.said.remaining, Quota(ledger.said.limit or ledger.said.remaining, longest)))
        left, quota = min(lefts, key=lambda each: (each[0], -each[1].seconds))
        if left and ledger.closed > now:
            left, quota = 0, min(self._quotas, key=lambda each: each.seconds)
        return f"{left:,}/{quota.requests:,} {_span(quota.seconds)}"

    @contextmanager
    def _open(self) -> Iterator[tuple[_Ledger, int]]:
        """The ledger as it is now (UNIX ms), for us alone."""
        try:
            self._file.parent.mkdir(0o700, parents=True, exist_ok=True)
            with self._lock, FileLock(self._file.with_name(self._file.name + LOCK), timeout=_LOCK_SECONDS):
                now = self._now()
                yield self._settled(self._read(now), now), now
        except Timeout as error:
            raise FetchError(f"another command holds {self._file}", "try again", kind="quota", passing=True) from error
        except OSError as error:
            why = "requests are counted there, and none goes out uncounted"
            raise FetchError(f"cannot use {self._file} ({error.strerror or error})", why, kind="quota") from error

    def _read(self, now: int) -> _Ledger:
        """The ledger as written. Of a damaged one nothing is known: the shortest window counts as used up."""
        try:
            with self._file.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return _Ledger()
        try:
            return _Ledger.model_validate_json(data[:_MAX_BYTES])
        except ValidationError:
            shortest = min(self._quotas, key=lambda quota: quota.seconds)
            return _Ledger(counts={shortest.seconds: {_slot(now, shortest.seconds): shortest.requests}})

    def _write(self, ledger: _Ledger) -> None:
        self._seen = ledger
        write_text(self._file, canonical_json(ledger.as_dict()) + "\n")

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _settled(self, ledger: _Ledger, now: int) -> _Ledger:
        """Without what is over; and with what lies ahead of the clock, which was set back, brought to now."""
        counts: dict[int, dict[int, int]] = {}
        for seconds in {quota.seconds for quota in self._quotas}:
            current, kept = _slot(now, seconds), counts.setdefault(seconds, {})
            for slot, count in _slots(ledger, seconds).items():
                at = min(slot, current)
                if _expires(at, seconds) > now:
                    kept[at] = kept.get(at, 0) + count
        said, horizon = ledger.said, now + 1000 * max(counts)
        if said is not None and not now < 1000 * said.reset <= max(horizon, now + 1000 * _MONTH) + 1000 * _SLACK:
            said = None
        closed = min(ledger.closed, horizon) if ledger.closed > now else 0
        return _Ledger.model_construct(counts=counts, said=said, closed=closed)

    def _wait(self, ledger: _Ledger, now: int) -> int:
        """Milliseconds until a request may go out; 0 where it may now."""
        until = max(now, ledger.closed)
        if ledger.said is not None and not ledger.said.remaining:
            until = max(until, 1000 * ledger.said.reset)
        for quota in self._quotas:
            slots = _slots(ledger, quota.seconds)
            over = sum(slots.values()) + 1 - quota.requests
            for slot in sorted(slots):
                if over > 0:
                    until = max(until, _expires(slot, quota.seconds))
                    over -= slots[slot]
            if over > 0:  # it allows none at all
                until = max(until, now + 1000 * quota.seconds)
        return until - now

    def _told(self, ledger: _Ledger, said: _Said, now: int) -> _Ledger:
        """With the server's word. Of the same month the least counts: answers overtake each other."""
        known = ledger.said
        if known is not None and (known.reset, known.limit) == (said.reset, said.limit):
            said = said.model_copy(update={"remaining": min(said.remaining, known.remaining)})
        told = self._settled(ledger.model_copy(update={"said": said}), now)
        return told if told.said is not None else ledger  # a reset long ago, or far ahead, makes no sense

    def _closed(self, ledger: _Ledger, now: int, retry_after: str) -> _Ledger:
        """After a 429, with nothing going out for a while."""
        if ledger.said is not None and not ledger.said.remaining:
            return ledger  # until its reset
        seconds = sorted(quota.seconds for quota in self._quotas)
        asked = _seconds_of(retry_after, now)
        until = now + 1000 * (seconds[0] if asked is None else min(asked, seconds[-1]))
        return ledger.model_copy(update={"closed": max(ledger.closed, until)})


def _counted(ledger: _Ledger, now: int) -> _Ledger:
    """With one request more."""
    counts = {}
    for seconds, slots in ledger.counts.items():
        current = _slot(now, seconds)
        counts[seconds] = {**slots, current: slots.get(current, 0) + 1}
    said = ledger.said
    if said is not None:
        said = said.model_copy(update={"remaining": max(said.remaining - 1, 0)})
    return ledger.model_copy(update={"counts": counts, "said": said})


def _slots(ledger: _Ledger, seconds: int) -> Mapping[int, int]:
    return ledger.counts.get(seconds, {})


def _width(seconds: int) -> int:
    """Of the slots of a window, in whole milliseconds."""
    return max(1000 * seconds // _SLOTS, 1)


def _slot(now: int, seconds: int) -> int:
    return now // _width(seconds)


def _expires(slot: int, seconds: int) -> int:
    """When (UNIX ms) all of a slot has left its window."""
    return (slot + 1) * _width(seconds) + 1000 * seconds


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header, whatever the case of its name; empty where it is missing."""
    return next((str(value).strip() for key, value in headers.items() if key.lower() == name), "")


def _said(headers: Mapping[str, str]) -> _Said | None:
    """The `X-Ratelimit-*` headers; None where they are missing or make no sense. Limit alone may be missing: 0."""
    limit, remaining, reset = (_header(headers, f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    if not (_is_count(remaining) and _is_count(reset) and _is_count(limit or "0")):
        return None
    said = _Said(limit=int(limit or 0), remaining=int(remaining), reset=int(reset))
    return said if said.remaining <= said.limit or not limit else None


def _is_count(text: str) -> bool:
    return re.fullmatch("[0-9]{1,12}", text) is not None


def _seconds_of(retry_after: str, now: int) -> int | None:
    """How long a `Retry-After` asks to wait; None where it cannot be read."""
    if _is_count(retry_after):
        return int(retry_after)
    try:
        return max(int(parsedate_to_datetime(retry_after).timestamp()) - now // 1000, 0)
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None


def _span(seconds: int) -> str:
    """A window in words."""
    return {3600: "this hour", 24 * 3600: "this day", _MONTH: "this month"}.get(seconds, f"in {seconds:,} s")
