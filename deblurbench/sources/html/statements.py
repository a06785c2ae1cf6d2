"""Who made a picture and under which licence it is: what elements of a page state, and of which of its pictures.

A statement counts for the pictures in the smallest element around it that holds one: a figure's licence for that
figure, one in the page's footer for the whole page. For a picture, the nearest statements count. So nothing that is
said of one picture is taken for another; where the nearest ones differ, all are kept, and whoever asks sees that.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

from deblurbench.sources.html.address import absolute
from deblurbench.sources.html.pictures import is_badge, is_small
from deblurbench.sources.html.tree import around, inner_text, words
from deblurbench.sources.licences import OTHER, UNKNOWN, read_licence
from deblurbench.sources.online import text_of

_PREFIXES = ("", "cc:", "dc:", "dct:", "dcterms:", "schema:", "xhv:")
_LICENCE = {prefix + word for prefix in _PREFIXES for word in ("license", "licence")}
_AUTHOR = {prefix + word for prefix in _PREFIXES for word in ("author", "creator", "attributionname")}
_META = {
    **dict.fromkeys(("dcterms.license", "dc.rights.license", "dc.license"), "licence"),
    **dict.fromkeys(("dc.rights", "dcterms.rights"), "rights"),
    **dict.fromkeys(("author", "dc.creator", "dcterms.creator"), "author"),
}

_Found = dict[int, list["Statement"]]  # by the `id` of the element for whose pictures they count
_FEW = 5  # statements of one picture that are kept


class Statement(NamedTuple):
    """A licence or a name, and its address; empty where none is given."""

    text: str
    url: str = ""


def licence_statement(text: str, href: str = "", base: str = "") -> Statement | None:
    """A statement of a licence.

    Args:
        text: its name, or an address.
        href: what it links to, as written; that of a Creative Commons licence says more than any text.
        base: what a relative `href` stands on.

    Returns: None where nothing is stated. The text is `CC BY 4.0` and the like where the address says so.
    """
    address = href.strip() or (text if absolute("", text) else "")
    known = read_licence(address)
    if known.kind in (OTHER, UNKNOWN):
        text = text.strip() or address
        known = read_licence(text)
        url = absolute(base, address) if address else known.url
        return None if known.kind == UNKNOWN else Statement(text[:300], url)
    return Statement(known.name, absolute(base, address))


def distinct(licences: Iterable[Statement]) -> tuple[Statement, ...]:
    """The first few that say different things; of `CC BY` and `CC BY 4.0`, which do not, the latter."""
    kept: dict[tuple[str, str], Statement] = {}
    for licence in licences:
        kind, version = read_licence(licence.text)
        kept.setdefault((kind, licence.text.casefold() if kind == OTHER else version), licence)
    versions = {kind for kind, version in kept if version}
    different = [licence for (kind, version), licence in kept.items() if version or kind not in versions]
    return tuple(different[:_FEW])


class Statements:
    """What a page says of its pictures, and where.

    Args:
        tree: the page.
        base: what relative addresses stand on.
        pictures: the elements of those that count.
        whole: licences that are stated of the whole page elsewhere (in its JSON-LD).
    """

    def __init__(self, tree: BeautifulSoup, base: str, pictures: Iterable[Tag], whole: Iterable[Statement]) -> None:
        self._tree, self._base = tree, base
        self._holders = _holders(tree, pictures)
        found: dict[str, _Found] = {"licence": {id(tree): list(whole)}, "author": {}}
        meta: dict[str, list[Statement]] = {"licence": [], "rights": [], "author": []}
        for element in tree.find_all(True):
            if not element.attrs.keys().isdisjoint(("rel", "itemprop", "property")):
                self._read(element, found)
            if element.name == "meta":
                self._read_meta(element, meta)
        licences = {place: distinct(statements) for place, statements in found["licence"].items()}
        authors = {place: tuple(dict.fromkeys(names))[:_FEW] for place, names in found["author"].items()}
        # What the head says counts where no element says anything.
        self._licences = {id(tree): distinct(meta["licence"] or meta["rights"])} | _said(licences)
        self._authors = {id(tree): tuple(meta["author"][:_FEW])} | _said(authors)

    def licences(self, element: Tag | None) -> tuple[Statement, ...]:
        """What is stated for a picture (None: that is not shown): nothing, one licence, or several that differ."""
        return self._nearest(self._licences, element)

    def authors(self, element: Tag | None) -> tuple[Statement, ...]:
        """Whom the page names as who made a picture (None: that is not shown)."""
        return self._nearest(self._authors, element)

    def _nearest(self, table: dict[int, tuple[Statement, ...]], element: Tag | None) -> tuple[Statement, ...]:
        outside = (self._tree,) if element is None else around(element)
        return next((table[id(outer)] for outer in outside if id(outer) in table), ())

    def _read(self, element: Tag, found: dict[str, _Found]) -> None:
        links = words(element, "rel") if element.name in ("a", "area", "link") and element.get("href") else set()
        item = words(element, "itemprop")
        named = links | item | words(element, "property")
        for kind, meant, read in (("licence", _LICENCE, self._licence), ("author", _AUTHOR, self._author)):
            if named & meant:
                # An item's property says nothing of what is not in that item: a comment has an author, too.
                place = self._place(element, within_item=bool(item & meant))
                statement = read(element)
                if statement:
                    found[kind].setdefault(id(place), []).append(statement)

    def _place(self, element: Tag, within_item: bool) -> Tag:
        """The element for whose pictures a statement counts; one without any where it is about something else."""
        found = None
        for outer in around(element):
            if found is None and id(outer) in self._holders:
                found = outer
            if outer.name == "footer":
                found = None  # it speaks of what it is the footer of
            if within_item and "itemscope" in outer.attrs:
                found = found or outer
                break
        return self._tree if found is None or found.name in ("html", "body") else found

    def _licence(self, element: Tag) -> Statement | None:
        text = text_of(element.attrs, "content") or inner_text(element)
        return licence_statement(text, text_of(element.attrs, "href"), self._base)

    def _author(self, element: Tag) -> Statement | None:
        inner = [part for part in islice(element.descendants, 300) if isinstance(part, Tag)]
        name = next((part for part in inner if "name" in words(part, "itemprop")), element)
        text = text_of(element.attrs, "content") or inner_text(name)
        link = next((part for part in (element, *inner) if part.name == "a" and part.get("href")), None)
        url = absolute(self._base, str(link["href"])) if link else ""
        return Statement(text, url) if text else None

    def _read_meta(self, element: Tag, meta: dict[str, list[Statement]]) -> None:
        kind, text = _META.get(text_of(element.attrs, "name").lower()), text_of(element.attrs, "content")
        if kind and text:
            statement = Statement(text) if kind == "author" else licence_statement(text, "", self._base)
            meta[kind] += [statement] if statement else []


def _said(table: dict[int, tuple[Statement, ...]]) -> dict[int, tuple[Statement, ...]]:
    return {place: statements for place, statements in table.items() if statements}


def _holders(tree: BeautifulSoup, pictures: Iterable[Tag]) -> set[int]:
    """The elements that hold a picture, by `id`: also one of a kind that does not count, if it is larger than an icon.

    So what is said of a drawing or a film is not taken for its neighbours'.
    """
    others = [img for img in tree.find_all("img") if not (is_small(img) or is_badge(img))]
    holders: set[int] = set()
    for picture in (*pictures, *others, *tree.find_all(("video", "canvas"))):
        for element in around(picture):
            if id(element) in holders:
                break
            holders.add(id(element))
    return holders
