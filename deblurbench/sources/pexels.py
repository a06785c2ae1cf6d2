"""Pexels (pexels.com), through its API, for people who have its permission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from deblurbench.errors import UsageError
from deblurbench.sources.api import Address, ApiSource, at, link_of, total_of, turn_page
from deblurbench.sources.licences import OTHER
from deblurbench.sources.online import Listing, Offer, Quota, Web, count_of, text_of


class Pexels(ApiSource):
    """The search of Pexels; needs a key, and permission to collect photos for training or datasets.

    Attributes:
        api: the API's address; the key goes there and nowhere else.
        per_page: photos per page.
        orientation: any where empty.
        size: the least size, of 24, 12 and 4 megapixels; any where empty.
        src: which of a photo's files is loaded; all but the original are made smaller or cropped by Pexels.
    """

    source: ClassVar[str] = "pexels"
    results: ClassVar[str] = "photos"
    licences: ClassVar[str] = OTHER
    quotas: ClassVar[tuple[Quota, ...]] = (Quota(200, 3600), Quota(20_000, 30 * 24 * 3600))
    key_variable: ClassVar[str] = "DEBLURBENCH_PEXELS_KEY"
    key_required: ClassVar[bool] = True
    permission: ClassVar[str] = (
        '"you may not use the API to collect Pexels photos/videos or metadata at scale to train, fine-tune, evaluate, '
        'or otherwise develop ML/AI models or datasets, unless you have explicit permission" '
        "(help.pexels.com, article 900005880463)"
    )
    variable: ClassVar[str] = "DEBLURBENCH_PEXELS_API"

    api: Address = "https://api.pexels.com/v1/"
    per_page: Annotated[int, Field(ge=1, le=80)] = 80
    orientation: Literal["", "landscape", "portrait", "square"] = ""
    size: Literal["", "large", "medium", "small"] = ""
    src: Literal["original", "large2x", "large", "medium", "small", "portrait", "landscape", "tiny"] = "original"

    def first_page(self, words: str, licences: frozenset[str]) -> str:
        """The cursor of a search's first page: its URL. Raises UsageError where none of the licences occurs here."""
        if OTHER not in licences:
            raise UsageError("all photos of Pexels are under the Pexels License", f"ask for --licence {OTHER}")
        query: dict[str, str | int] = {
            "query": words.lower(),  # so that a cache knows it again
            "orientation": self.orientation,
            "size": self.size,
            "per_page": self.per_page,
            "page": 1,
        }
        return at(f"{self.api.rstrip('/')}/search", query)

    def listing(self, web: Web, cursor: str) -> Listing:
        """The page of a cursor. Raises FetchError.

        Whether there is another page is all that is believed of `next_page`: the key would go wherever it points.
        """
        answer = web.json(cursor)
        self.check_answer(answer, cursor)
        items, following = answer[self.results], turn_page(cursor)[1]
        more = bool(items and answer.get("next_page"))
        return Listing(self.offers(items, cursor), following if more else "", total_of(answer, "total_results"))

    def offer(self, item: Mapping[str, Any]) -> Offer:
        """One photo."""
        files = item.get("src")
        original = self.src == "original"
        return Offer(
            id=text_of(item, "id"),
            url=text_of(files, self.src) if isinstance(files, Mapping) else "",
            landing_page=link_of(item, "url"),
            title=text_of(item, "alt"),
            author=text_of(item, "photographer"),
            author_url=link_of(item, "photographer_url"),
            licence="Pexels License",
            licence_url="https://www.pexels.com/license/",
            width=count_of(item, "width") if original else 0,  # those of the original
            height=count_of(item, "height") if original else 0,
        )
