"""What an online source of photos is: it lists what there is to a search, and says of each photo whose it is.

It only reads listings, through a `Web` that is given to it and that has all the manners (see `deblurbench.fetch`); what
it offers is loaded, checked and kept by `deblurbench fetch`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import field_validator

from deblurbench.config import Config

_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], " ")


class Offer(Config):
    """A photo as a source lists it, before anything of it is loaded. All texts are the source's: trust none.

    Attributes:
        id: what the source calls it; the same photo has the same id on every page of its listings.
        url: of the file; http or https.
        landing_page: where people look at it.
        title, author, author_url: empty where not stated.
        licence: with its version, such as `CC BY 2.0`; empty where not stated.
        licence_url: where its text is.
        width, height: in pixels as stated; 0 where not stated.
        sha1: hex, of the file, where stated.
        problem: why it cannot be used, where its listing alone tells.
    """

    id: str
    url: str
    landing_page: str = ""
    title: str = ""
    author: str = ""
    author_url: str = ""
    licence: str = ""
    licence_url: str = ""
    width: int = 0
    height: int = 0
    sha1: str = ""
    problem: str = ""

    @field_validator("*")
    @classmethod
    def _without_halves(cls, value: Any) -> Any:
        """Halves of characters can be written as JSON, but not read again."""
        return value.encode("utf-8", errors="replace").decode("utf-8") if isinstance(value, str) else value


class Listing(NamedTuple):
    """One page of a search.

    Attributes:
        offers: in the source's order; may repeat those of earlier pages.
        next: the cursor of the next page; empty on the last.
        total: how many photos the source says there are; None where it does not.
    """

    offers: tuple[Offer, ...]
    next: str = ""
    total: int | None = None


class Search(NamedTuple):
    """One search: what people call it (its photos' folder has this name), and the cursor of its first page."""

    label: str
    cursor: str


class Quota(NamedTuple):
    """How many requests a source allows in so many seconds."""

    requests: int
    seconds: int


class Document(NamedTuple):
    """A web page: its address after all redirects, and its text."""

    url: str
    html: str


class Web(Protocol):
    """What a source asks through. Every call waits for its turn, and tries again what failed in passing."""

    def json(self, url: str) -> Any:
        """The JSON value that a documented API answers with; the key goes along where the source has one.

        Raises: FetchError.
        """

    def document(self, url: str) -> Document:
        """A web page, where its site lets robots read it and does not reserve it. Raises FetchError."""


class OnlineSource(Config):
    """The base of the `deblurbench.sources` plug-ins that `deblurbench fetch` asks. Its fields are its settings.

    Class attributes:
        source: its name.
        licences: what `--licence` is where it is not given.
        quotas: of its API, per key.
        key_variable: the environment variable of its key; empty where it needs none.
        key_required: whether it does not answer without.
        key_header: the request header that carries the key.
        needs_contact: whether it wants to know how whoever asks is reached.
        permission: the source's own rule that a user must have permission to pass over; empty where there is none.
        variable: the environment variable that sets `api`, empty where there is no API.
    """

    source: ClassVar[str]
    licences: ClassVar[str] = "cc0,pdm,by"
    quotas: ClassVar[tuple[Quota, ...]] = ()
    key_variable: ClassVar[str] = ""
    key_required: ClassVar[bool] = False
    key_header: ClassVar[str] = "Authorization"
    needs_contact: ClassVar[bool] = False
    permission: ClassVar[str] = ""
    variable: ClassVar[str] = ""

    @abstractmethod
    def searches(self, queries: Sequence[str], licences: frozenset[str]) -> list[Search]:
        """The searches for some words, in their order.

        Args:
            queries: as the user typed them.
            licences: the licence classes that are wanted, for sources that can filter by them.

        Raises: UsageError where they make no sense to this source.
        """

    @abstractmethod
    def listing(self, web: Web, cursor: str) -> Listing:
        """The page of a cursor. Listed photos that cannot be used have a `problem`, and hide no other.

        Raises: FetchError where the site does not answer, or not with a listing.
        """

    def limits(self) -> tuple[Quota, ...]:
        """The quotas that hold for it as it is set."""
        return self.quotas

    def check_answer(self, answer: Any, url: str) -> None:
        """Raises FetchError where a JSON answer of HTTP status 200 is no listing, but an error, say.

        Whoever asks calls it first: what fails in passing is asked again, and nothing that is refused is remembered.
        """


def text_of(values: Mapping[str, Any], key: str) -> str:
    """A value of a foreign JSON object as one line of text; empty where it is missing, null or no text or number."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return one_line(str(value))


def one_line(text: str) -> str:
    """A foreign text as one line of at most 2,000 characters, without control characters and halves of characters."""
    return " ".join(text.encode("utf-8", errors="replace").decode("utf-8").translate(_CONTROLS).split())[:2000]


def count_of(values: Mapping[str, Any], key: str) -> int:
    """A value of a foreign JSON object as a count; 0 where it is none."""
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31 else 0
