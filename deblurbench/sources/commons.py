"""Wikimedia Commons (commons.wikimedia.org): freely licensed files, described by volunteers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urljoin

from pydantic import Field

from deblurbench.errors import FetchError
from deblurbench.sources.api import Address, ApiSource, at, link_of, query_of, web_link
from deblurbench.sources.online import Listing, Offer, Web, count_of, one_line, text_of

_PHOTOS = ("image/jpeg", "image/png", "image/webp", "image/tiff")
_BUSY = ("maxlag", "readonly", "cirrussearch-too-busy-error", "cirrussearch-backend-error")
_CONTINUE = re.compile(r"[a-z]*(continue|offset)")
_NOBODY = {
    *("", "unknown", "anonymous", "none", "n a", "unidentified", "not known", "not stated", "not provided"),
    *("unknown author", "unknown artist", "unknown photographer", "unknown creator", "author unknown"),
    *("anonymous author", "unidentified author", "unidentified photographer", "author not stated", "see below"),
}
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_LONGEST_HTML = 10_000  # reading hostile HTML takes the square of its length
_ASKED = ("Artist", "Attribution", "LicenseShortName", "LicenseUrl", "NonFree", "Restrictions", "DeletionReason")


class Commons(ApiSource):
    """The search of Wikimedia Commons; needs no key, but a User-Agent with a contact.

    Attributes:
        api: the API's address.
        width: of what is loaded, in pixels: wider files are taken as Wikimedia scales (and slightly sharpens) them;
            0 for the files as they were uploaded. Other widths than Wikimedia's own are refused there.
        page_size: files per page.
    """

    source: ClassVar[str] = "commons"
    results: ClassVar[str] = "pages"
    needs_contact: ClassVar[bool] = True
    variable: ClassVar[str] = "DEBLURBENCH_COMMONS_API"

    api: Address = "https://commons.wikimedia.org/w/api.php"
    width: Literal[0, 500, 960, 1280, 1920, 3840] = 1920
    page_size: Annotated[int, Field(ge=1, le=50)] = 50

    def first_page(self, words: str, licences: frozenset[str]) -> str:
        """The cursor of a search's first page: its URL. The search cannot filter by licence."""
        query: dict[str, str | int] = {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "maxlag": 5,
            "generator": "search",
            "gsrsearch": f"filetype:bitmap {words}",
            "gsrnamespace": 6,
            "gsrlimit": self.page_size,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|sha1|extmetadata",
            "iiextmetadatafilter": "|".join(_ASKED),
            "iiurlwidth": self.width or "",
        }
        return at(self.api.rstrip("/"), query)

    def check_answer(self, answer: Any, url: str) -> None:
        """Raises FetchError where an answer is an error, or no result of a query; errors come with HTTP status 200."""
        if isinstance(answer, Mapping):
            if isinstance(answer.get("error"), Mapping):
                raise _refusal(answer["error"], url)
            if "query" not in answer and answer.keys() & {"batchcomplete", "continue"}:
                return  # nothing found
            answer = answer.get("query")
        super().check_answer(answer, url)

    def listing(self, web: Web, cursor: str) -> Listing:
        """The page of a cursor. Raises FetchError."""
        answer = web.json(cursor)
        self.check_answer(answer, cursor)
        following = _continued(cursor, answer.get("continue"))
        pages = answer["query"][self.results] if "query" in answer else []
        if "iicontinue" in query_of(following):
            pages = [page for page in pages if not _comes_again(page)]
        return Listing(self.offers(sorted(pages, key=_rank), cursor), following)

    def offer(self, item: Mapping[str, Any]) -> Offer:
        """One file page."""
        infos = item.get("imageinfo")
        info = infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], Mapping) else {}
        known = info.get("extmetadata")
        metadata = known if isinstance(known, Mapping) else {}
        scaled = 0 < self.width < count_of(info, "width") and bool(text_of(info, "thumburl"))
        author, author_url = _author(metadata, self.api)
        return Offer(
            id=text_of(item, "pageid"),
            url=text_of(info, "thumburl" if scaled else "url"),
            landing_page=link_of(info, "descriptionurl"),
            title=text_of(item, "title").removeprefix("File:"),
            author=author,
            author_url=author_url,
            licence=one_line(_value(metadata, "LicenseShortName")),
            licence_url=_joined(self.api, _value(metadata, "LicenseUrl")),
            width=count_of(info, "thumbwidth" if scaled else "width"),
            height=count_of(info, "thumbheight" if scaled else "height"),
            sha1="" if scaled else _sha1(info),
            problem=_problem(info, metadata),
        )


def _refusal(error: Mapping[str, Any], url: str) -> FetchError:
    code, info = text_of(error, "code"), text_of(error, "info")[:200]
    where = url.partition("?")[0]
    if code == "ratelimited" or code in _BUSY or code.startswith("internal_api_error"):
        kind = "http-429" if code == "ratelimited" else "http-503"
        return FetchError(f"{where} is too busy ({code}): {info}", "try again later", kind=kind, passing=True)
    hint = "change the query, or the address of the API"
    return FetchError(f"{where} answers with the error {code}: {info}", hint, kind="not-the-api")


def _continued(cursor: str, values: Any) -> str:
    """The cursor of the next page; empty where there is none. Nothing but where to go on is taken from an answer."""
    if not isinstance(values, Mapping):
        return ""
    further = {key: text_of(values, key) for key in values if _CONTINUE.fullmatch(key)}
    query = {key: value for key, value in query_of(cursor).items() if not _CONTINUE.fullmatch(key)}
    following = at(cursor.partition("?")[0], query | further) if any(further.values()) else ""
    return following if following != cursor else ""


def _comes_again(page: Any) -> bool:
    """Whether a page is listed without its file: of what is too much for one answer, the rest comes in the next."""
    return isinstance(page, Mapping) and "imageinfo" not in page and not page.get("missing")


def _rank(page: Any) -> int:
    return (count_of(page, "index") if isinstance(page, Mapping) else 0) or 1 << 31


def _sha1(info: Mapping[str, Any]) -> str:
    sha1 = text_of(info, "sha1").lower()
    return sha1 if re.fullmatch(r"[0-9a-f]{40}", sha1) else ""


def _problem(info: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    kind, limits = text_of(info, "mime"), metadata.get("Restrictions")
    if "NonFree" in metadata:
        return "is not free"
    if "DeletionReason" in metadata:
        return "is up for deletion"
    if limits and not (isinstance(limits, Mapping) and limits.get("value") in ("", None)):
        return f"is restricted beyond its licence: {one_line(_value(metadata, 'Restrictions'))[:80] or 'see its page'}"
    return "" if not info or kind in _PHOTOS else f"is of type {kind or 'unknown'}, which is no photo's"


def _value(metadata: Mapping[str, Any], key: str) -> str:
    """A value of `extmetadata`, whose texts may be HTML; empty where it is no text."""
    entry = metadata.get(key)
    value = entry.get("value") if isinstance(entry, Mapping) else None
    return value[:_LONGEST_HTML] if isinstance(value, str) else ""


def _author(metadata: Mapping[str, Any], base: str) -> tuple[str, str]:
    """Who made a file, and where they are found; failing that, whom they say to name; empty where nobody knows."""
    for key in ("Artist", "Attribution"):
        text, link = _plain(_value(metadata, key), base)
        if " ".join(re.findall(r"\w+", text.lower())) not in _NOBODY:
            return text, link
    return "", ""


def _plain(html: str, base: str) -> tuple[str, str]:
    """The text of HTML that people see, and its first link to the web."""
    from bs4 import BeautifulSoup, ParserRejectedMarkup

    try:
        soup = BeautifulSoup(f"<div>{html}", "html.parser")  # a tag first: else it warns of what looks like a file
    except ParserRejectedMarkup:
        return "", ""
    for hidden in soup.find_all(["style", "script"]) + soup.find_all(style=_HIDDEN):
        hidden.extract()
    for block in soup.find_all(["br", "p", "div", "li", "td", "dd"]):
        block.insert_after(" ")
    links = (_joined(base, str(anchor["href"])) for anchor in soup.find_all("a", href=True))
    return one_line(soup.get_text()), next(filter(None, links), "")


def _joined(base: str, href: str) -> str:
    try:
        return web_link(urljoin(base, href)) if href else ""
    except ValueError:
        return ""
