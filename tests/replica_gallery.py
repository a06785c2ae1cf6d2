"""A gallery site as people build them: pages of figures, licences beside them, and places where robots may not go."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote, unquote, urljoin

from replica_files import Files, refuses
from replica_http import Answer, Request, html_answer
from replica_world import EVERYTHING, Photo, World, fails_at_first

PER_PAGE = 24
STYLES = ("figures", "picture", "ld", "lazy", "links")
"""How pages show photos: `figure` with `srcset`; `picture`; JSON-LD alone; `data-src`; links to pages of one photo."""
CLOSED = {
    "/closed/noai": {"X-Robots-Tag": "noai, noimageai"},
    "/closed/tdm": {"tdm-reservation": "1"},
    "/closed/noai-meta": '<meta name="robots" content="noai, noimageai">',
    "/closed/agent-meta": '<meta name="deblurbench" content="noindex">',
    "/closed/tdm-meta": '<meta name="tdm-reservation" content="1">',
    "/reserved/index.html": "",
    "/private/index.html": "",
}
"""Pages that robots may not use: what tells them so. The last two are told of by tdmrep.json and robots.txt."""


class Gallery:
    """The site. `/STYLE/QUERY/` is the first page of a query, `/` that of everything, in figures."""

    site = "gallery"

    def __init__(self, world: World) -> None:
        self._world, self._files = world, Files(world)
        self._tries: dict[str, int] = {}

    def answer(self, request: Request) -> Answer:
        """Any request."""
        return refuses(request) or self._files.well_known(request) or self._page(request) or self._files.answer(request)

    def _page(self, request: Request) -> Answer | None:
        """A page; None where the path is a file's."""
        path = unquote(request.path)
        if path in CLOSED:
            return self._closed(path)
        parts = path.strip("/").split("/")
        if parts[0] == "photo" and parts[-1].isdecimal():
            photo = self._world.by_number.get(int(parts[-1]))
            return html_answer(self._own_page(photo)) if photo else html_answer("<p>No such photo", 404)
        style, query = ("figures", EVERYTHING) if path == "/" else (parts[0], parts[-1])
        if style not in STYLES or len(parts) > 2 or not path.endswith("/"):
            return None
        number = self._tries[request.target] = self._tries.get(request.target, -1) + 1
        if number < fails_at_first(self._world.settings, request.target):
            return html_answer("<h1>Busy</h1>", 503)
        page = request.query.get("page", "1")
        return self._index(style, query, max(1, int(page)) if page.isdecimal() else 1)

    def _index(self, style: str, query: str, page: int) -> Answer:
        photos, mode = self._world.found(query), self._world.settings.hostile
        pages = -(-len(photos) // PER_PAGE)
        if mode == "endless" and pages:
            shown, pages = (page - 1) % pages + 1, 1_000_000
        else:
            shown = page
        first = max(0, (shown - 1) * PER_PAGE - (3 if mode == "duplicates" else 0))
        show: Callable[[Photo], str] = getattr(self, f"_{style}")
        body = "".join(show(photo) for photo in photos[first : shown * PER_PAGE])
        links = []
        if page < pages and mode != "no-next":
            trap = self._world.origins["trap"] if mode == "foreign-next" else ""
            links = [f'<a class="next" rel="next" href="{trap}/{style}/{quote(query)}/?page={page + 1}">Next</a>']
        decoys = [
            "/private/welcome/..",
            "/private/old/?page=1",
            "/search/all/print",
            "/reserved/index.html",
            "/closed/noai",
        ]
        links += [f'<a class="more" href="{path}">more</a>' for path in decoys]
        decoy = '<img src="/private/pixel/999999.jpg" width="400" height="300" alt="">' if style == "figures" else ""
        nav = f'<nav><img class="logo" src="/logo.png" width="32" height="32">{decoy}{" ".join(links)}</nav>'
        return html_answer(_document(f"{query}, page {page}", "", f"<main>{body}</main>{nav}"))

    def _closed(self, path: str) -> Answer:
        """A page of good photos that is not to be used."""
        told = CLOSED[path]
        body = "".join(self._figures(photo) for photo in self._world.photos if not photo.fault)
        head = told if isinstance(told, str) else ""
        answer = html_answer(_document("Closed", head, f"<main>{body}</main>"))
        return answer.with_headers(**told) if isinstance(told, dict) else answer

    def _url(self, photo: Photo) -> str:
        """The address in HTML; empty where the listing has no text for it."""
        url = self._world.listed_url(self.site, photo)
        return escape(url.removeprefix(self._world.origins["gallery"])) if isinstance(url, str) else ""

    def _small(self, photo: Photo) -> str:
        return f"/small/{photo.name}?w=160"

    def _figures(self, photo: Photo) -> str:
        url, small = self._url(photo), self._small(photo)
        sizes = f'width="{photo.width}" height="{photo.height}"' if photo.fault != "wrong-types" else 'width="many"'
        source = f'src="{small}" srcset="{small} 160w, {url} {photo.width}w"' if url else ""
        alt = "" if photo.fault == "null-fields" else f' alt="{escape(photo.shown_title)}"'
        picture = f'<a href="/photo/{photo.number}"><img class="photo" {source} sizes="50vw" {sizes}{alt}></a>'
        return f'<figure id="p{photo.number}">{picture}<figcaption>{_credit(photo)}</figcaption></figure>\n'

    def _picture(self, photo: Photo) -> str:
        url, small = self._url(photo), self._small(photo)
        sources = f'<source media="(min-width: 800px)" srcset="{url} 2x, {small} 1x">' if url else ""
        image = f'<img src="{small}" alt="{escape(photo.shown_title)}">' if url else "<img>"
        return f'<div class="card"><picture>{sources}{image}</picture>{_credit(photo)}</div>\n'

    def _lazy(self, photo: Photo) -> str:
        url = self._url(photo)
        blank = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
        picture = f'<img src="{blank}" loading="lazy" data-src="{url}" alt="{escape(photo.shown_title)}">'
        return f"<figure>{picture}<noscript><img src='{url}'></noscript>{_credit(photo)}</figure>\n"

    def _ld(self, photo: Photo) -> str:
        return _script(self._described(photo))

    def _links(self, photo: Photo) -> str:
        return f'<li><a class="photo" href="/photo/{photo.number}">{escape(photo.shown_title)}</a></li>\n'

    def _described(self, photo: Photo) -> dict[str, Any]:
        """A photo in the words of schema.org."""
        item: dict[str, Any] = {
            "@context": "https://schema.org/",
            "@type": "ImageObject",
            "name": photo.shown_title,
            "contentUrl": self._world.listed_url(self.site, photo),
            "thumbnailUrl": urljoin(self._world.origins["gallery"], self._small(photo)),
            "acquireLicensePage": f"{self._world.origins['gallery']}/photo/{photo.number}",
            "license": None if photo.fault == "null-licence" else _licence_url(photo),
            "creditText": photo.author,
            "creator": {"@type": "Person", "name": photo.author, "url": photo.author_url} if photo.author else None,
            "width": photo.width if photo.fault != "wrong-types" else {"@type": "QuantitativeValue", "value": "many"},
            "height": photo.height,
        }
        if photo.fault == "null-fields":
            item |= dict.fromkeys(("name", "thumbnailUrl", "width", "height"))
        return item

    def _own_page(self, photo: Photo) -> str:
        """A page of one photo: Open Graph in its head, and JSON-LD."""
        url = self._world.listed_url(self.site, photo)
        properties = {
            "og:type": "article",
            "og:title": photo.shown_title,
            "og:url": f"{self._world.origins['gallery']}/photo/{photo.number}",
            "og:image": url if isinstance(url, str) else "",
            "og:image:width": str(photo.width),
            "og:image:height": str(photo.height),
        }
        head = "".join(f'<meta property="{key}" content="{escape(text)}">' for key, text in properties.items() if text)
        return _document(
            photo.shown_title, head + _script(self._described(photo)), f"<main>{self._figures(photo)}</main>"
        )


def _document(title: str, head: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{head}</head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _script(value: dict[str, Any]) -> str:
    """JSON-LD, with nothing in it that ends a script."""
    text = json.dumps(value).replace("</", "<\\/").replace("<!--", "<\\u0021--")
    return f'<script type="application/ld+json">{text}</script>\n'


def _licence_url(photo: Photo) -> str:
    return "https://photos.invalid/terms" if photo.fault == "odd-licence" else photo.licence_url


def _credit(photo: Photo) -> str:
    """Title, author and licence as they stand below a photo."""
    author = f'<a rel="author" href="{photo.author_url}">{escape(photo.author)}</a>' if photo.author else ""
    licence = ""
    if photo.fault != "null-licence":
        licence = f'<a rel="license" href="{_licence_url(photo)}">{photo.licence_name}</a>'
    return f'<cite class="title">{escape(photo.shown_title)}</cite> by {author}, {licence}'
