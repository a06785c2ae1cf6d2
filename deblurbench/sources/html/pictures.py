"""The pictures that a page shows: `<img>` with all its files, and what its `<meta>` name where it shows none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

from deblurbench.sources.html.address import absolute, suffix
from deblurbench.sources.html.srcset import parse_srcset
from deblurbench.sources.html.tree import around, words
from deblurbench.sources.online import text_of

PHOTOS = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff"))
"""How files of photos end. A file that does not say is taken for one."""
SMALL = 64
"""Pixels: what is declared to be less than this high and wide is an icon or a counter."""

_DRAWINGS = frozenset((".svg", ".svgz", ".gif", ".ico"))
_TYPES = frozenset(("", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/tiff"))  # of a `<source>`
# From the smallest file to the largest, as far as one can tell without loading them.
_SRC, _LAZY, _SRCSET, _FULL, _LINKED = range(5)
_SOURCES = {"src": _SRC, "data-src": _LAZY, "data-lazy-src": _LAZY, "data-original": _LAZY}
_FULL_SOURCES = {"data-big-src": _FULL, "data-orig-file": _FULL}  # of Pexels once, of WordPress
_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
_LENGTH = re.compile(r"\s*([0-9]{1,6})(?:\.[0-9]*)?\s*(?:px)?\s*")


class Picture(NamedTuple):
    """One picture that a page shows.

    Attributes:
        element: its `<img>` or `<meta>`.
        files: the addresses of its files, the largest first; empty where none is http or https.
        written: one as the page has it, where `files` is empty.
        title: from `alt` or `title`.
        page: where its link leads, if that is no picture.
        width, height: of the first file, in pixels, as stated; 0 where not.
    """

    element: Tag
    files: tuple[str, ...]
    written: str = ""
    title: str = ""
    page: str = ""
    width: int = 0
    height: int = 0


class _File(NamedTuple):
    """A file of a picture, and what it is compared by."""

    address: str
    written: str
    rank: int
    size: float = 0.0
    width: int = 0
    readable: bool = True


def is_badge(img: Tag) -> bool:
    """Whether an `<img>` stands in the link to a licence: it is the licence's sign."""
    return any("license" in words(element, "rel") for element in around(img) if element.name == "a")


def is_small(img: Tag) -> bool:
    """Whether an `<img>` is declared to be an icon."""
    return 0 < _length(img, "width") < SMALL and 0 < _length(img, "height") < SMALL


def find_pictures(tree: BeautifulSoup, base: str) -> list[Picture]:
    """The pictures that a page shows, in its order; some may be the same.

    Left out are drawings (SVG, GIF), what is part of the page itself (`data:`), signs of licences, and icons that lead
    to no larger picture.

    Args:
        base: what relative addresses stand on; empty where it is not known.
    """
    pictures = (_picture(img, base) for img in tree.find_all("img") if not is_badge(img))
    return [picture for picture in pictures if picture]


def named_pictures(tree: BeautifulSoup, base: str) -> list[Picture]:
    """What the page names for its previews: the pictures of Open Graph, else that of Twitter."""
    pictures: list[Picture] = []
    spare = []
    for meta in tree.find_all("meta"):
        name = (text_of(meta.attrs, "property") or text_of(meta.attrs, "name")).lower()
        content = text_of(meta.attrs, "content")
        if name in ("og:image", "og:image:url", "og:image:secure_url"):
            file = absolute(base, content)
            if pictures and name != "og:image" and file:
                pictures[-1] = pictures[-1]._replace(files=(file,), written="")
            elif content and suffix(file) not in _DRAWINGS:
                pictures.append(Picture(meta, (file,) if file else (), "" if file else content))
        elif name == "og:image:width" and pictures:
            pictures[-1] = pictures[-1]._replace(width=_length(meta, "content"))
        elif name == "og:image:height" and pictures:
            pictures[-1] = pictures[-1]._replace(height=_length(meta, "content"))
        elif name in ("twitter:image", "twitter:image:src"):
            spare.append(Picture(meta, tuple(filter(None, (absolute(base, content),)))))
    return pictures or [picture for picture in spare if picture.files and suffix(picture.files[0]) not in _DRAWINGS][:1]


def is_drawing(address: str) -> bool:
    """Whether a file is no photo by its name."""
    return suffix(address) in _DRAWINGS


def _picture(img: Tag, base: str) -> Picture | None:
    link = next((element for element in around(img) if element.name == "a" and element.get("href")), None)
    target = absolute(base, str(link["href"])) if link else ""
    files = list(_files(img, base))
    if target and suffix(target) in PHOTOS:
        files.append(_File(target, target, _LINKED))
        target = ""
    elif is_small(img):
        return None
    if not files:
        return None
    files.sort(key=lambda file: (bool(file.address), file.readable, file.rank, file.size), reverse=True)
    best = files[0]
    return Picture(
        element=img,
        files=tuple(dict.fromkeys(file.address for file in files if file.address)),
        written="" if best.address else best.written,
        title=text_of(img.attrs, "alt") or text_of(img.attrs, "title"),
        page=target,
        width=best.width,
    )


def _files(img: Tag, base: str) -> Iterator[_File]:
    """The files of an `<img>`, and of the `<source>`s of its `<picture>`."""
    for attribute, rank in (_SOURCES | _FULL_SOURCES).items():
        yield from _file(base, str(img.get(attribute, "")), rank)
    shown = max(_length(img, "width"), 1)
    sources = [img]
    if img.parent is not None and img.parent.name == "picture":
        sources += img.parent.find_all("source", recursive=False)
    for source in sources:
        readable = source is img or text_of(source.attrs, "type").lower() in _TYPES
        for attribute in _SETS:
            for candidate in parse_srcset(str(source.get(attribute, ""))):
                size = candidate.width or candidate.density * shown
                yield from _file(base, candidate.url, _SRCSET, size, candidate.width, readable)


def _file(
    base: str, written: str, rank: int, size: float = 0.0, width: int = 0, readable: bool = True
) -> Iterator[_File]:
    """The file of a reference; nothing where that is empty, a drawing, or part of the page."""
    written = written.strip()
    if not written or written[0] == "#" or written[:5].lower() == "data:":
        return
    address = absolute(base, written)
    ending = suffix(address or written)
    if ending not in _DRAWINGS:
        yield _File(address, written[:200], rank, size, width, readable and ending != ".avif")


def _length(element: Tag, attribute: str) -> int:
    """A length in pixels; 0 where it is none, or in other units."""
    match = _LENGTH.fullmatch(str(element.get(attribute, "")))
    return int(match[1]) if match else 0
