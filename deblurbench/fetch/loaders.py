"""The threads that load files. They end with the program, whatever a server does to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from deblurbench.errors import FetchError
from deblurbench.fetch.finder import Found
from deblurbench.fetch.journal import Journal, Loaded, Outcome
from deblurbench.fetch.photo_file import Checks, check_photo
from deblurbench.fetch.store import Store
from deblurbench.fetch.web.client import Client

_JUDGED_AT_ONCE = 2  # a picture of as many pixels as are let in takes more than a gigabyte
Ended = Callable[[Found, Outcome | BaseException], None]


class Loaders:
    """Loads offers, a few at once.

    Args:
        count: of threads.
        client, store, journal, checks: what asks, keeps, remembers and judges.
        ended: is told of each offer what became of it, in no order; called by the threads.
    """

    def __init__(
        self, count: int, client: Client, store: Store, journal: Journal, checks: Checks, ended: Ended
    ) -> None:
        self.count = count
        self._client, self._store, self._journal, self._checks, self._ended = client, store, journal, checks, ended
        self._judging = threading.Semaphore(_JUDGED_AT_ONCE)
        self._jobs: SimpleQueue[Found | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(store.part(f"loader-{i}"),), name=f"loader-{i}", daemon=True)
            for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def load(self, found: Found) -> None:
        """Load an offer's file."""
        self._jobs.put(found)

    def stop(self, seconds: float) -> None:
        """Load no more, and wait a little for those that end in time."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(seconds / self.count)

    def _run(self, part: Path) -> None:
        while (found := self._jobs.get()) is not None:
            try:
                outcome = self._load(found, part)
                self._journal.ended(outcome)
            except BaseException as error:  # a full disk, a bug: the one who waits for it is told
                self._ended(found, error)
            else:
                self._ended(found, outcome)

    def _load(self, found: Found, part: Path) -> Outcome:
        offer = found.offer
        try:
            got = self._client.download(offer.url, part)
            if offer.sha1 and offer.sha1 != got.sha1:
                hint = "it was replaced or damaged"
                raise FetchError("the file is not the one that its listing tells of", hint, kind="checksum")
            with self._judging:
                facts = check_photo(part, self._checks)
        except FetchError as error:
            part.unlink(missing_ok=True)
            return Outcome.failed(offer, error)
        self._store.wait(part, got.sha256)
        return Outcome.of(offer, Loaded(url=got.url, sha256=got.sha256, bytes=got.bytes, facts=facts))
