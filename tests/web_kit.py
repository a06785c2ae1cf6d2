"""Web sites on loopback, which answer as their tests say, and measure what they are asked."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

# A key and a certificate for 127.0.0.1, until 2120. Nothing is secret about them.
_KEY = """
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCX55JKihMEX1bllr
6b+dOSfrasrkNJHJsnhDtFADx4uhRANCAATxGhY9V7olJ4ubjyUtlZUW2/XyW+qu
J6wq9BoVaPs8+Ib2lDLJoIJnT8RYmi0VpY6iDToYrEzI7s1EDyXY6Lre
"""
_CERTIFICATE = """
MIIBZTCCAQugAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhsb29wYmFj
azAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowEzERMA8GA1UEAwwI
bG9vcGJhY2swWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATxGhY9V7olJ4ubjyUt
lZUW2/XyW+quJ6wq9BoVaPs8+Ib2lDLJoIJnT8RYmi0VpY6iDToYrEzI7s1EDyXY
6Lreo04wTDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRKprxxQEvkCOwLh7Yc
viO2E+Y9tjAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgcBmEVrWvWxD/C4CV+PzGZyPP+DF5siBa/Wc5ZKoxmWACIQD5W68E8eoC
w6kwFNJYmB5SaXWvXuWXnhXnuxVIwt1xCg==
"""
Route = Callable[["Asked"], None]


class Seen(NamedTuple):
    """A request as it came in."""

    moment: float
    path: str
    headers: dict[str, str]


class Asked(BaseHTTPRequestHandler):
    """A request, for a route to answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Site

    def do_GET(self):
        self.server.came(Seen(time.monotonic(), self.path, {k.lower(): v for k, v in self.headers.items()}))
        self._open = True
        try:
            self.server.route(self.path)(self)
        except OSError:  # the other side left
            self.close_connection = True
        finally:
            self.over()

    def over(self):
        """The answer is complete but for its last bytes: from here on, another may begin."""
        if self._open:
            self._open = False
            self.server.went()

    def answer(self, status=200, body=b"", *, length=None, **headers):
        """A whole answer, with another Content-Length if one is given; `_` in names of headers stands for `-`."""
        self.head(status, **{"Content_Length": str(len(body) if length is None else length), **headers})
        if length is not None and length > len(body):
            self.close_connection = True
        self.over()
        self.wfile.write(body)

    def json(self, value, status=200, **headers):
        self.answer(status, json.dumps(value).encode(), **{"Content_Type": "application/json", **headers})

    def head(self, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        pass


class Site(ThreadingHTTPServer):
    """A server. `routes`: by path without query; others are not found."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, routes: dict[str, Route] | None = None, certificate: Path | None = None) -> None:
        """`certificate`: a file of `write_certificate`, for https."""
        super().__init__(("127.0.0.1", 0), Asked)
        self.routes = routes or {}
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.seen: list[Seen] = []
        self.open = self.most_open = self.connections = 0
        self._count = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return self.origin + path

    def route(self, path: str) -> Route:
        return self.routes.get(path.partition("?")[0], lambda asked: asked.answer(404))

    def verify_request(self, *_: Any) -> bool:
        """Somebody connects."""
        self.connections += 1
        return True

    def came(self, seen: Seen) -> None:
        with self._count:
            self.seen.append(seen)
            self.open += 1
            self.most_open = max(self.most_open, self.open)

    def went(self) -> None:
        with self._count:
            self.open -= 1

    def paths(self) -> list[str]:
        """What was asked for, in order, but for robots.txt and the like."""
        return [seen.path for seen in self.seen if not seen.path.startswith(("/robots.txt", "/.well-known"))]

    def handle_error(self, *_: Any) -> None:
        """A client that leaves is no error."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def write_certificate(file: Path) -> Path:
    """Write the certificate that https sites show, with its key; who trusts this file trusts them."""
    parts = {"PRIVATE KEY": _KEY, "CERTIFICATE": _CERTIFICATE}
    file.write_text("".join(f"-----BEGIN {name}-----{part}-----END {name}-----\n" for name, part in parts.items()))
    return file


def in_turn(*routes: Route) -> Route:
    """The first request gets the first answer, and so on; then all get the last."""
    left = list(routes)
    lock = threading.Lock()

    def route(asked: Asked) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(asked)

    return route
