"""Connections that look whom they connect to, and that can be cut."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from deblurbench.fetch.web.addresses import Addresses
from deblurbench.fetch.web.watch import Watch

_NAME = re.compile("[A-Za-z0-9-]+")  # of a header


def guarded_pools(addresses: Addresses, watch: Watch) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme, for urllib3's pool managers.

    Args:
        addresses: decides about every address just before it is connected to, unless it is a proxy's.
        watch: is told of every socket.
    """

    class _Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, addresses, watch)

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:  # it is used once more
                watch.hold(self.sock)
            super().request(*args, **kwargs)

        def getresponse(self) -> Any:
            line = self.sock
            try:
                return _whole_head(super().getresponse())
            except HTTPError:  # a head that makes no sense would keep the socket open
                with suppress(OSError):
                    socket.close(line.detach())
                raise

    class _Secure(_Plain, HTTPSConnection):
        pass

    class _PlainPool(HTTPConnectionPool):
        ConnectionCls = _Plain

    class _SecurePool(HTTPSConnectionPool):
        ConnectionCls = _Secure

    return {"http": _PlainPool, "https": _SecurePool}


def _whole_head(response: Any) -> Any:
    """With the header lines after one that is none: Python takes them for a body, browsers do not; opt-outs count."""
    rest = response._original_response.msg.get_payload()
    for line in rest.splitlines() if isinstance(rest, str) else ():
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name):
            response.headers.add(name, value.strip())
    return response


def _connect(connection: HTTPConnection, addresses: Addresses, watch: Watch) -> socket.socket:
    """A socket to the first address that answers. Raises FetchError of kind `address`, or as urllib3 does."""
    host, port = connection.host, connection.port
    by_choice = connection.proxy is not None  # a proxy is the user's own, wherever it is
    try:
        found = addresses.resolve(host, port, trusted=by_choice)  # once: what is connected to is what was looked at
    except OSError as error:
        raise NameResolutionError(host, connection, socket.gaierror(*error.args)) from error
    failure: OSError = OSError("the name has no address")
    for family, address in found:
        try:
            return _open(connection, family, address, watch)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "timed out") from failure
    raise NewConnectionError(connection, str(failure)) from failure


def _open(connection: HTTPConnection, family: socket.AddressFamily, address: Any, watch: Watch) -> socket.socket:
    line = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in connection.socket_options or ():
            line.setsockopt(*option)
        line.settimeout(connection.timeout)
        watch.hold(line)
        line.connect(address)
    except BaseException:
        line.close()
        raise
    return line
