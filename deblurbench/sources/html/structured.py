"""What a page says of its pictures in JSON-LD, in the words of schema.org."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bs4 import BeautifulSoup

from deblurbench.sources.html.address import absolute, suffix
from deblurbench.sources.html.pictures import PHOTOS, SMALL, is_drawing
from deblurbench.sources.html.statements import Statement, licence_statement
from deblurbench.sources.online import count_of, text_of

_MOST = 200_000  # objects of a page
_FEW = 8  # values of a key that are looked at: what refers to what must not multiply
_PICTURES = {"ImageObject", "Photograph"}
_GALLERIES = {"ImageGallery", "MediaGallery", "CollectionPage", "WebPage", "ItemPage"}
_PEOPLE = {"Person", "Organization", "NewsMediaOrganization", "Corporation"}
_NOT_SHOWN = {"logo", "publisher", "author", "creator", "copyrightHolder"}  # their pictures are no photos of the page
_SIZE = re.compile(r"\s*([0-9]{1,6})(?:\.[0-9]*)?\s*(?:px|pixels?)?\s*", re.IGNORECASE)

Node = dict[str, Any]


class Described(NamedTuple):
    """A picture that is described.

    Attributes:
        file: its address; empty where it is only known by `known_as`.
        known_as: addresses of its other files.
        page, title: where it is shown, what it is called; empty where not stated.
        licences, authors: as stated.
        width, height: of `file`, in pixels; 0 where not stated.
    """

    file: str
    known_as: tuple[str, ...] = ()
    page: str = ""
    title: str = ""
    licences: tuple[Statement, ...] = ()
    authors: tuple[Statement, ...] = ()
    width: int = 0
    height: int = 0


class Structured(NamedTuple):
    """`pictures`: as described, in the page's order; `licences`: those of the whole page."""

    pictures: tuple[Described, ...]
    licences: tuple[Statement, ...]


def read_structured(tree: BeautifulSoup, base: str) -> Structured:
    """What the JSON-LD of a page says; what cannot be read is left out.

    Args:
        tree: the page.
        base: what relative addresses stand on; empty where it is not known.
    """
    reader = _Graph(base)
    for script in tree.find_all("script"):
        if text_of(script.attrs, "type").lower().partition(";")[0].strip() == "application/ld+json":
            reader.add("".join(map(str, script.strings)))
    return Structured(tuple(reader.pictures()), tuple(reader.licences()))


class _Graph:
    """All JSON-LD objects of a page, and how they refer to each other."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.nodes: list[Node] = []
        self.ids: dict[str, Node] = {}

    def add(self, text: str) -> None:
        """Add the objects of one script."""
        try:
            value = json.loads(text.strip().removesuffix(";"), object_pairs_hook=_plain, strict=False)
        except (ValueError, RecursionError):
            return
        stack = [value]
        while stack and len(self.nodes) < _MOST:
            value = stack.pop()
            if isinstance(value, list):
                stack.extend(reversed(value))
            elif isinstance(value, dict):
                self.nodes.append(value)
                if len(value) > 1 and isinstance(value.get("@id"), str):
                    self.ids.setdefault(value["@id"], value)
                if not _types(value) & _PEOPLE:
                    stack.extend(value[key] for key in reversed(value) if key not in _NOT_SHOWN)

    def pictures(self) -> Iterator[Described]:
        """The pictures described, where their files are named."""
        for node in self.nodes:
            types = _types(node)
            if types & _PICTURES:
                yield from self._picture(node, types)
            if "ImageGallery" in types:
                for key in ("image", "associatedMedia", "hasPart"):
                    files = map(self._address, self._values(node, key, _MOST))
                    yield from (Described(file) for file in files if file and not is_drawing(file))

    def licences(self) -> Iterator[Statement]:
        """What is said of the whole page."""
        for node in self.nodes:
            if _types(node) & _GALLERIES:
                yield from self._licences(node)

    def _picture(self, node: Node, types: set[str]) -> Iterator[Described]:
        files = self._addresses(node, "contentUrl")
        pages = self._addresses(node, "url")
        if not files:
            files = [page for page in pages if suffix(page) in PHOTOS or types == {"ImageObject"}]
        if not files and "Photograph" in types:
            files = [file for image in self._values(node, "image") for file in self._files(image)]
        width, height = self._size(node, "width"), self._size(node, "height")
        files = [file for file in files if not is_drawing(file)]
        thumbnails = self._addresses(node, "thumbnailUrl") + [
            file for thumbnail in self._values(node, "thumbnail") for file in self._files(thumbnail)
        ]
        if (files or thumbnails) and not (0 < width < SMALL and 0 < height < SMALL):
            pages = self._addresses(node, "mainEntityOfPage") + pages + self._addresses(node, "acquireLicensePage")
            yield Described(
                file=files[0] if files else "",
                known_as=(*files[1:], *thumbnails),
                page=next((page for page in pages if page not in files and suffix(page) not in PHOTOS), ""),
                title=text_of(node, "name") or text_of(node, "caption") or text_of(node, "headline"),
                licences=tuple(self._licences(node)),
                authors=tuple(self._authors(node)),
                width=width,
                height=height,
            )

    def _licences(self, node: Node) -> Iterator[Statement]:
        for value in self._values(node, "license"):
            if isinstance(value, dict):
                href = text_of(value, "url") or text_of(value, "@id")
                statement = licence_statement(text_of(value, "name"), href, self.base)
            else:
                statement = licence_statement(text_of({"": value}, ""), "", self.base)
            if statement:
                yield statement

    def _authors(self, node: Node) -> Iterator[Statement]:
        for key in ("creator", "author", "creditText", "copyrightHolder"):
            found = [_name(value, self.base) for value in self._values(node, key)]
            if any(author.text for author in found):
                yield from dict.fromkeys(author for author in found if author.text)
                return

    def _files(self, value: Any) -> list[str]:
        """The files that a value names: an address, or an object with one."""
        if isinstance(value, dict):
            return self._addresses(value, "contentUrl") or self._addresses(value, "url")
        return [address for address in (self._address(value),) if address]

    def _addresses(self, node: Node, key: str) -> list[str]:
        found = (
            self._address(value.get("@id") or value.get("url") if isinstance(value, dict) else value)
            for value in self._values(node, key)
        )
        return [address for address in found if address]

    def _address(self, value: Any) -> str:
        return absolute(self.base, value) if isinstance(value, str) and value.strip() else ""

    def _size(self, node: Node, key: str) -> int:
        for value in self._values(node, key):
            size = value.get("value") if isinstance(value, dict) else value
            match = _SIZE.fullmatch(text_of({"": size}, ""))
            if match:
                return count_of({"": int(match[1])}, "")
        return 0

    def _values(self, node: Node, key: str, most: int = _FEW) -> list[Any]:
        """The values of a key; what is only referred to is looked up."""
        value = node.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [self.ids.get(str(v.get("@id")), v) if isinstance(v, dict) else v for v in values[:most]]


def _plain(pairs: list[tuple[str, Any]]) -> Node:
    """An object without the namespaces of its keys."""
    return {key.rpartition("/")[2].rpartition(":")[2]: value for key, value in pairs}


def _types(node: Node) -> set[str]:
    value = node.get("@type")
    names = value if isinstance(value, list) else [value]
    return {name.rpartition("/")[2].rpartition(":")[2] for name in names if isinstance(name, str)}


def _name(value: Any, base: str) -> Statement:
    if not isinstance(value, dict):
        return Statement(text_of({"": value}, ""))
    url = text_of(value, "url")
    return Statement(text_of(value, "name"), absolute(base, url) if url else "")
