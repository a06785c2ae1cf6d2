"""A page as a tree: Beautiful Soup's, with the end tags that HTML lets authors leave out, and within bounds.

Beautiful Soup's own reader of `html.parser` events nests `<li>one<li>two` instead of closing the first, so that what
is said of one picture would seem to be said of all that follow; and its work grows with the square of the number of
`<img>` on a page. So the events are read here; its tree and its selectors are used as they are.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from html.entities import html5
from html.parser import HTMLParser
from itertools import islice
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.builder._htmlparser import HTMLParserTreeBuilder
from bs4.element import NavigableString

from deblurbench.errors import FetchError

LONGEST = 20 << 20
"""Characters of a page, or bytes of a saved one, that are read at most."""
DEEPEST = 1000
"""Elements within each other, at most; browsers stop at about 500."""
MOST = 200_000
"""Elements of a page, at most: each takes more than a kilobyte of memory, and all may stand in a thousand others."""

_SECONDS = 120.0  # a sound page takes a few; html.parser may take the square of the length over a broken one
_BLOCKS = frozenset(
    """
    address article aside blockquote center details dialog dir div dl dd dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary
    table ul
    """.split()  # noqa: SIM905
)
_CELLS = frozenset(("td", "th", "caption", "table", "button", "object", "template"))
# What a start tag ends, unless one of the second stands between them (HTML standard, 13.1.2.4 and 13.2.6.4).
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    **dict.fromkeys(_BLOCKS, (frozenset(("p",)), _CELLS)),
    "li": (frozenset(("li", "p")), frozenset(("ul", "ol", "menu", "dir")) | _CELLS),
    "dt": (frozenset(("dt", "dd", "p")), frozenset(("dl",)) | _CELLS),
    "dd": (frozenset(("dt", "dd", "p")), frozenset(("dl",)) | _CELLS),
    "td": (frozenset(("td", "th")), frozenset(("tr", "table"))),
    "th": (frozenset(("td", "th")), frozenset(("tr", "table"))),
    "tr": (frozenset(("tr", "td", "th")), frozenset(("table",))),
    **dict.fromkeys(
        ("tbody", "thead", "tfoot"),
        (frozenset(("tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup")), frozenset(("table",))),
    ),
    "a": (frozenset(("a",)), _BLOCKS),  # a block between them stays whole, as browsers keep it
    "option": (frozenset(("option",)), frozenset(("select",))),
}
# Scripts stay as they are. Elsewhere comments go, and so do numbers of no character; `<![` of any kind is a comment up
# to `>`, as in browsers; and `&section=3` is no `&sect` (HTML standard, 13.2.5.73), which would spoil addresses.
_FIXES = re.compile(
    r"<(?P<code>script|style)\b.*?(?:</(?P=code)|\Z)|(?P<gone><!--(?:-?>|.*?(?:--!?>|\Z))|&#\w{12,}+;?)|(?P<marked><!\[)"
    r"|&(?P<name>[a-z][a-z0-9]*+)(?!;)(?P<equals>=?)",
    re.IGNORECASE | re.DOTALL,
)


def parse_html(html: str) -> BeautifulSoup:
    """The tree of a page.

    Raises: FetchError (`too-many-bytes` or `not-the-api`) where it is too long, has too many elements, is nested too
        deeply, or is too broken to be read in a few minutes.
    """
    if len(html) > LONGEST:
        raise FetchError(f"a page of {len(html):,} characters", "it is no gallery", kind="too-many-bytes")
    builder = _Builder(
        multi_valued_attributes=None, preserve_whitespace_tags=set(), string_containers={}, store_line_numbers=False
    )
    end = html.rfind(">") + 1  # html.parser takes the square of the length over tags that do not end
    return BeautifulSoup(_FIXES.sub(_fix, html[:end]) + "\n", builder=builder)


def around(element: Tag) -> Iterator[Tag]:
    """The elements around an element, from its parent outwards to the whole page."""
    parent = element.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def words(element: Tag, attribute: str) -> set[str]:
    """The words of an attribute such as `rel`, in lower case."""
    return set(str(element.get(attribute, "")).lower().split())


def inner_text(element: Tag) -> str:
    """The text in an element, up to its first few hundred parts."""
    parts = islice(element.descendants, 300)
    texts = (str(part) for part in parts if isinstance(part, NavigableString) and not _is_code(part.parent))
    return " ".join(" ".join(texts).split())[:300]


def _is_code(parent: Tag | None) -> bool:
    return parent is not None and parent.name in ("script", "style")


def _fix(match: re.Match[str]) -> str:
    if match["gone"]:
        return ""
    if match["marked"]:
        return "<?["
    name = match["name"]
    if name and (match["equals"] or name not in html5):
        return f"&amp;{match[0][1:]}"
    return match[0]


class _Builder(HTMLParserTreeBuilder):
    """Reads the events of `html.parser` with `_Reader`."""

    def feed(self, markup: Any, *_: Any) -> None:
        reader = _Reader(self.soup)
        try:
            reader.feed(markup)
            reader.close()
        except AssertionError as error:  # its way of giving up
            raise FetchError("a page that is no HTML", str(error), kind="not-the-api") from error


class _Reader(HTMLParser):
    """Makes elements of start tags, end tags and texts; comments and declarations are left out."""

    def __init__(self, soup: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.soup = soup
        self.void = soup.builder.empty_element_tags
        self.open: list[str] = []
        self.counts: Counter[str] = Counter()
        self.left = MOST
        self.until = time.monotonic() + _SECONDS

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check_time()
        if tag in _ENDS:
            self._end_before(*_ENDS[tag])
        first = {name: value or "" for name, value in reversed(attrs)}  # of several of one name, the first counts
        self.soup.handle_starttag(tag, None, None, first)
        self.open.append(tag)
        self.counts[tag] += 1
        self.left -= 1
        if self.left < 0:
            raise FetchError(f"a page of more than {MOST:,} elements", "it is no gallery", kind="too-many-bytes")
        if tag in self.void:
            self.handle_endtag(tag)
        elif len(self.open) > DEEPEST:
            raise FetchError(f"a page of more than {DEEPEST} elements within each other", kind="not-the-api")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.counts[tag]:
            self.soup.handle_endtag(tag)
            while True:
                ended = self.open.pop()
                self.counts[ended] -= 1
                if ended == tag:
                    return

    def handle_data(self, data: str) -> None:
        self._check_time()
        self.soup.handle_data(data)

    def _end_before(self, ended: Iterable[str], walls: frozenset[str]) -> None:
        """End the outermost open element of `ended` that no wall stands before, with all that is in it."""
        if not any(self.counts[name] for name in ended):
            return
        outermost = None
        for place in range(len(self.open) - 1, -1, -1):
            name = self.open[place]
            if name in ended:
                outermost = place
            elif name in walls:
                break
        while outermost is not None and len(self.open) > outermost:
            self.handle_endtag(self.open[-1])

    def _check_time(self) -> None:
        if time.monotonic() > self.until:
            raise FetchError("a page that is too broken to be read in time", kind="not-the-api")
