"""The offers of all searches in one order: by turns, one of each search, each photo once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from deblurbench.errors import FetchError
from deblurbench.fetch.journal import Journal
from deblurbench.sources.online import Listing, Offer, OnlineSource, Search, Web

_MOST_STALE = 3  # listings in a row without a new photo that can be asked for: then a source goes round in circles
_MOST_LISTINGS = 1000  # of one search: no source has more, and one may go on for ever
_MOST_FAILURES = 3  # searches in a row that fail: then so will the others
_OF_ALL = ("quota", "wait")  # failures that are all searches'


class Found(NamedTuple):
    """An offer and the search that it is of."""

    search: Search
    offer: Offer


class Finder:
    """Goes through the listings, those of the journal first; the order is that of the source, whoever asks when.

    A search ends where its listing is not to be had, and the others go on.

    Args:
        source, web: what is asked, and how; without a web, nobody is: only what the journal lists is found.
        searches: in order.
        journal: remembers each listing.

    Attributes:
        error: the first that a listing ended with.
    """

    def __init__(self, source: OnlineSource, web: Web | None, searches: Sequence[Search], journal: Journal) -> None:
        self._source, self._web, self._searches, self._journal = source, web, searches, journal
        self._ids: set[str] = set()
        self._urls: set[str] = set()
        self._failures = 0  # listings in a row that were not to be had
        self.error: FetchError | None = None

    def __iter__(self) -> Iterator[Found]:
        """Every photo once. Raises FetchError where the source is not to be asked any more."""
        streams = [self._offers(search) for search in self._searches]
        while streams:
            for stream in tuple(streams):
                found = next(stream, None)
                if found is None:
                    streams.remove(stream)
                else:
                    yield found

    def _offers(self, search: Search) -> Iterator[Found]:
        cursor, seen, stale = search.cursor, set[str](), 0
        while cursor and cursor not in seen and stale < _MOST_STALE and len(seen) < _MOST_LISTINGS:
            seen.add(cursor)
            listing = self._journal.listings.get((search.label, cursor)) or self._ask(search, cursor)
            if listing is None:
                return
            stale += 1
            for offer in listing.offers:
                if self._is_new(offer):
                    stale = 0 if offer.url else stale
                    yield Found(search, offer)
            cursor = listing.next

    def _ask(self, search: Search, cursor: str) -> Listing | None:
        if self._web is None:
            return None
        try:
            listing = self._source.listing(self._web, cursor)
        except FetchError as error:
            self.error = self.error or error
            self._failures += 1
            if error.kind in _OF_ALL or self._failures == _MOST_FAILURES:
                raise
            return None
        self._failures = 0
        self._journal.listed(search.label, cursor, listing)
        return listing

    def _is_new(self, offer: Offer) -> bool:
        if offer.id in self._ids or (offer.url and offer.url in self._urls):
            return False
        self._ids.add(offer.id)
        self._urls.add(offer.url)
        return True


class FinderThread:
    """Runs a finder ahead of the loading, but not further than the loading is going to need.

    Args:
        found: what it finds.
        put: gets each of them, then None, or else the error that ended it.
        ahead: how many may be put and not yet taken.
    """

    def __init__(self, found: Iterator[Found], put: Callable[[Found | BaseException | None], None], ahead: int) -> None:
        self._found, self._put = found, put
        self._places = threading.Semaphore(ahead)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="finder", daemon=True)
        self._thread.start()

    def taken(self) -> None:
        """One of what was put is taken: there is room for another."""
        self._places.release()

    def stop(self) -> None:
        """Find no more."""
        self._stopped = True
        self._places.release()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            while True:
                self._places.acquire()
                found = None if self._stopped else next(self._found, None)
                if found is None:
                    break
                self._put(found)
        except BaseException as error:  # whatever a source raises: the one who waits is told
            end = error
        self._put(end)
