"""`ATTRIBUTION.md`: who made each photo, under what terms, where it was found; and any text as harmless Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from deblurbench.sources.licences import read_licence

ATTRIBUTION = "ATTRIBUTION.md"

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})
_LINKS = (("://", "&#58;//"), ("www.", "www&#46;"))  # which some readers make links of, unasked
_URL = re.compile(r"https?://[^\s<>|\\`\"'()\[\]{}*]+")  # what cannot end a link, a cell or a table


class Credit(NamedTuple):
    """What a photo's maker is owed.

    Attributes:
        photo: its name where it is used.
        title: what its maker calls it, if anything.
        author, licence: as stated; empty where unknown.
        where: the address of its page, or else what it comes from.
    """

    photo: str
    title: str
    author: str
    licence: str
    where: str


def attribution_lines(heading: str, text: Iterable[str], credits_: Iterable[Credit]) -> Iterator[str]:
    """The lines of the file, without line ends: a table with one row per photo, in their order."""
    yield f"# {heading}"
    yield ""
    yield from text
    yield ""
    yield "| photo | author | licence | source |"
    yield "|---|---|---|---|"
    for credit in credits_:
        yield _row(credit)


def _row(credit: Credit) -> str:
    where = f"<{credit.where}>" if _URL.fullmatch(credit.where) else cell(credit.where)
    title = cell(credit.title)
    cells = (
        cell(credit.photo),
        cell(credit.author) or "unknown",
        _licence(credit.licence),
        f'"{title}", {where}' if title else where,
    )
    return f"| {' | '.join(cells)} |"


def _licence(licence: str) -> str:
    text = cell(licence) or "not stated"
    url = read_licence(licence).url
    return f"[{text}]({url})" if url else text


def cell(text: str) -> str:
    """Any text as one line of Markdown that shows just that text: no markup, no HTML, no end of a table cell."""
    plain = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_shown(char))
    shown = _MARKUP.sub(r"\\\1", " ".join(plain.split()).translate(_ENTITIES))
    for link, harmless in _LINKS:
        shown = shown.replace(link, harmless)
    return shown


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
