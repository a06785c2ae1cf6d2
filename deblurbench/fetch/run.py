"""A fetch: listings in, photos out.

One thread goes through the listings, others load files, and this one decides, in the order of the offers, which are
kept; so the result does not depend on who was faster.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue

from deblurbench.errors import DeblurbenchError, FetchError
from deblurbench.fetch.decisions import Decisions, settle
from deblurbench.fetch.finder import Finder, FinderThread, Found
from deblurbench.fetch.journal import Journal, Outcome
from deblurbench.fetch.loaders import Loaders
from deblurbench.fetch.records import write_records
from deblurbench.fetch.request import Request
from deblurbench.fetch.store import Store, check_folder
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

    Raises: UsageError, DatasetError where the folder is not for this fetch. What interrupts it, or is wrong, comes
        through when the records of what is there are written.
    """
    searches = request.searches()
    stop = threading.Event()
    with closing(Client(manners, state, stop)) as client:
        web = client.web(request.source, key)
        make_folder(out)
        with locked(out):
            check_folder(out, overwrite=overwrite)
            journal, store = Journal(out, request.settings()), Store(out, searches)
            known = min(request.count, sum(outcome.loaded is not None for outcome in journal.outcomes.values()))
            with progress("fetch", request.count, "photos", quiet=quiet, done=known) as bar:
                finder = Finder(request.source, web, searches, journal)
                run = _Run(request, client, store, journal, bar, known)
                try:
                    run.go(finder, manners.concurrency * _HOSTS_AT_ONCE, stop)
                finally:  # also when interrupted
                    fates = settle(request, searches, journal, store)
                    write_records(out, request, fates)
    return Summary(request, out, tuple(fates), run.error or finder.error)


_Event = Found | BaseException | None | tuple[Found, Outcome | BaseException]


class _Run:
    """What is under way in one fetch."""

    def __init__(
        self, request: Request, client: Client, store: Store, journal: Journal, bar: Progress, known: int
    ) -> None:
        self._request, self._client, self._store, self._journal, self._bar = request, client, store, journal, bar
        self._decisions = Decisions(request, store)
        self._shown = known  # photos that the bar shows
        self._known = {outcome.id: outcome for outcome in journal.outcomes.values() if not outcome.passing}
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._offered: deque[Found] = deque()
        self._undecided: deque[Found] = deque()  # in the order of the offers
        self._outcomes: dict[str, Outcome] = {}  # of the undecided, by id
        self._hopeful = 0  # of the undecided, those that are under way or loaded
        self._loading = 0
        self._in_vain = 0
        self._finding = self._reachable = True
        self.error: FetchError | None = None

    def go(self, finder: Finder, threads: int, stop: threading.Event) -> None:
        """Decide until enough are kept, or there is nothing left to decide; then `stop` is set."""
        loaded = lambda found, outcome: self._events.put((found, outcome))  # noqa: E731
        with ExitStack() as stack:
            self._loaders = Loaders(threads, self._client, self._store, self._journal, self._request.checks, loaded)
            stack.callback(self._loaders.stop, _LAST_SECONDS)
            self._finder = FinderThread(iter(finder), self._events.put, threads * _OFFERS_AHEAD)
            stack.callback(self._finder.stop)
            stack.callback(stop.set)
            while True:
                self._start()
                if not self._loading and not self._is_promising():
                    return
                self._hear(self._events.get())

    def _is_promising(self) -> bool:
        return self._missing() > 0 and self._reachable and (self._finding or bool(self._offered))

    def _missing(self) -> int:
        """How many more offers are needed, if all that are not decided yet turn out well."""
        return self._request.count - self._decisions.kept - self._hopeful

    def _start(self) -> None:
        """Begin with as many offers as may be needed and can be loaded at once."""
        while self._offered and self._reachable and self._loading < self._loaders.count and self._missing() > 0:
            found = self._offered.popleft()
            self._finder.taken()
            self._undecided.append(found)
            self._hopeful += 1
            outcome = self._decisions.refused(found.offer) or self._known.get(found.offer.id)
            if outcome:
                self._end(found, outcome)
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
            case FetchError():  # of a listing; what was listed before is good
                self._finding = False
            case BaseException():
                raise _raisable(event)
            case Found():
                self._offered.append(event)
            case (_, BaseException() as error):
                raise _raisable(error)
            case (found, outcome):
                self._loading -= 1
                self._count_failures(outcome)
                self._end(found, outcome)

    def _count_failures(self, outcome: Outcome) -> None:
        self._in_vain = self._in_vain + 1 if outcome.passing else 0
        if self._in_vain == _MOST_IN_VAIN:
            what = f"the last {_MOST_IN_VAIN} files could not be loaded ({outcome.reason})"
            self.error = FetchError(what, "look after the network, then give the same command", kind="connection")
            self._reachable = False

    def _end(self, found: Found, outcome: Outcome) -> None:
        """It is known what became of an offer: decide what can be decided, the first of the undecided."""
        self._outcomes[found.offer.id] = outcome
        self._hopeful -= outcome.loaded is None
        while self._undecided and (first := self._outcomes.pop(self._undecided[0].offer.id, None)):
            fate = self._decisions.decide(self._undecided[0], first)
            if fate is None:
                self._load_again(self._undecided[0])
                break
            self._undecided.popleft()
            self._hopeful -= first.loaded is not None
        self._show()

    def _load_again(self, found: Found) -> None:
        """Somebody took a file away."""
        if self._known.pop(found.offer.id, None) is None:
            raise DeblurbenchError("files vanish as soon as they are loaded", "look after what removes them")
        self._load(found)

    def _show(self) -> None:
        decisions = self._decisions
        self._bar.step(max(decisions.kept - self._shown, 0))
        self._shown = max(decisions.kept, self._shown)
        counts = ((decisions.dropped, "dropped"), (decisions.failed, "failed"))
        texts = (*(f"{count} {what}" for count, what in counts if count), self._client.quota_left())
        self._bar.note(", ".join(filter(None, texts)))


def _raisable(error: BaseException) -> Exception:
    """What another thread was ended by, such that it ends this one with a word: no call of `sys.exit`, say."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
