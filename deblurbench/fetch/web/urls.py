"""URLs as they are asked for, compared and shown."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from requests import Request
from requests.exceptions import RequestException

from deblurbench.errors import FetchError

_PORTS = {"http": 80, "https": 443}
WEB_PORTS = tuple(_PORTS.values())
"""Those of http and https; of one name, they are of one machine."""

_LONGEST_SHOWN = 100
_HOST = re.compile("[a-z0-9._-]+|[0-9a-f:.]+")  # as it is sent: no zone of an IPv6 address, nothing escaped
_PASSES = 3  # over a URL, for what an escape hides from the first of them


class Site(NamedTuple):
    """Who answers for a URL: `host` in lower case, without brackets and the dot at its end."""

    scheme: str
    host: str
    port: int


def normal(url: str) -> str:
    """A URL exactly as it is sent, so that what is checked is what is asked for; without fragment.

    Raises: FetchError of kind `scheme` where it is not http or https, `no-url` where it is no URL or holds a password.
    """
    try:
        scheme = urlsplit(url.strip()).scheme
        if scheme not in _PORTS:
            known = f"a {printable(scheme)}: address" if scheme else "no address"
            raise FetchError(f"{shown(url)} is {known} of the web", "only http and https are asked", kind="scheme")
        parts = urlsplit(_sent(url.strip()))
        _ = parts.port  # raises where it is none
    except (RequestException, ValueError) as error:  # ValueError: brackets, ports, halves of characters
        raise FetchError(f"{shown(url)} is no address of the web", "it is misspelt", kind="no-url") from error
    if parts.username is not None or parts.password is not None:
        raise FetchError(f"{shown(url)} carries a name or password", "such addresses are not asked", kind="no-url")
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise FetchError(f"{shown(url)} names no host", "it is misspelt", kind="no-url")
    return parts._replace(path="/" + parts.path.lstrip("/"), fragment="").geturl()


def _sent(url: str) -> str:
    """What `requests` makes of a URL in the end: `/%2e%2e/` is first `/../`, and then nothing."""
    for _ in range(_PASSES):
        url = Request("GET", url).prepare().url or ""
    return url


def joined(base: str, reference: str) -> str:
    """Where a reference in the answer of `base` leads, as `normal` gives it. Raises FetchError."""
    try:
        return normal(urljoin(base, reference))
    except ValueError as error:
        raise FetchError(f"{shown(base)} leads to no address of the web", "it is misspelt", kind="no-url") from error


def site_of(url: str) -> Site:
    """Who answers for a URL. Raises ValueError where it is none."""
    parts = urlsplit(url)
    return Site(parts.scheme, (parts.hostname or "").rstrip("."), _port(parts))


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)


def shown(url: str) -> str:
    """A URL for messages: without user, query and control characters, any of which may be secret or hostile."""
    start, question, _ = url.partition("#")[0].partition("?")
    scheme, slashes, rest = start.rpartition("://")
    host, slash, path = rest.partition("/")
    text = printable(f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}{question and '?...'}")
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def printable(text: str) -> str:
    """Foreign text for a message: nothing in it moves the cursor of a terminal, or turns the text around."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
