"""Which addresses may be connected to: those of the public internet, and those that the user allows.

A URL may come from anybody. Without this, a listing could make us ask a router, a cloud's metadata service or a
database of the network that we run in. Names are looked at again when they are connected to, since what they resolve to
may change in between.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web.urls import WEB_PORTS, Site, site_of

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Blocks that not every version of `ipaddress` knows to be set aside; the last is a cloud's own (Azure's WireServer).
_RESERVED = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "3fff::/20", "168.63.129.16/32"))
)
_FIRST_FREE = 1024  # of the ports below, all but those of the web are of mail, shells and the like
_ALLOWED = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-f]*(?::[0-9a-f.]*){2,}|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
# Names of local networks, which a proxy may know though we do not (RFC 6761, 6762, 8375; ICANN for the third).
_LOCAL = re.compile(r"[^.:]*|.*\.(localhost|local|internal|home\.arpa)")
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")  # no top-level domain looks like this


class Address(NamedTuple):
    """A resolved address: what `socket.socket` and `connect` take."""

    family: socket.AddressFamily
    address: Any


class Addresses:
    """Decides what may be connected to. Thread-safe.

    Args:
        allow_hosts: `host` (all its ports) or `host:port`, as URLs spell them; these may be private.

    Raises: UsageError where one of them is none.
    """

    def __init__(self, allow_hosts: Iterable[str] = ()) -> None:
        self._allowed = frozenset(map(_allowed, allow_hosts))
        self._passed: set[Site] = set()

    def check_url(self, url: str) -> None:
        """Look at a URL's host, and once at what its name resolves to. A name that does not resolve passes: whoever
        connects to it will say so, and where a proxy does, it may know the name.

        Raises: FetchError of kind `address`.
        """
        site = site_of(url)
        if site in self._passed or self._is_allowed(site.host, site.port):
            return
        try:
            self.resolve(site.host, site.port)
        except OSError:
            return
        self._passed.add(site)

    def resolve(self, host: str, port: int, *, trusted: bool = False) -> list[Address]:
        """All addresses of a host, none of which is private unless the host is allowed or `trusted`.

        Raises: FetchError of kind `address`; OSError where the name does not resolve.
        """
        allowed = trusted or self._is_allowed(host, port)
        if not allowed and _is_odd(host):
            raise _refusal(host, port, "is an odd spelling of an address")
        if not allowed and _LOCAL.fullmatch(host):
            raise _refusal(host, port, "is a name of a local network")
        if not allowed and port < _FIRST_FREE and port not in WEB_PORTS:
            raise _refusal(host, port, "is not asked, as that is no port of the web")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that is empty or too long
            raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
        for *_, address in found:
            if not allowed and not is_public(str(address[0])):
                meant = "is" if address[0] == host else f"leads to {address[0]},"
                raise _refusal(host, port, f"{meant} a private or reserved address")
        return [Address(family, address) for family, *_, address in found]

    def _is_allowed(self, host: str, port: int) -> bool:
        host = _one_spelling(host)
        return not self._allowed.isdisjoint(((host, None), (host, port)))


def _allowed(text: str) -> tuple[str, int | None]:
    """The host and the port (None: any) of an `--allow-host`."""
    match = _ALLOWED.fullmatch(text.strip().lower())
    host = match[1].strip("[].") if match else ""
    if not match or not host:
        raise UsageError(f"--allow-host {text!r} is no host", "such as localhost, 127.0.0.1:8000 or [::1]:8000")
    return _one_spelling(host), int(match[2]) if match[2] else None


def _one_spelling(host: str) -> str:
    """An IPv6 address in its short form; any other host as it is."""
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        return host


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; IPv6 addresses that stand for IPv4 ones are as those are."""
    ip = ipaddress.ip_address(address)
    inner = _inner(ip)
    if inner is not None:
        return is_public(str(inner))
    # Multicast, site-local and some reserved blocks are global for `ipaddress`.
    special = ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False)
    return ip.is_global and not special and not any(ip in network for network in _RESERVED)


def _inner(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4 or NAT64."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _is_odd(host: str) -> bool:
    """Whether a host is a number, yet no address as it is written: 2130706433, 0x7f.1, 127.1, 0177.0.0.1."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2].lower()) is not None
    return False


def _refusal(host: str, port: int, what: str) -> FetchError:
    hint = f"if it is yours, allow it with --allow-host {f'[{host}]' if ':' in host else host}:{port}"
    return FetchError(f"{host} (port {port}) {what}", hint, kind="address")
