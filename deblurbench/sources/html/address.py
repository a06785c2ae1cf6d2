"""Addresses as pages write them, made whole: http or https, in ASCII, as they are asked for."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

LONGEST = 8000
"""Characters of an address, at most."""

_PORTS = {"http": 80, "https": 443}
_AROUND = "".join(map(chr, range(33)))
_BREAKS = re.compile(r"[\t\r\n]")
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # what `requests` sends as it is
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def absolute(base: str, text: str) -> str:
    """The address that a reference stands for, without its fragment.

    Args:
        base: the address of the page; empty where it is not known.
        text: as the page has it, relative or not; any text at all.

    Returns: empty where it is not http or https, is broken, too long, or holds a user name or password.
    """
    text = _BREAKS.sub("", text.strip(_AROUND))
    if len(text) > LONGEST:
        return ""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no halves of characters
    path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    try:
        parts = urlsplit(urljoin(base, path.replace("\\", "/") + mark + rest))
        host = _host(parts.hostname or "")
        port = parts.port
    except ValueError:  # of an unclosed bracket, a port of letters, ...
        return ""
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return ""
    place = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    query = f"?{_ascii(parts.query)}" if parts.query else ""
    return f"{parts.scheme}://{place}{_ascii(parts.path) or '/'}{query}"


def site(address: str) -> str:
    """The host and port of an http or https address, without `www.`; empty for an empty one."""
    return urlsplit(address).netloc.removeprefix("www.")


def suffix(address: str) -> str:
    """How the file of an address ends, in lower case, such as `.jpg`; empty where it does not say.

    `File:Cat.jpg` has none: it is how wikis call the page about a file.
    """
    name = address.partition("?")[0].rpartition("/")[2]
    ending = name.rpartition(".")[2].lower()
    return f".{ending}" if "." in name and ":" not in name.replace("%3A", ":") else ""


def _host(host: str) -> str:
    if not host.isascii() and len(host) < 256:
        host = host.encode("idna").decode()  # UnicodeError is a ValueError
    host = f"[{host}]" if ":" in host else host
    return host if _HOST.fullmatch(host) else ""


def _ascii(text: str) -> str:
    return quote(text, safe=_KEPT)
