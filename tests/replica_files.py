"""The hosts of photo files: robots.txt and tdmrep.json, and each photo with whatever is wrong with it."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from urllib.parse import unquote

from PIL import Image, ImageOps
from replica_faults import FAULTS, Try
from replica_http import Answer, Request, html_answer
from replica_photos import encode
from replica_world import Photo, World

_USUAL = """# A robots.txt with all that there may be in one.
User-agent: *
Disallow: /private/
Disallow: /*/locked/*.jpg$
Disallow: /*/locked/*.jpeg$
Disallow: /*/locked/*.png$
Disallow: /search/*/print
Allow: /private/welcome

User-agent: evilbot
Disallow: /

Sitemap: /sitemap.xml
"""
ROBOTS: dict[str, Answer] = {
    "usual": Answer(body=_USUAL.encode(), type="text/plain; charset=utf-8"),
    "own-group": Answer(
        body=(_USUAL + "\nUser-agent: DeblurBench\nDisallow: /pictures/\n").encode(), type="text/plain"
    ),
    "nobody": Answer(body=b"User-agent: *\nDisallow: /\n", type="text/plain"),
    "none": Answer(404, b"no such file", "text/plain"),
    "forbidden": Answer(403, b"no", "text/plain"),
    "broken": Answer(503, b"later", "text/plain"),
    "html": html_answer("<!DOCTYPE html><html><body>Welcome!</body></html>"),
    "large": Answer(body=_USUAL.encode() + b"# much to say\n" * 80_000, type="text/plain"),
    "moved": Answer(301).with_headers(Location="/the-robots.txt"),
    "reset": Answer(lost="reset"),
}
"""What robots.txt may be. `usual` and what is longer forbid `/private/` and `/*/locked/`."""
_TDM = [{"location": "/reserved/*", "tdm-reservation": 1, "tdm-policy": "https://photos.invalid/tdm-policy.json"}]
_NUMBER = re.compile(r"(\d{6,})\.(?:jpe?g|png)$")
_STEP = re.compile(r"/on/(\d+)/")
_LIBRARIES = ("", "python-requests/", "python-urllib3/", "python-urllib/", "curl/", "java/")
_NO_AGENT = "Please set a user-agent and respect our robot policy https://w.wiki/4wJS\n"
FORBIDDEN = re.compile(r"/private/(?!welcome)|/[^?]*/locked/.*\.(jpe?g|png)$|/search/.*/print")
RESERVED = re.compile(r"/reserved/")


def refuses(request: Request) -> Answer | None:
    """403 for somebody who does not say who they are, or gives the name of a library; as Wikimedia does."""
    agent = request.headers.get("user-agent", "").lower()
    if not agent or agent.startswith(_LIBRARIES[1:]):
        return Answer(403, _NO_AGENT.encode(), "text/plain")
    return None


class Files:
    """The files of all photos below any folder of a host."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tries: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer:
        """Any request to a host of files."""
        return refuses(request) or self.well_known(request) or self.photo(request) or Answer(404, b"", "text/plain")

    def well_known(self, request: Request) -> Answer | None:
        """What a host says of itself."""
        settings = self._world.settings
        if request.path == "/robots.txt":
            answer = ROBOTS[settings.robots]
            if settings.crawl_delay and answer.body:
                delay = f"User-agent: *\nCrawl-delay: {settings.crawl_delay}\n"
                answer = Answer(answer.status, delay.encode() + answer.body, answer.type)
            return answer
        if request.path == "/the-robots.txt":
            return ROBOTS["usual"]
        if request.path == "/.well-known/tdmrep.json":
            return Answer(body=json.dumps(_TDM).encode())
        return None

    def photo(self, request: Request) -> Answer | None:
        """The file that a path ends with the number of; None where there is none."""
        match = _NUMBER.search(unquote(request.path))
        photo = self._world.by_number.get(int(match[1])) if match else None
        if photo is None:
            return None
        file = self._world.files[photo.number]
        answer = Answer(200, file.data, f"image/{file.type}")
        fault = FAULTS.get(photo.fault)
        if fault and fault.wire and not request.path.startswith(("/moved/", "/private/")):
            return self._wrong(request, photo, answer)
        query = request.query
        if query.keys() & {"w", "h"} or "px-" in request.path.rpartition("/")[2]:
            return _scaled(answer, photo, _thumb_query(request.path) | query)
        return answer

    def _wrong(self, request: Request, photo: Photo, answer: Answer) -> Answer:
        fault = FAULTS[photo.fault]
        assert fault.wire
        self._tries[request.path] += 1
        if fault.passing and self._tries[request.path] > photo.tries:
            return answer
        step = _STEP.match(request.path)
        trap = self._world.origins["trap"]
        further = int(step[1]) + 1 if step else 1
        retry_after = self._world.settings.retry_after
        return fault.wire(answer, Try(request.path, photo.name, retry_after, trap, trap.rpartition(":")[2], further))


def _thumb_query(path: str) -> dict[str, str]:
    """The width in the name of a scaled file, as Wikimedia writes it: `320px-Name.jpg`."""
    match = re.match(r"(\d+)px-", path.rpartition("/")[2])
    return {"w": match[1]} if match else {}


def _scaled(answer: Answer, photo: Photo, query: dict[str, str]) -> Answer:
    """The file as imgix scales it: `w`, `h`, `fit=crop`, `dpr`; never larger than it is, but for a crop."""

    def number(name: str, default: int) -> int:
        return int(query[name]) if query.get(name, "").isdecimal() else default

    image = Image.open(io.BytesIO(answer.body)).convert("RGB")
    dpr = number("dpr", 1)
    width, height = number("w", 1 << 20) * dpr, number("h", 1 << 20) * dpr
    if query.get("fit") == "crop" and {"w", "h"} <= query.keys():
        image = ImageOps.fit(image, (min(width, 4000), min(height, 4000)))
    else:
        scale = min(1.0, width / image.width, height / image.height)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    return Answer(200, encode(image, "jpeg"), "image/jpeg")
