"""A dry run: what would be asked, and what the first listing of each search offers. No photo is loaded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import Gate
from deblurbench.fetch.summary import licence_name
from deblurbench.fetch.web.client import Client
from deblurbench.fetch.web.manners import Manners


class SearchPreview(NamedTuple):
    """One search.

    Attributes:
        query: what is looked for.
        total: photos that the source says there are; None where it does not.
        listed: on its first page.
        eligible: of them, those that would be loaded.
        licences: of those listed, by name.
        reasons: why the others would not be loaded.
    """

    query: str
    total: int | None
    listed: int
    eligible: int
    licences: dict[str, int]
    reasons: dict[str, int]


class Preview(NamedTuple):
    """A request and what its searches would find."""

    request: Request
    manners: Manners
    out: Path
    searches: tuple[SearchPreview, ...]

    def as_dict(self) -> dict[str, Any]:
        """The preview as JSON."""
        return {
            "path": str(self.out),
            "request": {**self.request.settings(), "count": self.request.count},
            "rate": self.manners.rate,
            "concurrency": self.manners.concurrency,
            "searches": [search._asdict() for search in self.searches],
        }

    def lines(self) -> Iterator[str]:
        """The preview for people."""
        request, manners = self.request, self.manners
        yield f"{request.count} photos of {request.source.source} into {self.out}, of the licences {request.licences}"
        yield (
            f"at most {manners.rate:g} requests per second and host, {manners.concurrency} at once, "
            f"files up to {manners.max_bytes >> 20} MiB, shorter side {request.checks.min_side} pixels or more"
        )
        for search in self.searches:
            total = "" if search.total is None else f" of {search.total}"
            yield f"{search.query}: the first {search.listed}{total} listed, {search.eligible} would be loaded"
            for name, counts in (("licences", search.licences), ("not loaded", search.reasons)):
                if counts:
                    yield f"  {name}: {', '.join(f'{key} {count}' for key, count in counts.items())}"


def preview(request: Request, manners: Manners, out: Path, state: Path, *, key: str = "") -> Preview:
    """Ask for the first listing of each search. Raises FetchError, UsageError."""
    client = Client(manners, state, threading.Event())
    try:
        web, gate, found = client.web(request.source, key), Gate(request), []
        for search in request.searches():
            listing = request.source.listing(web, search.cursor)
            problems = [problem.kind for offer in listing.offers if (problem := gate.problem(offer))]
            licences = Counter(licence_name(offer.licence or offer.licence_url) for offer in listing.offers)
            count = len(listing.offers)
            reasons = dict(Counter(problems).most_common())
            eligible = count - len(problems)
            found.append(
                SearchPreview(search.label, listing.total, count, eligible, dict(licences.most_common()), reasons)
            )
        return Preview(request, manners, out, tuple(found))
    finally:
        client.close()
