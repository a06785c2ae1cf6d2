"""The search of Pexels, after its documentation."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from replica_apis import Api, odd_fields, whole
from replica_http import Answer, Request, json_answer
from replica_world import Photo, World

_SRC = {
    "large2x": "dpr=2&h=650&w=940",
    "large": "h=650&w=940",
    "medium": "h=350",
    "small": "h=130",
    "portrait": "fit=crop&h=1200&w=800",
    "landscape": "fit=crop&h=627&w=1200",
    "tiny": "dpr=1&fit=crop&h=200&w=280",
}


class Pexels(Api):
    """`GET /v1/search`, `/v1/curated` and `/v1/photos/:id`, for whoever has the key."""

    site = "pexels"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._asked = 0

    def respond(self, request: Request) -> Answer:
        """Any request; the headers that tell of the quota come with 2xx alone."""
        if request.headers.get("authorization") != self.settings.key:
            return json_answer({"error": "Unauthorized"}, 401)
        self._asked += 1
        if self._asked > self.settings.hourly:
            return json_answer({"error": "Too many requests"}, 429)
        answer = self._route(request)
        if answer.status != 200:
            return answer
        left, reset = str(20_000 - self._asked), str(int(time.time()) + 20 * 86_400)
        return answer.with_headers(X_Ratelimit_Limit="20000", X_Ratelimit_Remaining=left, X_Ratelimit_Reset=reset)

    def _route(self, request: Request) -> Answer:
        path = request.path.rstrip("/")
        query = request.query
        if path == "/v1/search":
            if not query.get("query"):
                return json_answer({"error": "The query parameter is missing"}, 400)
            return self._listing(path, query, self.world.found(query["query"]))
        if path == "/v1/curated":
            return self._listing(path, query, self.world.found("everything"))
        number = path.removeprefix("/v1/photos/")
        photo = self.world.by_number.get(int(number)) if number.isdecimal() else None
        return json_answer(self.item(photo)) if photo else json_answer({"error": "Not Found"}, 404)

    def _listing(self, path: str, query: dict[str, str], photos: list[Photo]) -> Answer:
        errors: dict[str, list[str]] = {}
        page, size = (whole(query, name, default, errors) for name, default in (("page", 1), ("per_page", 15)))
        if errors or (size > 80 and self.settings.oversize == "refuse"):
            return json_answer({"error": "per_page and page are whole numbers, per_page 80 at most"}, 400)
        size = min(size, 80)
        items, pages = self.slice(photos, page, size)
        body: dict[str, Any] = {
            "total_results": len(photos),
            "page": page,
            "per_page": size,
            "photos": None if self.mode == "null-results" else items,
        }
        origin = self.trap if self.mode == "foreign-next" else self.world.origins["pexels"]
        for name, other in (("next_page", page + 1), ("prev_page", page - 1)):
            if 0 < other <= pages and self.mode != "no-next":
                known = {key: value for key, value in query.items() if key not in ("page", "per_page")}
                # The slash before the question mark is theirs.
                body[name] = f"{origin}{path}/?{urlencode({'page': other, 'per_page': size} | known)}"
        return json_answer(body)

    def item(self, photo: Photo) -> Any:
        """A photo, with all documented fields."""
        url = self.world.listed_url(self.site, photo)
        src = {"original": url}
        for name, scaling in _SRC.items():
            src[name] = f"{url}?auto=compress&cs=tinysrgb&{scaling}" if isinstance(url, str) else url
        number = int(photo.author_url.rpartition("/")[2])
        item: dict[str, Any] = {
            "id": photo.number,
            "width": photo.width,
            "height": photo.height,
            "url": f"https://www.pexels.com/photo/{photo.title.lower().replace(' ', '-')}-{photo.number}/",
            "photographer": photo.author or None,
            "photographer_url": f"https://www.pexels.com/@{number}",
            "photographer_id": number,
            "avg_color": None if photo.number % 5 == 0 else "#978E82",
            "src": src,
            "liked": False,
            "alt": None if photo.number % 7 == 0 else photo.shown_title,
        }
        return item | odd_fields(photo, licence=(), nulls=("width", "height", "photographer_url", "avg_color", "alt"))
