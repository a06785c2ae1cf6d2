"""A small HTTP/1.1 server for the replicas: quick, on loopback only, and able to answer as wrongly as servers do.

One thread serves any number of connections to any number of sites. A handler says at once what it answers; waiting for
the latency, dripping and cutting happen here, without keeping anybody else waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

LAST_MODIFIED = "Tue, 01 Jul 2025 08:00:00 GMT"
_REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "Not Found"}
_MOST_HEAD = 64 << 10


class Request(NamedTuple):
    """`target`: path and query as sent; `headers`: names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters, the last of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query, True).items()}


@dataclass(frozen=True)
class Answer:
    """What is answered. As it stands, all is well; the fields from `length` on are for what is not.

    `length`: the Content-Length that is claimed; -1: none, and the connection's end is the body's.
    `drip`: how many bytes at a time, how many seconds apart. `repeat`: how often the body is sent.
    `lost`: "close" the connection after the body, or "reset" it in place of any answer.
    """

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    drip: tuple[int, float] | None = None
    repeat: int = 1
    lost: str = ""

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha1(self.body).hexdigest()[:20]}"'

    def with_headers(self, **headers: str) -> Answer:
        """The same with more headers; `_` stands for `-` in their names."""
        return replace(self, headers=self.headers | {name.replace("_", "-"): text for name, text in headers.items()})


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A value as JSON; what is no Unicode (a lone surrogate) goes out escaped, as servers do it."""
    return Answer(status, json.dumps(value).encode(), "application/json").with_headers(**headers)


def html_answer(html: str, status: int = 200, **headers: str) -> Answer:
    return Answer(status, html.encode("utf-8", "replace"), "text/html; charset=utf-8").with_headers(**headers)


Handler = Callable[[Request], Answer]


class Log:
    """A line of JSON for each request, in the file before the answer goes out."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, **values: Any) -> None:
        os.write(self._file, json.dumps(values).encode() + b"\n")


class Counted:
    """A site: its handler, and how many of its requests are open."""

    def __init__(self, name: str, handler: Handler, latency: float, log: Log) -> None:
        self.name, self.handler, self.latency, self.log, self.open = name, handler, latency, log, 0

    def ask(self, request: Request) -> Answer:
        """The answer, logged; from here on the request is open."""
        self.open += 1
        moment = time.monotonic()
        answer = conditional(request, self.handler(request))
        self.log.write(
            time=moment,
            site=self.name,
            method=request.method,
            path=request.target,
            status=0 if answer.lost == "reset" else answer.status,
            agent=request.headers.get("user-agent", ""),
            key="authorization" in request.headers,
            open=self.open,
        )
        return answer


def conditional(request: Request, answer: Answer) -> Answer:
    """The answer with its validators; 304 to somebody who has it already. Wrong answers stay as they are."""
    if answer.status != 200 or answer.length is not None or answer.drip or answer.lost:
        return answer
    validators = {"ETag": answer.etag, "Last-Modified": LAST_MODIFIED}
    known = request.headers.get("if-none-match", "")
    same = answer.etag in known if known else request.headers.get("if-modified-since") == LAST_MODIFIED
    headers = answer.headers | validators
    return Answer(304, headers=headers) if same else replace(answer, headers=headers)


class Connection(asyncio.Protocol):
    """One connection: a request at a time, each answered in steps of bytes and pauses."""

    def __init__(self, site: Counted) -> None:
        self._site, self._buffer, self._busy, self._paused = site, b"", False, False
        self._steps: Iterator[tuple[float, bytes]] = iter(())
        self._timer: asyncio.Handle | None = None
        self._last = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _MOST_HEAD:
            self._transport.abort()
        else:
            # Not at once: a connection that was given up in the same moment is counted out first.
            self._loop.call_soon(self._next_request)

    def _next_request(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or self._busy or self._transport.is_closing():
            return
        self._buffer, self._busy = rest, True
        try:
            request, last = _parse(head)
        except ValueError:
            self._transport.abort()
            return
        answer = self._site.ask(request)
        self._last = last or bool(answer.lost) or answer.length is not None
        self._steps = _steps(request, answer, self._site.latency, self._last)
        self._go_on()

    def _go_on(self) -> None:
        """Take the next step, unless the other side reads too slowly for it."""
        self._timer = None
        if self._paused:
            return
        step = next(self._steps, None)
        if step is None:
            self._done()
        elif step[0] > 0:
            self._timer = self._loop.call_later(step[0], self._write, step[1])
        else:
            self._write(step[1])

    def _write(self, data: bytes) -> None:
        self._timer = None
        if not data:
            self._transport.abort()
            return
        self._transport.write(data)
        # `call_soon` comes before what the other side does next, so that nothing counts as open that was had.
        self._timer = self._loop.call_soon(self._go_on)

    def _done(self) -> None:
        self._close_request()
        if self._last:
            self._transport.close()
        else:
            self._next_request()

    def _close_request(self) -> None:
        self._site.open -= self._busy
        self._busy = False

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._busy and self._timer is None:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._close_request()


def _parse(head: bytes) -> tuple[Request, bool]:
    """A request, and whether it is the last on its connection. Raises ValueError."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    last = headers.get("connection", "").lower() == "close" or version == "HTTP/1.0"
    return Request(method, target, headers), last


def _steps(request: Request, answer: Answer, latency: float, last: bool) -> Iterator[tuple[float, bytes]]:
    """Pauses and bytes; no bytes: the connection is reset."""
    if answer.lost == "reset":
        yield max(latency, 1e-4), b""
        return
    length = len(answer.body) if answer.length is None else answer.length
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
    if answer.status != 304:
        lines += [f"Content-Type: {answer.type}"] * bool(answer.type)
        lines += [f"Content-Length: {length}"] * (length >= 0)
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += ["Server: replica", f"Connection: {'close' if last else 'keep-alive'}", "", ""]
    head = "\r\n".join(lines).encode("latin-1")
    body = b"" if request.method == "HEAD" or answer.status == 304 else answer.body
    if answer.drip is None:
        yield latency, head + body
        for _ in range(answer.repeat - 1):
            yield 0, body
        return
    size, pause = answer.drip
    yield latency, head
    for start in range(0, len(body), size):
        yield pause, body[start : start + size]


async def listen(site: Counted, port: int = 0) -> tuple[asyncio.Server, str]:
    """Serve a site on loopback; also its origin, such as `http://127.0.0.1:41234`."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(site), "127.0.0.1", port, backlog=512)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
