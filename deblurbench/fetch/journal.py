"""What a fetch remembers: every listing that it got, and what became of every file that it asked for.

`fetch.journal/journal.jsonl` is appended to and never rewritten. A line is written when what it says is safely there,
so a kill at any moment costs the files in flight. Which photos are kept follows from these lines alone, whichever
came first: so a fetch that was cut short and one that was not end with the same photos.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.config import Config
from deblurbench.errors import DatasetError, FetchError
from deblurbench.fetch.photo_file import PhotoFacts
from deblurbench.files import canonical_json
from deblurbench.sources.online import Listing, Offer
from deblurbench.sources.provenance import FETCH_JOURNAL, Sha256

JOURNAL = f"{FETCH_JOURNAL}/journal.jsonl"
LOADED = "loaded"


class Loaded(Config):
    """A file that was loaded and is a photo worth having: its bytes and its pixels."""

    url: str
    sha256: Sha256
    bytes: int
    facts: PhotoFacts


class Outcome(Config):
    """What became of one URL.

    Attributes:
        id: the source's, of the offer.
        kind: `loaded`, or why not, in a short word (see `FetchError`).
        reason: in a sentence.
        passing: whether the next fetch shall ask again.
        at: when, UTC, ISO 8601.
        loaded: of a photo.
    """

    id: str
    kind: str
    reason: str = ""
    passing: bool = False
    at: str = ""
    loaded: Loaded | None = None

    @classmethod
    def of(cls, offer: Offer, loaded: Loaded) -> Outcome:
        """The outcome of a file that is there."""
        return cls(id=offer.id, kind=LOADED, at=_now(), loaded=loaded)

    @classmethod
    def failed(cls, offer: Offer, error: FetchError) -> Outcome:
        """The outcome of a file that is not."""
        return cls(id=offer.id, kind=error.kind, reason=str(error), passing=error.passing, at=_now())


class _Page(Config):
    search: str
    cursor: str
    next: str
    total: int | None = None
    offers: tuple[Offer, ...]


class _Line(Config):
    """A line of the journal: its first, a listing, or an outcome."""

    fetch: dict[str, Any] | None = None
    page: _Page | None = None
    outcome: Outcome | None = None


class Journal:
    """The journal of the fetch into one folder; threads may write to it.

    Args:
        out: the folder of photos.
        settings: of the request.

    Raises: DatasetError where the folder holds a fetch of other settings, or of another version.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        self._file = out / JOURNAL
        self._lock = threading.Lock()
        self.listings: dict[tuple[str, str], Listing] = {}
        self.outcomes: dict[str, Outcome] = {}
        first = True
        for line in self._lines():
            if first:
                _check(out, line.fetch, settings)
            first = False
            self._remember(line)
        if first:
            self._write(_Line(fetch=settings))

    def listed(self, search: str, cursor: str, listing: Listing) -> None:
        """A listing was got."""
        page = _Page(search=search, cursor=cursor, next=listing.next, total=listing.total, offers=listing.offers)
        self._write(_Line(page=page))

    def ended(self, outcome: Outcome) -> None:
        """It is known what became of a URL."""
        self._write(_Line(outcome=outcome))

    def _remember(self, line: _Line) -> None:
        if line.page:
            page = line.page
            self.listings[page.search, page.cursor] = Listing(page.offers, page.next, page.total)
        if line.outcome:
            self.outcomes[line.outcome.id] = line.outcome

    def _lines(self) -> Iterator[_Line]:
        """The whole lines; one that a kill cut short is passed over."""
        if not self._file.is_file():
            return
        with self._file.open("rb") as file:
            for line in file:
                with suppress(ValidationError, ValueError):
                    yield _Line.model_validate_json(line, strict=True)

    def _write(self, line: _Line) -> None:
        text = canonical_json(line.as_dict())
        with self._lock:
            self._remember(line)
            self._file.parent.mkdir(exist_ok=True)
            with self._file.open("a+b") as file:
                file.write((b"" if _ends_whole(file) else b"\n") + text.encode() + b"\n")


def _ends_whole(file: Any) -> bool:
    """Whether a file is empty or ends with its last line: what comes next must not be glued to a cut one."""
    if not file.seek(0, 2):
        return True
    file.seek(-1, 2)
    return bool(file.read(1) == b"\n")


def _check(out: Path, there: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    if there is None:
        raise DatasetError(f"{out / JOURNAL} is damaged or of another version", "choose another --out, or --overwrite")
    before, now = _flat(there), _flat(wanted)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            what = f"{out} holds a fetch of other settings ({key}: {before.get(key)} there, {now.get(key)} now)"
            raise DatasetError(what, "choose another --out, or --overwrite")


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without the groups that they stand in, so that just the one that differs is named."""
    inner = {key: value for group in settings.values() if isinstance(group, dict) for key, value in group.items()}
    return inner | {key: value for key, value in settings.items() if not isinstance(value, dict)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
