"""Reading the body of an answer: never more than asked for, never half of it, into memory or into a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from requests import Response
from urllib3.exceptions import HTTPError, ProtocolError

from deblurbench.errors import FetchError
from deblurbench.fetch.web.urls import printable, shown

_CHUNK = 1 << 16
_PICTURES = ("application/octet-stream", "binary/octet-stream", "")  # what servers say that do not know


class Download(NamedTuple):
    """A file that was loaded.

    Attributes:
        url: after redirects.
        content_type: as the server says, in lower case, without parameters.
        bytes: how many.
        sha256, sha1: hex.
        etag, last_modified: as the server says; empty where it does not.
    """

    url: str
    content_type: str
    bytes: int
    sha256: str
    sha1: str
    etag: str
    last_modified: str


def content_type(response: Response) -> str:
    """The media type of an answer, in lower case, without parameters."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def read_all(response: Response, limit: int) -> bytes:
    """The decoded body. Raises FetchError where it is longer than `limit` bytes: a small one may unpack to much."""
    return b"".join(_capped(response, limit, decode=True))


def read_start(response: Response, limit: int) -> bytes:
    """The first `limit` bytes of the decoded body."""
    body = b""
    while len(body) < limit and (chunk := _read(response, min(_CHUNK, limit - len(body)), decode=True)):
        body += chunk
    return body


def drain(response: Response) -> None:
    """Read what nobody wants, where it is short: then the connection can be used again."""
    length = response.headers.get("Content-Length", "")
    if re.fullmatch("[0-9]{1,4}", length):
        with suppress(HTTPError):
            _read(response, int(length) + 1, decode=False)  # and see that this is the end


def save(response: Response, target: Path, limit: int) -> Download:
    """Write a picture file as it is sent, from scratch. Where that fails, some of it may be there.

    Raises: FetchError of kind `encoded`, `content-type` or `too-many-bytes`; OSError where it cannot be written.
    """
    _check_picture(response, limit)
    sha256, sha1, count = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    with target.open("wb") as file:
        for chunk in _capped(response, limit, decode=False):
            file.write(chunk)
            sha256.update(chunk)
            sha1.update(chunk)
            count += len(chunk)
    headers = response.headers
    return Download(
        url=response.url,
        content_type=content_type(response),
        bytes=count,
        sha256=sha256.hexdigest(),
        sha1=sha1.hexdigest(),
        etag=headers.get("ETag", ""),
        last_modified=headers.get("Last-Modified", ""),
    )


def _check_picture(response: Response, limit: int) -> None:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        hint = "files are taken as they are, and this one would have to be unpacked"
        raise FetchError(f"{shown(response.url)} is sent {printable(encoding[:20])}-encoded", hint, kind="encoded")
    kind = content_type(response)
    if not (kind.startswith("image/") or kind in _PICTURES):
        what = f"{shown(response.url)} is {printable(kind[:60])}, no picture"
        raise FetchError(what, "pages in place of files often mean that a site refuses", kind="content-type")
    stated = response.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated[:20]) > limit:
        raise _too_long(response, limit)


def _capped(response: Response, limit: int, *, decode: bool) -> Iterator[bytes]:
    count = 0
    while chunk := _read(response, _CHUNK, decode=decode):
        count += len(chunk)
        if count > limit:
            raise _too_long(response, limit)
        yield chunk


def _read(response: Response, most: int, *, decode: bool) -> bytes:
    try:
        return bytes(response.raw.read(most, decode_content=decode))
    except ValueError as error:  # a chunk of less than nothing
        raise ProtocolError("a body that makes no sense", error) from error


def _too_long(response: Response, limit: int) -> FetchError:
    what = f"{shown(response.url)} has more than {limit / (1 << 20):.3g} MiB"
    return FetchError(what, "that is more than is taken", kind="too-many-bytes")
