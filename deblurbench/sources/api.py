"""What the sources with a documented JSON API have in common: their address, their words, and how answers are read."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import AfterValidator

from deblurbench.errors import FetchError, UsageError
from deblurbench.sources.licences import read_licence
from deblurbench.sources.online import Offer, OnlineSource, Search, one_line, text_of

_LONGEST_QUERY = 200
_LONGEST_URL = 2000  # `text_of` cuts there
_MOST_ITEMS = 500  # of one answer; none is asked for more than 80
_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]\\]+)(:[0-9]{1,5})?(/[^\s?#]*)?")


def _check_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("the address of an API is an http or https URL without user, ? and #")
    return text


Address = Annotated[str, AfterValidator(_check_address)]
"""The address of an API, with or without a slash at its end."""


class ApiSource(OnlineSource):
    """The base of sources that are searched through a JSON API.

    Attributes:
        api: the API's address.
    """

    results: ClassVar[str]  # the key of the list in an answer
    api: Address

    @abstractmethod
    def first_page(self, words: str, licences: frozenset[str]) -> str:
        """The cursor of a search's first page: its URL. Raises UsageError where none of the licences occurs here."""

    @abstractmethod
    def offer(self, item: Mapping[str, Any]) -> Offer:
        """One item of a listing, as far as it is described; id and URL may be empty."""

    def searches(self, queries: Sequence[str], licences: frozenset[str]) -> list[Search]:
        """One search for each query; those that come to the same are one.

        Raises: UsageError where there is none, or one is empty or longer than 200 characters; see `first_page`.
        """
        if not queries:
            raise UsageError(f"{self.source} needs words to search for", "name them, such as --query nature")
        found: dict[str, Search] = {}
        for label in map(_checked, queries):
            cursor = self.first_page(label, licences)
            found.setdefault(cursor, Search(label, cursor))
        return list(found.values())

    def check_answer(self, answer: Any, url: str) -> None:
        """Raises FetchError where an answer is not an object with a list of results."""
        if not isinstance(answer, Mapping):
            raise self.not_the_api(_kind(answer), url)
        if not isinstance(answer.get(self.results), list):
            raise self.not_the_api(f"{_kind(answer.get(self.results))} for `{self.results}`", url)

    def not_the_api(self, got: str, url: str) -> FetchError:
        """The error for an answer that this API does not give: what was got from where."""
        hint = f"is {self.api} the API of {self.source}? {self.variable} sets its address"
        message = f"{url.partition('?')[0]} answers with {got} where a listing is due"
        return FetchError(message, hint, kind="not-the-api")

    def offers(self, items: Sequence[Any], cursor: str) -> tuple[Offer, ...]:
        """An offer for each of the first 500 items, in order; what cannot be used has a `problem`.

        A small answer may list millions of nothings, each of which would be remembered and reported.
        """
        return tuple(self._offer(item, f"{cursor}#{i}") for i, item in enumerate(items[:_MOST_ITEMS]))

    def _offer(self, item: Any, number: str) -> Offer:
        if not isinstance(item, Mapping):
            return Offer(id=number, url="", problem=f"is {_kind(item)} instead of the description of a photo")
        offer = self.offer(item)
        known = {
            "id": offer.id or number,
            "licence_url": offer.licence_url or read_licence(offer.licence).url,
            "problem": offer.problem or ("" if offer.id else "has no id") or _problem(offer.url),
        }
        return offer.model_copy(update=known)


def at(address: str, query: Mapping[str, str | int]) -> str:
    """A URL with a query; values that are empty are left out."""
    return f"{address}?{urlencode({key: value for key, value in query.items() if value != ''}, quote_via=quote)}"


def query_of(url: str) -> dict[str, str]:
    """The query of a URL that `at` made."""
    return dict(parse_qsl(urlsplit(url).query))


def turn_page(cursor: str) -> tuple[int, str]:
    """Which `page` a cursor is of, and the cursor of the next: we count, so that no answer sends us elsewhere."""
    query = query_of(cursor)
    page = query.get("page", "1")
    number = int(page) if page.isdecimal() and len(page) < 10 else 1
    return number, at(cursor.partition("?")[0], query | {"page": number + 1})


def is_web(url: str) -> bool:
    """Whether a text is an http or https URL with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def web_link(text: str) -> str:
    """A foreign text as a URL of the web, for people to follow; empty where it is none."""
    link = one_line(text)
    return link if is_web(link) and len(link) < _LONGEST_URL else ""


def link_of(values: Mapping[str, Any], key: str) -> str:
    """A value of a foreign JSON object as a `web_link`."""
    return web_link(text_of(values, key))


def total_of(values: Mapping[str, Any], key: str) -> int | None:
    """A value of a foreign JSON object as a number of photos; None where it is none."""
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else None


def _checked(query: str) -> str:
    words = one_line(query)
    if not words:
        raise UsageError("the words to search for are empty", "name what to look for, such as --query nature")
    if len(words) > _LONGEST_QUERY:
        raise UsageError(f"the query {words[:40]!r}... is too long", f"take at most {_LONGEST_QUERY} characters")
    return words


def _problem(url: str) -> str:
    if not url:
        return "has no address"
    if not is_web(url):
        return f"its address is no http or https URL: {url[:80]}"
    return "its address is cut off" if len(url) >= _LONGEST_URL else ""


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else "a text" if isinstance(value, str) else "a number"
