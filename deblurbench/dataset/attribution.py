"""`ATTRIBUTION.md`: who made each photo, under what terms, where it was found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from deblurbench.dataset.licences import read_licence
from deblurbench.dataset.manifest import PhotoRecord, Record

ATTRIBUTION = "ATTRIBUTION.md"

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})
_LINKS = (("://", "&#58;//"), ("www.", "www&#46;"))  # which some readers make links of, unasked
_URL = re.compile(r"https?://[^\s<>|\\`\"'()\[\]{}*]+")  # what cannot end a link, a cell or a table


def attribution_lines(name: str, records: Iterable[Record]) -> Iterator[str]:
    """The lines of the file, without line ends: a table with one row per photo, in the order of the records.

    Args:
        name: of the recipe.
        records: of the manifest; 8 bytes of each photo's hash are remembered.
    """
    yield f"# Photos of {name}"
    yield ""
    yield "The pictures of this dataset are made from these photos: cropped, resized and blurred as its manifest says."
    yield "A photo's name is that of its pairs, without what tells them apart."
    yield ""
    yield "| photo | author | licence | source |"
    yield "|---|---|---|---|"
    seen: set[int] = set()
    for record in records:
        number = int(record.photo.raw_sha256[:16], 16)
        if number not in seen:
            seen.add(number)
            yield _row(record)


def _row(record: Record) -> str:
    photo = record.photo
    where = photo.url or photo.source
    cells = (
        cell(photo_name(record)),
        cell(photo.author) or "unknown",
        _licence(photo),
        f"<{where}>" if _URL.fullmatch(where) else cell(where),
    )
    return f"| {' | '.join(cells)} |"


def _licence(photo: PhotoRecord) -> str:
    text = cell(photo.licence) or "not stated"
    url = read_licence(photo.licence).url
    return f"[{text}]({url})" if url else text


def photo_name(record: Record) -> str:
    """The name of a pair's photo: the pair's without what tells the blurs and tiles of one photo apart."""
    mark = f"-{record.photo.raw_sha256[:8]}"
    end = record.name.rfind(mark)
    return record.name if end < 0 else record.name[: end + len(mark)]


def cell(text: str) -> str:
    """Any text as one line of Markdown that shows just that text: no markup, no HTML, no end of a table cell."""
    plain = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_shown(char))
    shown = _MARKUP.sub(r"\\\1", " ".join(plain.split()).translate(_ENTITIES))
    for link, harmless in _LINKS:
        shown = shown.replace(link, harmless)
    return shown


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
