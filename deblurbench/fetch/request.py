"""What is asked for: a source, searches, and which photos are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deblurbench.errors import UsageError
from deblurbench.fetch.photo_file import Checks
from deblurbench.images.dhash import WITHIN
from deblurbench.sources.licences import parse_filter
from deblurbench.sources.online import OnlineSource, Search, one_line


@dataclass(frozen=True)
class Request:
    """One fetch.

    Attributes:
        source: what is asked, with its settings.
        queries: the words to look for.
        licences: the filter, such as `cc0,by`.
        checks: what a file must be.
        duplicate_bits: photos whose difference hashes differ in so many bits at most are near-duplicates.
        count: photos wanted.
    """

    source: OnlineSource
    queries: tuple[str, ...]
    licences: str
    checks: Checks
    duplicate_bits: int = WITHIN
    count: int = 100

    def wanted(self) -> frozenset[str]:
        """The licence classes that are let in. Raises UsageError."""
        return parse_filter(self.licences)

    def searches(self) -> list[Search]:
        """What is looked for, in order. Raises UsageError where the queries make no sense to the source."""
        return self.source.searches(_unique(self.queries), self.wanted())

    def settings(self) -> dict[str, Any]:
        """What decides which photos are kept, as JSON: all but how many. No key is among it."""
        return {
            "source": self.source.source,
            "settings": self.source.as_dict(),
            "queries": list(_unique(self.queries)),
            "licences": sorted(self.wanted()),
            "checks": self.checks.as_dict(),
            "duplicate_bits": self.duplicate_bits,
        }


def _unique(queries: Sequence[str]) -> tuple[str, ...]:
    cleaned = [one_line(query) for query in queries]
    if not all(cleaned):
        raise UsageError("a --query is empty", "name what to look for, such as --query nature")
    return tuple(dict.fromkeys(cleaned))
