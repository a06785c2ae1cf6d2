"""Any page on the web that shows pictures, or one that was saved as an HTML file.

Which of its pictures are whose, and under which licence, is read from the page: schema.org descriptions (JSON-LD), then
`rel=license`, microdata and RDFa nearest to each picture, then what is said of the whole page. What the page states
always counts; the options `licence` and `author` are the user's word for what it does not state. A picture that nobody
states a licence for is refused, and so is one for which a page states several.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import quote

from pydantic import Field

from deblurbench.errors import FetchError, UsageError
from deblurbench.sources.html.address import absolute, site
from deblurbench.sources.online import Listing, OnlineSource, Search, Web

if TYPE_CHECKING:
    from deblurbench.sources.html.offers import Terms

_QUERY = "{query}"
_SAVED = "file:"
_PAGE = "#page="  # a cursor says which page of its search it is, in the place of a fragment


class Page(OnlineSource):
    """The pictures of gallery pages, on the web or saved, with what the pages state of their licence and author.

    Attributes:
        pages: addresses, or paths of saved `.html` files; `{query}` in an address stands for each query.
        select: a CSS selector: only the elements it matches count, and what lies in them; empty for the whole page.
        next: the CSS selector of the link to the next page; without it links with `rel=next` are followed. It must lead
            to the same site.
        base: the address that a saved file was saved from; its relative addresses stand on it.
        licence, author: of pictures whose page states none.
        max_pages: of one search.
    """

    source: ClassVar[str] = "page"
    pages: tuple[str, ...] = ()
    select: str = ""
    next: str = ""
    base: str = ""
    licence: str = ""
    author: str = ""
    max_pages: Annotated[int, Field(ge=1)] = 50

    def searches(self, queries: Sequence[str], licences: frozenset[str]) -> list[Search]:
        """One for each page, and for each query where its address has `{query}`.

        Raises: UsageError where there is no page, no query for `{query}` or no `{query}` for the queries, a page is no
            http(s) address and no file, or a selector is none.
        """
        if not self.pages:
            raise UsageError("no page to look at", "name one with --page URL, or --page FILE for a saved one")
        asking = [page for page in self.pages if _QUERY in page]
        if queries and not asking:
            raise UsageError("these pages take no queries", f"write {_QUERY} into --page where the words belong")
        if asking and not queries:
            raise UsageError(f"no query for {asking[0]}", "give the words with --query")
        _check_selector("--select", self.select)
        _check_selector("--next", self.next)
        if self.base and not absolute("", self.base):
            raise UsageError(f"--page-base {self.base!r} is no http or https address", "such as https://example.org/")
        searches = (_search(page, query) for page in self.pages for query in (queries if _QUERY in page else ("",)))
        return list(dict.fromkeys(searches))

    def listing(self, web: Web, cursor: str) -> Listing:
        """The pictures of one page.

        Raises: FetchError where the page cannot be had, is none, or `select` matches nothing in the first one;
            UsageError where a saved file cannot be read.
        """
        from deblurbench.sources.html.links import base_address, next_address, own_address
        from deblurbench.sources.html.offers import read_offers
        from deblurbench.sources.html.tree import parse_html

        number = 1
        if cursor.startswith(_SAVED):
            tree = parse_html(self._saved(cursor.removeprefix(_SAVED)))
            address = absolute("", self.base) or own_address(tree)
        else:
            asked, _, digits = cursor.partition(_PAGE)
            number = int(digits or 1)
            document = web.document(asked)
            address = absolute("", document.url)
            if number > 1 and site(address) != site(asked):  # the user's word on licences may not hold there
                raise FetchError(f"{asked} leads to another site", kind="redirects")
            tree = parse_html(document.html)
        base = base_address(tree, address)
        try:
            if self.select and number == 1 and tree.select_one(self.select) is None:
                raise FetchError(f"nothing on {address or cursor} matches {self.select!r}", kind="not-the-api")
            following = next_address(tree, address, base, self.next) if number < self.max_pages else ""
            offers = read_offers(tree, address, base, self.select, self._terms())
        except RecursionError as error:  # of a selector
            raise FetchError(f"{address or cursor} is nested too deeply", kind="not-the-api") from error
        return Listing(offers, f"{following}{_PAGE}{number + 1}" if following else "")

    def _terms(self) -> Terms:
        from deblurbench.sources.html.offers import Terms
        from deblurbench.sources.html.statements import licence_statement

        return Terms(licence_statement(self.licence), self.author)

    def _saved(self, path: str) -> str:
        """The text of a saved file, which must be one of `pages`."""
        from deblurbench.sources.html.charset import html_text
        from deblurbench.sources.html.tree import LONGEST

        file = Path(path)
        if path not in {str(Path(page).absolute()) for page in self.pages if not _is_address(page)}:
            raise UsageError(f"{path} is not one of the pages", "name it with --page")
        try:
            if file.stat().st_size > LONGEST:
                raise UsageError(f"{file} is larger than {LONGEST >> 20} MB", "it is no page of a gallery")
            return html_text(file.read_bytes())
        except OSError as error:
            raise UsageError(f"cannot read {file}", error.strerror or str(error)) from error


def _search(page: str, query: str) -> Search:
    """The search of one page, with a query in place of `{query}`."""
    if _is_address(page):
        address = absolute("", page.replace(_QUERY, quote(query, safe="")))
        if not address:
            shown = page.rpartition("@")[2]
            raise UsageError(f"{shown} cannot be asked", "give an http or https address, without name and password")
        return Search(query or site(address), address)
    file = Path(page)
    if not file.is_file():
        raise UsageError(f"no file {file}", "give the path of a saved page, or an address with https://")
    return Search(query or file.stem, _SAVED + str(file.absolute()))


def _is_address(page: str) -> bool:
    return "://" in page


def _check_selector(option: str, selector: str) -> None:
    if not selector:
        return
    import soupsieve

    try:
        soupsieve.compile(selector)
    except (soupsieve.SelectorSyntaxError, NotImplementedError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{option} {selector!r} is no CSS selector", reason) from error
