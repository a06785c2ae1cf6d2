"""What can be wrong with a photo of the replicas: its file, its answer, its address or its listing.

`PASSING` faults end after a few tries, `FINAL` ones never, `QUIRKS` are odd but no fault at all. `SLOW` ones make a
client wait for as long as it will; they occur only where they are asked for by name.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from time import time
from typing import NamedTuple

from replica_http import Answer
from replica_spoilt import SPOILT, Spoil

TRAP = "{trap}"
"""In an address: the origin that nobody may ask."""


class Try(NamedTuple):
    """A request for a photo's file. `trap` is an origin, `port` its port; `further`: the path's number plus one."""

    path: str
    name: str
    retry_after: int
    trap: str
    port: str
    further: int


Wire = Callable[[Answer, Try], Answer]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    `why`: the kinds of FetchError that explain it, the likeliest first; empty where the photo is good after all.
    `wire`: what becomes of a good answer. `passing`: only for the first tries. `spoil`: what becomes of the file.
    `folder`: what comes before its path. `item`: what its listing says instead (see `listed_url`, and the APIs).
    `only`: the sites where it shows; everywhere where empty.
    """

    why: tuple[str, ...] = ()
    wire: Wire | None = None
    passing: bool = False
    spoil: Spoil | None = None
    folder: str = ""
    item: str = ""
    only: tuple[str, ...] = ()


def _status(status: int, **headers: str) -> Wire:
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return lambda answer, asked: Answer(status, body, "text/html").with_headers(**headers)


def _headers(**headers: str) -> Wire:
    return lambda answer, asked: answer.with_headers(**headers)


def _location(to: str, status: int = 302) -> Wire:
    """A redirect; braces in `to` stand for fields of the try."""
    return lambda answer, asked: Answer(status).with_headers(Location=to.format(**asked._asdict()))


def _body(body: bytes, type: str) -> Wire:  # noqa: A002
    return lambda answer, asked: Answer(200, body, type)


def _half(answer: Answer, asked: Try) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2], length=len(answer.body), lost="close")


def _stall(answer: Answer, asked: Try) -> Answer:
    """A byte every fifth of a second, which no timeout between bytes ever notices."""
    return replace(answer, drip=(1, 0.2))


def _retry_date(answer: Answer, asked: Try) -> Answer:
    return Answer(503).with_headers(Retry_After=formatdate(time() + asked.retry_after, usegmt=True))


def _chunked(answer: Answer, asked: Try) -> Answer:
    pieces = [answer.body[i : i + 5000] for i in range(0, len(answer.body), 5000)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return replace(answer, body=body, length=-1).with_headers(Transfer_Encoding="chunked")


def _gzip(answer: Answer, asked: Try) -> Answer:
    return replace(answer, body=gzip.compress(answer.body, 1, mtime=0)).with_headers(Content_Encoding="gzip")


_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"/>'

PASSING = {
    "429-once": Fault(wire=_status(429)),
    "429-retry-after": Fault(wire=lambda answer, asked: Answer(429).with_headers(Retry_After=str(asked.retry_after))),
    "503-retry-date": Fault(wire=_retry_date),
    "408-once": Fault(wire=_status(408)),
    "500-once": Fault(wire=_status(500)),
    "502-once": Fault(wire=_status(502)),
    "503-once": Fault(wire=_status(503)),
    "504-once": Fault(wire=_status(504)),
    "truncated-once": Fault(wire=_half),
    "reset-once": Fault(wire=lambda answer, asked: Answer(lost="reset")),
}
PASSING = {name: replace(fault, passing=True) for name, fault in PASSING.items()}

_OTHER_BYTES = ("checksum",)  # where the listing tells of the right bytes
FINAL = {
    **{str(status): Fault((f"http-{status}",), _status(status)) for status in (401, 403, 404, 410, 451)},
    **{f"{status}-always": Fault((f"http-{status}",), _status(status)) for status in (429, 500, 503)},
    "truncated": Fault(("truncated",), _half),
    "claims-more": Fault(("truncated",), lambda a, asked: replace(a, length=len(a.body) + 1000, lost="close")),
    "claims-less": Fault(("damaged", "truncated", "checksum"), lambda a, asked: replace(a, length=len(a.body) // 2)),
    "reset": Fault(("connection",), lambda answer, asked: Answer(lost="reset")),
    "claims-a-terabyte": Fault(("too-many-bytes",), lambda a, asked: replace(a, length=1 << 40, repeat=8)),
    "html": Fault(("content-type",), _body(_PAGE, "text/html; charset=utf-8")),
    "html-as-jpeg": Fault(("not-a-picture", *_OTHER_BYTES), _body(_PAGE, "image/jpeg")),
    "svg": Fault(("content-type", "not-a-picture", *_OTHER_BYTES), _body(_SVG, "image/svg+xml")),
    "empty": Fault(("not-a-picture", "truncated", "damaged", *_OTHER_BYTES), _body(b"", "image/jpeg")),
    "text-plain": Fault(("content-type",), lambda answer, asked: replace(answer, type="text/plain")),
    "gzip": Fault(("encoded",), _gzip),
    "loop": Fault(("redirects",), _location("{path}")),
    "endless-redirects": Fault(("redirects",), _location("/on/{further}/{name}")),
    "to-nowhere": Fault(("redirects", "http-302"), lambda answer, asked: Answer(302)),
    "to-trap": Fault(("address",), _location("{trap}/{name}")),
    "to-trap-by-name": Fault(("address",), _location("http://localhost:{port}/{name}")),
    "to-private": Fault(("address",), _location("http://10.1.2.3/{name}")),
    "to-metadata": Fault(("address",), _location("http://169.254.169.254/latest/meta-data/{name}")),
    "to-file": Fault(("scheme",), _location("file:///etc/passwd")),
    "to-forbidden": Fault(("robots",), _location("/private/{name}")),
    "noai": Fault(("opted-out",), _headers(X_Robots_Tag="noai")),
    "noimageai": Fault(("opted-out",), _headers(X_Robots_Tag="nofollow, NoImageAI")),
    "agent-noindex": Fault(("opted-out",), _headers(X_Robots_Tag="deblurbench: noindex")),
    "tdm": Fault(("reserved",), _headers(TDM_Reservation="1")),
    "forbidden": Fault(("robots",), folder="/private"),
    "forbidden-pattern": Fault(("robots",), folder="/some/locked/for"),
    "tdm-folder": Fault(("reserved",), folder="/reserved"),
    **{name: Fault(why, spoil=spoil) for name, (why, spoil) in SPOILT.items() if why},
    "copy": Fault(("same-bytes",)),
    "near-copy": Fault(("near-duplicate",)),
    "null-url": Fault(("no-url", "listing"), item="null"),
    "number-url": Fault(("no-url", "listing", "scheme"), item="7"),
    "script-url": Fault(("scheme", "no-url", "listing"), item='"javascript:alert(1)//{name}"'),
    "file-url": Fault(("scheme", "no-url", "listing"), item='"file:///etc/passwd#{name}"'),
    "ftp-url": Fault(("scheme", "no-url", "listing"), item='"ftp://127.0.0.1/{name}"'),
    "private-url": Fault(("address",), item='"http://192.168.0.1/{name}"'),
    "trap-url": Fault(("address",), item='"{trap}/{name}"'),
    "null-licence": Fault(("licence", "listing"), item="null-licence", only=("openverse", "commons", "gallery")),
    "odd-licence": Fault(("licence", "listing"), item="odd-licence", only=("openverse", "commons", "gallery")),
    "wrong-sha1": Fault(("checksum",), item="wrong-sha1", only=("commons",)),
}

QUIRKS = {
    "redirect": Fault(wire=_location("/moved/{name}")),
    "redirect-relative": Fault(wire=_location("../../../../moved/{name}", 308)),
    "slow": Fault(wire=lambda answer, asked: replace(answer, drip=(len(answer.body) // 4 + 1, 0.1))),
    "chunked": Fault(wire=_chunked),
    "no-length": Fault(wire=lambda answer, asked: replace(answer, length=-1, lost="close")),
    "type-in-capitals": Fault(wire=lambda answer, asked: replace(answer, type=answer.type.upper() + "; charset=x")),
    "png-as-jpeg": Fault(wire=lambda answer, asked: replace(answer, type="image/jpeg"), spoil=SPOILT["as-png"][1]),
    "other-bot": Fault(wire=_headers(X_Robots_Tag="otherbot: noai, noindex")),
    "tdm-zero": Fault(wire=_headers(TDM_Reservation="0")),
    "dirty-name": Fault(folder="/a/../b/..%2F..%2F..%2Fetc%2Fpasswd%00"),
    "null-author": Fault(item="null-author"),
    "null-fields": Fault(item="null-fields"),
    "wrong-types": Fault(item="wrong-types"),
    **{name: Fault(spoil=spoil) for name, (why, spoil) in SPOILT.items() if not why},
}

SLOW = {
    "stall-once": Fault(wire=_stall, passing=True),
    "stall": Fault(("timeout",), _stall),
    "asks-for-a-day": Fault(("wait",), _status(429, Retry_After="86400")),
}

FAULTS = PASSING | FINAL | QUIRKS | SLOW
GROUPS = {"passing": PASSING, "final": FINAL, "quirks": QUIRKS, "slow": SLOW}


def named(kinds: str) -> tuple[str, ...]:
    """The faults that a list such as `passing,404,slow` names; all but the slow ones where it is empty.

    Raises: KeyError for an unknown name.
    """
    found: dict[str, None] = {}
    for name in filter(None, (kinds or "passing,final,quirks").split(",")):
        found |= dict.fromkeys(GROUPS[name]) if name in GROUPS else dict.fromkeys([name] if FAULTS[name] else [])
    return tuple(found)
