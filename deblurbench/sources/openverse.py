"""Openverse (openverse.org): openly licensed photos of many collections, each with its licence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from deblurbench.errors import FetchError, UsageError
from deblurbench.sources.api import Address, ApiSource, at, link_of, total_of, turn_page
from deblurbench.sources.licences import CLASSES, OTHER, UNKNOWN
from deblurbench.sources.online import Listing, Offer, Quota, Web, count_of, text_of

_LICENCES = tuple(name for name in CLASSES if name not in (OTHER, UNKNOWN))
_NAMES = {"": "", "cc0": "CC0", "pdm": "PDM"}
_PHOTOS = ("", "jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp")
_DEPTH = 240  # results of one search that the API shows to whoever has no account, on whatever pages
_NO_PAGE = ("http-400", "http-401", "http-404")  # what it says of a page that is too deep, or past the last


class Openverse(ApiSource):
    """The search of Openverse; needs no key. A search shows 240 photos at most: take several `--query`.

    Attributes:
        api: the API's address.
        page_size: photos per page; more than 20 are for accounts only.
        category: what is looked for; all pictures where empty.
        size: how large they are; any where empty.
    """

    source: ClassVar[str] = "openverse"
    results: ClassVar[str] = "results"
    quotas: ClassVar[tuple[Quota, ...]] = (Quota(20, 60), Quota(200, 24 * 3600))  # per address, without an account
    variable: ClassVar[str] = "DEBLURBENCH_OPENVERSE_API"

    api: Address = "https://api.openverse.org/v1/"
    page_size: Annotated[int, Field(ge=1, le=20)] = 20
    category: Literal["", "photograph", "illustration", "digitized_artwork"] = "photograph"
    size: Literal["", "small", "medium", "large"] = ""

    def first_page(self, words: str, licences: frozenset[str]) -> str:
        """The cursor of a search's first page: its URL. Raises UsageError where none of the licences occurs here."""
        wanted = [name for name in _LICENCES if name in licences]
        if not wanted:
            asked = ", ".join(sorted(licences))
            raise UsageError(f"Openverse has no photos of licence {asked}", f"it has {', '.join(_LICENCES)}")
        query: dict[str, str | int] = {
            "q": words,
            "license": ",".join(wanted),
            "category": self.category,
            "size": self.size,
            "mature": "false",
            "page_size": self.page_size,
            "page": 1,
        }
        return at(f"{self.api.rstrip('/')}/images/", query)

    def limits(self) -> tuple[Quota, ...]:
        """Those of Openverse itself; a copy elsewhere has its own."""
        return self.quotas if self.api == type(self).model_fields["api"].default else ()

    def listing(self, web: Web, cursor: str) -> Listing:
        """The page of a cursor; past the last that the API shows, an empty one. Raises FetchError."""
        page, following = turn_page(cursor)
        try:
            answer = web.json(cursor)
        except FetchError as error:
            if page > 1 and error.kind in _NO_PAGE:
                return Listing(())
            raise
        self.check_answer(answer, cursor)
        items, pages = answer[self.results], count_of(answer, "page_count")
        more = (page < pages if pages else bool(items)) and (page + 1) * self.page_size <= _DEPTH
        return Listing(self.offers(items, cursor), following if more else "", total_of(answer, "result_count"))

    def offer(self, item: Mapping[str, Any]) -> Offer:
        """One result."""
        filetype = text_of(item, "filetype").lower()
        problem = "" if filetype in _PHOTOS else f"is of file type {filetype}, which is no photo's"
        return Offer(
            id=text_of(item, "id"),
            url=text_of(item, "url"),
            landing_page=link_of(item, "foreign_landing_url"),
            title=text_of(item, "title"),
            author=text_of(item, "creator"),
            author_url=link_of(item, "creator_url"),
            licence=_licence(item) or link_of(item, "license_url"),
            licence_url=link_of(item, "license_url"),
            width=count_of(item, "width"),
            height=count_of(item, "height"),
            problem="is marked as mature" if item.get("mature") else problem,
        )


def _licence(item: Mapping[str, Any]) -> str:
    """A licence as people write it: `by` and `2.0` make `CC BY 2.0`."""
    code = text_of(item, "license").lower()
    name = _NAMES.get(code, f"CC {code.upper()}")
    return f"{name} {text_of(item, 'license_version')}".strip() if name else ""
