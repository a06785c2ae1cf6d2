"""Answers of APIs and pages, kept for a day, and asked for again only if they changed.

What is kept is what was answered with status 200 and made sense. No request header and no cookie is among it: the key
is added below (see `deblurbench.fetch.web.wire`). The file is a convenience: where it is damaged, locked or cannot be
written, everything works without it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Request, Response
from requests.adapters import BaseAdapter
from requests_cache.backends.base import BaseCache, BaseStorage
from requests_cache.models.response import CachedResponse
from requests_cache.serializers.preconf import json_serializer
from requests_cache.session import CachedSession
from urllib3 import HTTPHeaderDict, HTTPResponse

from deblurbench.errors import FetchError
from deblurbench.fetch.web.body import read_all
from deblurbench.fetch.web.failures import refused
from deblurbench.fetch.web.wire import Wire

DAY = 24 * 3600
_KEPT = 30 * DAY  # then even what did not change is forgotten
_LOCK_SECONDS = 2.0
_MAX_BYTES = 10 << 20
_DROPPED = ("Set-Cookie", "Content-Encoding", "Content-Length", "Transfer-Encoding")


class AnswerFile(BaseStorage[str, CachedResponse]):
    """The SQLite file. Thread-safe; what cannot be read is not there, and what cannot be written is not kept.

    The SQLite storage of requests-cache itself tries for ever where a file is locked or read-only.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(0o700, parents=True, exist_ok=True)  # what somebody looks for is nobody's business
            self._database = self._open(str(file))
        except (OSError, sqlite3.Error):
            self._database = self._open(":memory:")

    def _open(self, name: str) -> sqlite3.Connection:
        database = sqlite3.connect(name, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, kept REAL, value TEXT)")
            database.execute("DELETE FROM answers WHERE kept < ?", (time.time() - _KEPT,))
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def __getitem__(self, key: str) -> CachedResponse:
        try:
            (value,) = self._run("SELECT value FROM answers WHERE key = ?", key)[0]
            answer = json_serializer.loads(value)
        except Exception as error:  # whatever a damaged file leads to
            raise KeyError(key) from error
        if answer.content is None:
            raise KeyError(key)
        answer.cache_key = key
        return answer

    def __setitem__(self, key: str, answer: CachedResponse) -> None:
        with suppress(sqlite3.Error):
            self._run(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", key, time.time(), json_serializer.dumps(answer)
            )

    def __delitem__(self, key: str) -> None:
        with suppress(sqlite3.Error):
            self._run("DELETE FROM answers WHERE key = ?", key)

    def __iter__(self) -> Iterator[str]:
        return iter([key for (key,) in self._run("SELECT key FROM answers")])

    def __len__(self) -> int:
        return int(self._run("SELECT count(*) FROM answers")[0][0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


class _Cache(BaseCache):
    """The file as requests-cache wants it."""

    def __init__(self, file: AnswerFile) -> None:
        super().__init__()
        self.responses = file


class _Adapter(BaseAdapter):
    """Reads all of an answer in one turn of a wire, and passes on what makes sense."""

    def __init__(self, wire: Wire, check: Callable[[Response], None]) -> None:
        super().__init__()
        self._wire, self._check = wire, check

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """Raises FetchError, Stopped."""
        return self._wire.exchange(request, self._read)

    def _read(self, response: Response) -> Response:
        """The same answer with its body in memory."""
        status = response.status_code
        content = read_all(response, _MAX_BYTES) if status == 200 else b""
        headers = HTTPHeaderDict(response.headers)
        for name in _DROPPED:
            headers.discard(name)
        raw = HTTPResponse(BytesIO(content), headers, status, reason=response.reason, preload_content=False)
        answer = self._wire.build_response(response.request, raw)
        if status == 200:
            self._check(answer)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


class Answers(CachedSession):
    """A session that asks through a wire and remembers what it was told. Thread-safe.

    Args:
        wire: sends what has to be sent.
        file: what is remembered; may serve several sessions.
        accept: the media types that are asked for.
        check: raises FetchError where an answer of status 200 makes no sense, so that it is not remembered.
    """

    def __init__(self, wire: Wire, file: AnswerFile, accept: str, check: Callable[[Response], None]) -> None:
        # Without `ignored_parameters`, whose redaction changes URLs: no secret comes here.
        super().__init__(backend=_Cache(file), expire_after=DAY, key_fn=_key, ignored_parameters=(), autoclose=False)
        self.trust_env = False  # no passwords from a .netrc; the wire sees to proxies and certificates
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(wire, check))
        self._headers, self._check = {"Accept": accept, "Accept-Encoding": "gzip, deflate"}, check

    def ask(self, url: str) -> Response:
        """The answer to a `normal` URL, with its body in memory: of status 200 and checked, or a redirect.

        Raises: FetchError, Stopped.
        """
        response = self._send(url)
        if isinstance(response, CachedResponse):
            try:
                self._check(response)
            except FetchError:  # the file is damaged, or another version kept it
                response = self._send(url, force_refresh=True)
        if response.status_code == 304:  # to a question that was not asked
            raise refused(304, url)
        return response

    def get_redirect_target(self, resp: Response) -> None:
        """None: redirects are followed, and even prepared, by others."""

    def _send(self, url: str, *, force_refresh: bool = False) -> Response:
        request = Request("GET", url, headers=self._headers).prepare()
        return self.send(request, allow_redirects=False, force_refresh=force_refresh)


def _key(request: Any, **_: Any) -> str:
    return hashlib.sha256(f"{request.headers.get('Accept')} {request.url}".encode()).hexdigest()
