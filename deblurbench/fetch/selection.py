"""Which photos are kept: those that come first in the order of the offers, of equal and nearly equal ones the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deblurbench.errors import FetchError
from deblurbench.fetch.finder import Found
from deblurbench.fetch.journal import Loaded, Outcome
from deblurbench.fetch.request import Request
from deblurbench.images.dhash import is_plain
from deblurbench.sources.licences import licence_class
from deblurbench.sources.online import Offer

KEPT = "kept"


@dataclass(frozen=True)
class Fate:
    """What became of one offer in the end.

    Attributes:
        found: the offer and its search.
        kind: `kept`, or why not.
        reason: in a sentence; empty of kept ones.
        failed: whether that is the fault of the network or the site, not of the photo.
        passing: whether the next fetch asks again.
        file, loaded, at: of kept ones: its path below the folder, what is known of it, and when it was loaded.
    """

    found: Found
    kind: str
    reason: str = ""
    failed: bool = False
    passing: bool = False
    file: str = ""
    loaded: Loaded | None = None
    at: str = ""


class Gate:
    """What an offer itself tells: whether its file is worth asking for."""

    def __init__(self, request: Request) -> None:
        self._wanted = request.wanted()
        self._licences = request.licences
        self._least = request.checks.min_side

    def problem(self, offer: Offer) -> FetchError | None:
        """Why its file is not asked for; None where it is."""
        kind = licence_class(offer.licence or offer.licence_url)
        if offer.problem:
            return FetchError(offer.problem, kind="listing")
        if kind not in self._wanted:
            stated = f"{offer.licence or offer.licence_url or 'not stated'}"
            return FetchError(f"its licence is {kind} ({stated[:60]}), not one of {self._licences}", kind="licence")
        if 0 < min(offer.width, offer.height) < self._least:
            size = f"{offer.width}x{offer.height}"
            return FetchError(f"it is {size}: its shorter side is below {self._least} pixels", kind="too-small")
        return None


class Duplicates:
    """The photos that are kept so far, by their bytes and by what they look like."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._bytes: dict[str, str] = {}
        self._hashes = np.zeros(64, dtype=np.uint64)
        self._names: list[str] = []

    def problem(self, loaded: Loaded) -> FetchError | None:
        """Which photo before it is the same, or all but the same."""
        twin = self._bytes.get(loaded.sha256)
        if twin is not None:
            return FetchError(f"has the same bytes as {twin}", kind="same-bytes")
        if not is_plain(loaded.facts.dhash):
            value = np.uint64(int(loaded.facts.dhash, 16))
            far = np.bitwise_count(self._hashes[: len(self._names)] ^ value)
            near = np.flatnonzero(far <= self._bits)
            if len(near):
                return FetchError(f"looks the same as {self._names[near[0]]}", kind="near-duplicate")
        return None

    def add(self, loaded: Loaded, name: str) -> None:
        """A photo is kept under a name."""
        self._bytes[loaded.sha256] = name
        if not is_plain(loaded.facts.dhash):
            if len(self._names) == len(self._hashes):
                self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._hashes[len(self._names)] = int(loaded.facts.dhash, 16)
            self._names.append(name)


def fate_of(found: Found, outcome: Outcome) -> Fate:
    """The fate of an offer whose file is not there."""
    network = outcome.passing or outcome.kind.startswith("http-") or outcome.kind in _NETWORK
    return Fate(found, outcome.kind, outcome.reason, failed=network, passing=outcome.passing)


_NETWORK = frozenset({"connection", "timeout", "truncated", "redirects", "checksum"})
