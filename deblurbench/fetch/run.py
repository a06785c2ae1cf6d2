"""A fetch: listings in, photos out.

One thread goes through the listings, others load files, and this one decides, in the order of the offers, which are
kept; so the result does not depend on who was faster.
"""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from queue import SimpleQueue

from deblurbench.errors import FetchError
from deblurbench.fetch.finder import Finder, FinderThread, Found
from deblurbench.fetch.journal import Journal, Outcome
from deblurbench.fetch.loaders import Loaders
from deblurbench.fetch.records import write_records
from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import KEPT, Duplicates, Fate, Gate, fate_of
from deblurbench.fetch.store import Store, check_folder, photo_name
from deblurbench.fetch.summary import Summary
from deblurbench.fetch.web.client import Client
from deblurbench.fetch.web.manners import Manners
from deblurbench.files import locked, make_folder
from deblurbench.progress import Progress, progress

_HOSTS_AT_ONCE = 4  # loading threads are enough for so many hosts
_OFFERS_AHEAD = 4  # per loading thread: all searches need their next listing at about the same time
_LAST_SECONDS = 2.0  # what loaders get to end in when the work is stopped
_MOST_IN_VAIN = 20  # passing failures in a row: then the network is gone


def fetch(
    request: Request,
    manners: Manners,
    out: Path,
    state: Path,
    *,
    key: str = "",
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Fetch photos into a folder; the same call again goes on where an earlier one was cut short.

    Args:
        request, manners: what is wanted, and how sites are asked for it.
        out: the folder of photos.
        state: a folder for what is to be remembered between fetches: answers of APIs, quotas.
        key: of the source's API.
        overwrite: start anew.
        quiet: show no progress.

    Returns: what became of every offer; `error` of it says why the source was not asked further.

    Raises: UsageError, DatasetError where the folder is not for this fetch.
    """
    searches = request.searches()
    stop = threading.Event()
    client = Client(manners, state, stop)
    web = client.web(request.source, key)
    make_folder(out)
    with locked(out), progress("fetch", request.count, "photos", quiet=quiet) as bar:
        check_folder(out, overwrite=overwrite)
        journal, store = Journal(out, request.settings()), Store(out)
        finder = Finder(request.source, web, searches, journal)
        run = _Run(request, client, store, journal, bar)
        try:
            run.go(finder, manners.concurrency * _HOSTS_AT_ONCE)
        finally:  # also when interrupted: what is there is usable
            stop.set()
            run.stop()
            client.close()
            write_records(out, request, run.fates)
    return Summary(request, out, tuple(run.fates), run.error)


_Event = Found | Exception | None | tuple[Found, Outcome | Exception]


class _Run:
    """The decisions of one fetch."""

    def __init__(self, request: Request, client: Client, store: Store, journal: Journal, bar: Progress) -> None:
        self._request, self._client, self._store, self._journal, self._bar = request, client, store, journal, bar
        self._gate = Gate(request)
        self._duplicates = Duplicates(request.duplicate_bits)
        self._known = {outcome.id: outcome for outcome in journal.outcomes.values() if not outcome.passing}
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._offered: deque[Found] = deque()
        self._undecided: deque[Found] = deque()  # in the order of the offers
        self._outcomes: dict[str, Outcome] = {}  # of the undecided, by id
        self._loading = 0
        self._in_vain = 0
        self._kept = self._failed = 0
        self._finding = True
        self.fates: list[Fate] = []
        self.error: FetchError | None = None

    def go(self, finder: Finder, threads: int) -> None:
        """Decide until enough are kept, or there is nothing left to decide."""
        loaded = lambda found, outcome: self._events.put((found, outcome))  # noqa: E731
        self._loaders = Loaders(threads, self._client, self._store, self._journal, self._request.checks, loaded)
        self._finder = FinderThread(iter(finder), self._events.put, threads * _OFFERS_AHEAD)
        while True:
            self._start()
            if not self._loading and (self._missing() <= 0 or self.error or not (self._finding or self._offered)):
                return
            self._hear(self._events.get())

    def stop(self) -> None:
        """Let the threads end."""
        self._finder.stop()
        self._loaders.stop(_LAST_SECONDS)

    def _missing(self) -> int:
        """How many more offers are needed, if all that are not decided yet turn out well."""
        return self._request.count - self._kept - sum(map(self._is_hopeful, self._undecided))

    def _is_hopeful(self, found: Found) -> bool:
        outcome = self._outcomes.get(found.offer.id)
        return outcome is None or outcome.loaded is not None

    def _start(self) -> None:
        """Begin with as many offers as may be needed and can be loaded at once."""
        while self._offered and not self.error and self._loading < self._loaders.count and self._missing() > 0:
            found = self._offered.popleft()
            self._finder.taken()
            self._undecided.append(found)
            problem = self._gate.problem(found.offer)
            outcome = Outcome.failed(found.offer, problem) if problem else self._known.get(found.offer.id)
            if outcome:
                self._outcomes[found.offer.id] = outcome
                self._decide()
            else:
                self._load(found)

    def _load(self, found: Found) -> None:
        self._loading += 1
        self._loaders.load(found)

    def _hear(self, event: _Event) -> None:
        """Take in what the other threads say."""
        match event:
            case None:
                self._finding = False
            case FetchError():
                self._finding, self.error = False, event
            case Exception():
                raise event
            case Found():
                self._offered.append(event)
            case (found, outcome):
                self._loading -= 1
                self._end(found, outcome)

    def _end(self, found: Found, outcome: Outcome | Exception) -> None:
        """A file is loaded, or is not to be had."""
        if isinstance(outcome, Exception):
            raise outcome
        self._outcomes[found.offer.id] = outcome
        self._in_vain = self._in_vain + 1 if outcome.passing else 0
        if self._in_vain == _MOST_IN_VAIN:
            what = f"the last {_MOST_IN_VAIN} files could not be loaded ({outcome.reason})"
            self.error = FetchError(what, "look after the network, then give the same command", kind="connection")
        self._decide()

    def _decide(self) -> None:
        """Decide what can be decided: the first offers whose outcome is known."""
        while self._undecided and (outcome := self._outcomes.get(self._undecided[0].offer.id)):
            found = self._undecided[0]
            fate = self._fate(found, outcome)
            del self._outcomes[found.offer.id]
            if fate is None:  # somebody took the file away
                self._load(found)
                return
            self._undecided.popleft()
            self.fates.append(fate)
            self._show(fate)

    def _fate(self, found: Found, outcome: Outcome) -> Fate | None:
        if outcome.loaded is None:
            return fate_of(found, outcome)
        problem = self._duplicates.problem(outcome.loaded)
        if problem:
            self._store.drop(outcome.loaded)
            return Fate(found, problem.kind, str(problem))
        name = photo_name(found, outcome.loaded, self._request.source.source)
        if not self._store.keep(name, outcome.loaded):
            return None
        self._duplicates.add(outcome.loaded, name)
        return Fate(found, KEPT, file=name, loaded=outcome.loaded, at=outcome.at)

    def _show(self, fate: Fate) -> None:
        self._failed += fate.failed
        if fate.kind == KEPT:
            self._kept += 1
            self._bar.step()
        dropped = len(self.fates) - self._kept - self._failed
        texts = (f"{dropped} dropped", f"{self._failed} failed", self._client.quota_left())
        self._bar.note(", ".join(filter(None, texts)))
