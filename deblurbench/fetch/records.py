"""What a fetch leaves beside the photos: whose they are, and what became of every URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import KEPT, Fate
from deblurbench.fetch.store import REPORT
from deblurbench.files import write_csv, write_text
from deblurbench.sources.attribution import ATTRIBUTION, Credit, attribution_lines
from deblurbench.sources.online import one_line
from deblurbench.sources.provenance import Provenance, licence_details, write_provenance

_TEXT = (
    "Who made the photos of this folder, under what terms they may be used, and where each was found.",
    "Whoever passes them on, or pictures made from them, passes this on as well.",
)


def write_records(out: Path, request: Request, fates: Sequence[Fate]) -> None:
    """Write the report, `ATTRIBUTION.md` and, last of all, `photos.jsonl`."""
    photos = sorted(_photos(request.source.source, fates), key=lambda photo: photo.file)
    rows = ((fate.found.search.label, _url(fate), fate.kind, fate.reason, fate.file) for fate in fates)
    write_csv(out / REPORT, ("query", "url", "outcome", "reason", "file"), (map(_plain, row) for row in rows))
    lines = attribution_lines("Photos", _TEXT, map(_credit, photos))
    write_text(out / ATTRIBUTION, "".join(f"{line}\n" for line in lines))
    write_provenance(out, photos)


def _photos(source: str, fates: Iterable[Fate]) -> Iterator[Provenance]:
    for fate in fates:
        if fate.kind == KEPT and fate.loaded:
            offer, loaded = fate.found.offer, fate.loaded
            licence, version, licence_url = licence_details(offer.licence, offer.licence_url)
            yield Provenance(
                file=fate.file,
                sha256=loaded.sha256,
                bytes=loaded.bytes,
                width=loaded.facts.width,
                height=loaded.facts.height,
                source=source,
                id=offer.id,
                url=offer.url,
                landing_page=offer.landing_page,
                title=offer.title,
                author=offer.author,
                author_url=offer.author_url,
                licence=licence,
                licence_version=version,
                licence_url=licence_url,
                query=fate.found.search.label,
                retrieved=fate.at,
            )


def _credit(photo: Provenance) -> Credit:
    return Credit(photo.file, photo.title, photo.author, photo.licence, photo.landing_page or photo.url)


def _url(fate: Fate) -> str:
    """The offer's URL, or, without a usable one, what its source calls it."""
    return fate.found.offer.url or fate.found.offer.id


def _plain(text: str) -> str:
    """A text as one cell of one line, that no spreadsheet takes for a formula."""
    line = one_line(text)  # the csv of Python 3.11 writes a carriage return as it is
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line
