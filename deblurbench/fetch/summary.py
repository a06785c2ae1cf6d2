"""What a fetch has come to, for people and for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurbench.errors import FetchError
from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import KEPT, Fate
from deblurbench.sources.licences import read_licence
from deblurbench.sources.online import one_line


@dataclass(frozen=True)
class Summary:
    """The end of a fetch; `error`: why its source was not asked further, where it did not give all it has."""

    request: Request
    out: Path
    fates: tuple[Fate, ...]
    error: FetchError | None = None

    @property
    def kept(self) -> int:
        """How many photos are there."""
        return sum(fate.kind == KEPT for fate in self.fates)

    @property
    def complete(self) -> bool:
        """Whether as many were kept as were wanted."""
        return self.kept >= self.request.count

    def shortfall(self) -> str:
        """Why there are fewer photos than wanted, in one sentence."""
        if self.error:
            return str(self.error)
        if not self.fates:
            return "the source lists nothing for this: try other words or pages"
        again = sum(fate.passing for fate in self.fates)
        retry = f"; {again} failed in passing, and the same command asks for them again" if again else ""
        why = "" if self.kept else f"; of {len(self.fates)} none is kept, the first as follows: {self.fates[0].reason}"
        return f"the source has no more photos for this{retry}{why}"

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "path": str(self.out),
            "source": self.request.source.source,
            "wanted": self.request.count,
            "kept": self.kept,
            "complete": self.complete,
            "error": None if self.complete else self.shortfall(),
            "queries": {label: dict(self._of_query(label)) for label in self._labels()},
            "outcomes": dict(Counter(fate.kind for fate in self.fates).most_common()),
            "licences": dict(self._licences().most_common()),
            "authors": len({fate.found.offer.author for fate in self.fates if fate.kind == KEPT} - {""}),
        }

    def lines(self) -> Iterator[str]:
        """The summary as a table."""
        yield f"{self.out}  kept {self.kept} of {self.request.count}"
        labels = self._labels()
        width = max([len("query"), *(len(label) for label in labels)])
        yield f"{'query':{width}}  {'offers':>7}{'kept':>7}{'dropped':>9}{'failed':>8}"
        for label in labels:
            row = self._of_query(label)
            cells = f"{row['offers']:7}{row['kept']:7}{row['dropped']:9}{row['failed']:8}"
            yield f"{label:{width}}  {cells}"
        others = Counter(fate.kind for fate in self.fates if fate.kind != KEPT).most_common()
        if others:
            yield f"not kept: {_counts(others)} (each with its reason: fetch-report.csv)"
        if self.kept:
            yield f"licences: {_counts(self._licences().most_common())}"

    def _labels(self) -> list[str]:
        """What is in the first column: pages of one site have one label, and one row."""
        return list(dict.fromkeys(search.label for search in self.request.searches()))

    def _of_query(self, label: str) -> Counter[str]:
        fates = [fate for fate in self.fates if fate.found.search.label == label]
        kept = sum(fate.kind == KEPT for fate in fates)
        failed = sum(fate.failed for fate in fates)
        return Counter(offers=len(fates), kept=kept, dropped=len(fates) - kept - failed, failed=failed)

    def _licences(self) -> Counter[str]:
        offers = (fate.found.offer for fate in self.fates if fate.kind == KEPT)
        return Counter(licence_name(offer.licence or offer.licence_url) for offer in offers)


def licence_name(text: str) -> str:
    """What to call a licence in a table: its usual name, or else as much of its own text as fits."""
    licence = read_licence(text)
    return licence.name if licence.kind != "other" else one_line(text)[:40]


def _counts(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)
