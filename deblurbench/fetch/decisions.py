"""What becomes of each offer, and of its file: decided one by one, in the order of the offers."""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench.fetch.finder import Finder, Found
from deblurbench.fetch.journal import Journal, Loaded, Outcome
from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import KEPT, Duplicates, Fate, Gate, fate_of
from deblurbench.fetch.store import Store, photo_name
from deblurbench.sources.online import Offer, Search


class Decisions:
    """The decisions of one fetch.

    Attributes:
        kept, dropped, failed: how many so far; see `Fate`.
    """

    def __init__(self, request: Request, store: Store) -> None:
        self._source, self._store = request.source.source, store
        self._gate, self._duplicates = Gate(request), Duplicates(request.duplicate_bits)
        self.kept = self.dropped = self.failed = 0

    def refused(self, offer: Offer) -> Outcome | None:
        """The outcome of an offer whose file is not worth asking for; None of others."""
        problem = self._gate.problem(offer)
        return Outcome.failed(offer, problem) if problem else None

    def decide(self, found: Found, outcome: Outcome) -> Fate | None:
        """The fate of the next offer; its file goes where it belongs. None: somebody took the file away."""
        fate = self._fate(found, outcome)
        if fate:
            self.kept += fate.kind == KEPT
            self.failed += fate.failed
            self.dropped += fate.kind != KEPT and not fate.failed
        return fate

    def _fate(self, found: Found, outcome: Outcome) -> Fate | None:
        loaded = outcome.loaded
        if loaded is None:
            return fate_of(found, outcome)
        problem = self._duplicates.problem(loaded)
        if problem:
            self._store.drop(loaded)
            return Fate(found, problem.kind, str(problem))
        name = photo_name(found, loaded, self._source)
        if not self._store.keep(name, loaded):
            return None
        self._duplicates.add(loaded, name)
        return Fate(found, KEPT, file=name, loaded=loaded, at=outcome.at)


def settle(request: Request, searches: Sequence[Search], journal: Journal, store: Store) -> list[Fate]:
    """Decide all anew by what the journal tells, so that just those photos lie in the folder that are kept.

    An earlier fetch may have wanted more, or lacked a photo that goes before one of the same look, or a listing. What
    is not known is passed over: wherever a fetch ends, what it has is usable.
    """
    decisions, fates, dropped = Decisions(request, store), list[Fate](), list[Loaded]()
    for found in Finder(request.source, None, searches, journal):
        outcome = decisions.refused(found.offer) or journal.outcomes.get(found.offer.id)
        fate = decisions.decide(found, outcome) if outcome and decisions.kept < request.count else None
        if fate:
            fates.append(fate)
        if outcome and outcome.loaded and fate and fate.kind != KEPT:
            dropped.append(outcome.loaded)
    loaded = (outcome.loaded for outcome in tuple(journal.outcomes.values()) if outcome.loaded)
    store.tidy({fate.file for fate in fates}, loaded)
    for each in dropped:
        store.drop(each)
    return fates
