"""What the replicas of the APIs have in common: who is refused, what fails at first, and all that goes wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from replica_files import refuses
from replica_http import Answer, Request, html_answer, json_answer
from replica_world import Photo, World, fails_at_first

HOSTILE = {
    "": "nothing is wrong",
    "html": "a page of HTML, status 200",
    "empty": "no bytes, status 200",
    "half": "JSON that ends in the middle, of the right Content-Length",
    "deep": "JSON nested 100,000 deep",
    "wrong-shape": "JSON that is no listing",
    "list": "JSON that is no object",
    "null-results": "a listing whose results are null",
    "odd-items": "a listing with null, numbers, texts and empty objects among its results",
    "bad-key": "401",
    "broken": "503, always",
    "limit": "429 without any header, always",
    "flood": "a body without an end",
    "elsewhere": "a redirect to a host that nobody may ask",
    "foreign-next": "a next page on a host that nobody may ask",
    "no-next": "nothing that says whether there are more pages",
    "endless": "always another page, which repeats the first ones",
    "duplicates": "each page begins with the last three photos of the one before",
    "short-pages": "pages with fewer photos than they have places",
    "split": "Commons: pages of which half come without their file, and again with it",
}
"""What the APIs do wrong, by the name of the mode."""
_WRONG_SHAPE = {"status": "ok", "data": {"photos": "none", "results": {"a": 1}}, "query": [], "page": []}
_ODD_ITEMS = (None, 7, "a photo", [], {}, {"id": None, "url": 5, "src": "x", "pageid": {}, "imageinfo": [None]})
_REPEATED = 3


class Api:
    """What the APIs have in common: who is refused, what fails at first, and what goes wrong in hostile modes."""

    site = ""
    failures: Sequence[Answer] = (
        Answer(503, b"<html>busy</html>", "text/html"),
        Answer(500),
        Answer(body=b'{"results": [', length=5000, lost="close"),
        Answer(lost="reset"),
    )

    def __init__(self, world: World) -> None:
        self.world, self.settings, self.mode = world, world.settings, world.settings.hostile
        self.trap = world.origins["trap"]
        self._tries: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer:
        """Any request to the API."""
        if request.path == "/robots.txt":  # an API is for programs, whatever this says of its pages
            return Answer(body=b"User-agent: *\nDisallow: /w/\nDisallow: /v1/\n", type="text/plain")
        if request.method not in ("GET", "HEAD"):
            return json_answer({"detail": f'Method "{request.method}" not allowed.'}, 405)
        return refuses(request) or self._failing(request) or self._hostile() or self.respond(request)

    def respond(self, request: Request) -> Answer:
        """What the API answers when all is well."""
        raise NotImplementedError

    def _failing(self, request: Request) -> Answer | None:
        """A failure in passing."""
        number = self._tries[request.target]
        self._tries[request.target] += 1
        if number >= fails_at_first(self.settings, request.target):
            return None
        digest = hashlib.sha256(f"{request.target} {number}".encode()).digest()
        failure = self.failures[digest[0] % len(self.failures)]
        return failure.with_headers(Retry_After=str(self.settings.retry_after)) if failure.status == 429 else failure

    def _hostile(self) -> Answer | None:
        """The answers that are wrong as a whole."""
        made: dict[str, Callable[[], Answer]] = {
            "html": lambda: html_answer("<!DOCTYPE html><html><body>Checking your browser</body></html>"),
            "empty": Answer,
            "half": lambda: Answer(body=b'{"results": [{"id": "1", "photos": [{'),
            "deep": lambda: Answer(body=b"[" * 100_000 + b"]" * 100_000),
            "wrong-shape": lambda: json_answer(_WRONG_SHAPE),
            "list": lambda: json_answer([1, 2, 3]),
            "bad-key": lambda: json_answer({"error": "Unauthorized", "detail": "Unauthorized"}, 401),
            "broken": lambda: Answer(503),
            "limit": lambda: Answer(429),
            "flood": lambda: Answer(body=b'{"results": [1' + b",1" * 32_000, length=-1, repeat=4_000, lost="close"),
            "elsewhere": lambda: Answer(302).with_headers(Location=f"{self.trap}/v1/images/?q=key"),
        }
        return made[self.mode]() if self.mode in made else None

    def slice(self, photos: Sequence[Photo], page: int, size: int) -> tuple[list[Any], int]:
        """The items of a page (from 1), and how many pages there are."""
        size -= self.mode == "short-pages" and size > 1
        pages = -(-len(photos) // size)
        if self.mode == "endless":
            page = (page - 1) % max(pages, 1) + 1
            pages = 1_000_000
        first = (page - 1) * size
        before = _REPEATED if self.mode == "duplicates" else 0
        items = [self.item(photo) for photo in photos[max(0, first - before) : first + size]]
        return [*_ODD_ITEMS, *items] if self.mode == "odd-items" else items, pages

    def item(self, photo: Photo) -> Any:
        """A photo as the API describes it."""
        raise NotImplementedError


def odd_fields(photo: Photo, licence: Sequence[str], nulls: Sequence[str]) -> dict[str, Any]:
    """What the listing of a photo with a fault of its listing says instead."""
    wrong = {"title": ["a", {"b": 1}], "alt": {"x": 1}, "width": "many", "height": -1, "tags": 7, "filesize": "big"}
    return {
        "null-licence": dict.fromkeys(licence),
        "odd-licence": {key: {"name": ["by"]} for key in licence},
        "null-fields": dict.fromkeys(nulls),
        "wrong-types": {name: value for name, value in wrong.items() if name in nulls},
    }.get(photo.fault, {})


def whole(query: dict[str, str], name: str, default: int, errors: dict[str, list[str]]) -> int:
    """A parameter as a number from 1; else an error."""
    text = query.get(name, str(default))
    if text.isdecimal() and 0 < int(text) < 10**6:
        return int(text)
    errors[name] = ["A valid integer is required." if not text.isdecimal() else "Ensure this value is greater than 0."]
    return default
