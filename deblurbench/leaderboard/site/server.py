"""A web server on this machine that shows a site."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deblurbench.errors import UsageError


class _Handler(SimpleHTTPRequestHandler):
    """Gives the files of a folder: no lists of folders, nothing kept by browsers, nothing said of what is asked."""

    extensions_map = {  # noqa: RUF012 # of the base class; what a system says of these kinds may be anything
        ".css": "text/css; charset=utf-8",
        ".csv": "text/csv; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".md": "text/markdown; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".tex": "text/plain; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        "": "application/octet-stream",
    }

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def make_server(site: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server of the pages of a site, to be started with `serve_forever`.

    Args:
        site: the folder that `leaderboard build` made.
        host: a name or an address of this machine.
        port: 0 for any that is free.

    Raises: UsageError where there is no site, or the port is taken.
    """
    if not (site / "index.html").is_file():
        raise UsageError(f"there is no site in {site}", "make it with `deblurbench leaderboard build`")
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(site)))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot serve at {host}:{port}: {reason}", "choose another --port or --host") from error


def address(server: ThreadingHTTPServer) -> str:
    """Where a browser finds it."""
    return f"http://{server.server_address[0]!s}:{server.server_port}/"
