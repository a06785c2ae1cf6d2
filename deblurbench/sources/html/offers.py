"""The offers of a page: each picture once, with all that the page says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bs4 import BeautifulSoup

from deblurbench.sources.html.pictures import Picture, find_pictures, named_pictures
from deblurbench.sources.html.statements import Statement, Statements, distinct
from deblurbench.sources.html.structured import Described, read_structured
from deblurbench.sources.html.tree import around
from deblurbench.sources.online import Offer

NO_LICENCE = "states no licence; say it with --page-licence"
NO_BASE = "a relative address in a saved page; say with --page-base where it is from"
NO_ADDRESS = "not an http or https address"


class Terms(NamedTuple):
    """What the user says where a page says nothing."""

    licence: Statement | None = None
    author: str = ""


class _Finding(NamedTuple):
    """A picture, and what has been said of it so far."""

    said: Described
    problem: str = ""


def read_offers(tree: BeautifulSoup, address: str, base: str, selector: str, terms: Terms) -> tuple[Offer, ...]:
    """The pictures of a page, in its order; what is only described comes after what is shown.

    Args:
        tree: the page.
        address: where people see it; empty where it is not known.
        base: what relative addresses stand on; empty where it is not known.
        selector: of the elements that count; empty for all of the page.
        terms: what the user says.
    """
    findings: dict[str, _Finding] = {}
    for finding in _findings(tree, base, selector):
        key = finding.said.file
        said = _joined(findings[key].said, finding.said) if key in findings else finding.said
        findings[key] = finding._replace(said=said)
    return tuple(_offer(finding, address, terms) for finding in findings.values())


def _findings(tree: BeautifulSoup, base: str, selector: str) -> Iterator[_Finding]:
    structured = read_structured(tree, base)
    described = _Descriptions(structured.pictures)
    pictures = find_pictures(tree, base)
    statements = Statements(tree, base, [picture.element for picture in pictures], structured.licences)
    if selector:
        chosen = {id(element) for element in tree.select(selector)}
        pictures = [
            picture
            for picture in pictures
            if id(picture.element) in chosen or any(id(element) in chosen for element in around(picture.element))
        ]
    elif not pictures and not structured.pictures:
        pictures = named_pictures(tree, base)
    for picture in pictures:
        said = described.take(picture.files)
        yield _shown(picture, said, statements, base)
    if not selector:
        for said in described.left():
            yield _Finding(_completed(said, statements, None))


class _Descriptions:
    """What is described, by the addresses of its files."""

    def __init__(self, described: tuple[Described, ...]) -> None:
        self._by_file: dict[str, Described] = {}
        for said in described:
            if said.file:
                known = self._by_file.get(said.file)
                self._by_file[said.file] = _joined(known, said) if known else said
        self._also = {also: said.file for said in reversed(described) for also in said.known_as}
        self._nameless = {also: said for said in reversed(described) if not said.file for also in said.known_as}
        self._taken: set[str] = set()

    def take(self, files: tuple[str, ...]) -> Described | None:
        """What is said of a picture that has these files; None where nothing is."""
        for file in files:
            name = file if file in self._by_file else self._also.get(file, "")
            if name:
                self._taken.add(name)
                return self._by_file[name]
        return next((self._nameless[file] for file in files if file in self._nameless), None)

    def left(self) -> Iterator[Described]:
        """What no picture that is shown has taken."""
        return (said for file, said in self._by_file.items() if file not in self._taken)


def _shown(picture: Picture, said: Described | None, statements: Statements, base: str) -> _Finding:
    """A picture that is shown, with what is described of it."""
    said = said or Described("")
    files = picture.files
    if said.file and said.file not in files:  # they are its smaller versions
        files = (said.file, *files)
    problem = "" if files else NO_ADDRESS if base else NO_BASE
    is_described = bool(files) and files[0] == said.file
    whole = said._replace(
        file=files[0] if files else picture.written,
        page=said.page or picture.page,
        title=said.title or picture.title,
        width=said.width if is_described else picture.width,
        height=said.height if is_described else picture.height,
    )
    return _Finding(_completed(whole, statements, picture), problem)


def _completed(said: Described, statements: Statements, picture: Picture | None) -> Described:
    """With what elements of the page say of whose it is, where its description does not."""
    element = picture.element if picture else None
    return said._replace(
        licences=distinct(said.licences) or statements.licences(element),
        authors=said.authors or statements.authors(element),
    )


def _joined(one: Described, other: Described) -> Described:
    """Two of the same file: what the first does not say, the other does. Their licences stand side by side."""
    return Described(
        file=one.file,
        known_as=one.known_as,
        page=one.page or other.page,
        title=one.title or other.title,
        licences=distinct((*one.licences, *other.licences)),
        authors=one.authors or other.authors,
        width=one.width or other.width,
        height=one.height or other.height,
    )


def _offer(finding: _Finding, address: str, terms: Terms) -> Offer:
    said, problem = finding
    licences = said.licences or tuple(filter(None, (terms.licence,)))
    if not problem and len(licences) != 1:
        several = "; ".join(licence.text for licence in licences)
        problem = f"its page states several licences: {several}" if licences else NO_LICENCE
    licence = licences[0] if len(licences) == 1 else Statement("")
    return Offer(
        id=said.file,
        url="" if finding.problem else said.file,
        landing_page=said.page or address,
        title=said.title,
        author=", ".join(author.text for author in said.authors) or terms.author,
        author_url=said.authors[0].url if len(said.authors) == 1 else "",
        licence=licence.text,
        licence_url=licence.url,
        width=said.width,
        height=said.height,
        problem=problem,
    )
