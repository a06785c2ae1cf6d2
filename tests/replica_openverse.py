"""Openverse as far as a search goes: after its serializers, and what its clients report of its answers."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import Any

from replica_apis import Api, odd_fields, whole
from replica_files import Files
from replica_http import Answer, Request, json_answer
from replica_world import Photo, World

_LICENCES = {"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "cc0", "pdm", "sampling+", "nc-sampling+"}
_NULLABLE = (
    "title", "creator_url", "foreign_landing_url", "filesize", "filetype", "category", "width", "height", "tags",
)  # fmt: skip


class Openverse(Api):
    """`GET /v1/images/`, and the details of one image. What it says of limits is what its answers really say."""

    site = "openverse"
    failures = (*Api.failures, Answer(429, b'{"detail": "Request was throttled."}'))

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._times: list[float] = []
        self._ids = {_uuid(photo): photo for photo in world.photos}
        self._files = Files(world)

    def respond(self, request: Request) -> Answer:
        """Search, detail or thumbnail."""
        now = time.monotonic()
        self._times = [moment for moment in self._times if moment > now - 60] + [now]
        if self.settings.burst and len(self._times) > self.settings.burst:
            self._times.pop()
            wait = round(self._times[0] + 61 - now)
            detail = f"Request was throttled. Expected available in {wait} seconds."
            return json_answer({"detail": detail}, 429, Retry_After=str(wait))
        headers = {
            "x-ratelimit-limit-anon_burst": "20/min",
            "x-ratelimit-available-anon_burst": str(max(0, 20 - len(self._times))),
            "x-ratelimit-limit-anon_sustained": "200/day",
            "Vary": "Accept, Authorization, origin",
            "Allow": "GET, HEAD, OPTIONS",
        }
        answer = self._route(request)
        return replace(answer, headers=answer.headers | headers)

    def _route(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["v1", "images"] or len(parts) > 4:
            return json_answer({"detail": "Not found."}, 404)
        if not request.path.endswith("/"):
            return Answer(301).with_headers(Location=request.target.replace(request.path, request.path + "/", 1))
        if len(parts) == 2:
            return self._search(request.query)
        photo = self._ids.get(parts[2])
        if photo is None:
            return json_answer({"detail": "No Image matches the given query."}, 404)
        if len(parts) == 4:
            thumb = self._files.photo(Request("GET", f"/photos/{photo.name}?w=600", request.headers))
            return thumb if parts[3] == "thumb" and thumb else json_answer({"detail": "Not found."}, 404)
        return json_answer(self.item(photo))

    def _search(self, query: dict[str, str]) -> Answer:
        errors: dict[str, list[str]] = {}
        page, size = (whole(query, name, default, errors) for name, default in (("page", 1), ("page_size", 20)))
        wanted = set(filter(None, query.get("license", "").lower().split(",")))
        for unknown in sorted(wanted - _LICENCES):
            errors.setdefault("license", []).append(f"License '{unknown}' does not exist.")
        if errors:
            return json_answer({"detail": errors}, 400)
        if size > 20 and self.settings.oversize == "refuse":
            return json_answer({"detail": "page_size may not exceed 20 for anonymous requests"}, 401)
        size = min(size, 20)
        if page * size > self.settings.depth and self.mode != "endless":
            detail = f"pagination depth may not exceed {self.settings.depth} for anonymous requests"
            return json_answer({"detail": detail}, 401, WWW_Authenticate='Bearer realm="api"')
        photos = self.world.found(query.get("q", "everything"))
        if wanted:
            photos = [photo for photo in photos if photo.licence in wanted or photo.fault.endswith("-licence")]
        photos = photos if query.get("category", "photograph") in ("", "photograph") else []
        return self._listing(photos, page, size)

    def _listing(self, photos: list[Photo], page: int, size: int) -> Answer:
        items, pages = self.slice(photos, page, size)
        if page > max(pages, 1) and self.settings.beyond != 200:
            return json_answer({"detail": "Invalid page."}, self.settings.beyond)
        if self.mode != "endless":
            pages = min(pages, self.settings.depth // size)
        body: dict[str, Any] = {
            "result_count": min(len(photos), self.settings.depth),
            "page_count": pages,
            "page_size": size,
            "page": page,
            "results": None if self.mode == "null-results" else items,
        }
        if self.mode == "no-next":
            del body["result_count"], body["page_count"]
        return json_answer(body)

    def item(self, photo: Photo) -> Any:
        """A result, with all documented fields."""
        number, origin = _uuid(photo), self.world.origins["openverse"]
        item: dict[str, Any] = {
            "id": number,
            "title": photo.shown_title,
            "indexed_on": "2023-04-05T06:07:08.901234Z",
            "foreign_landing_url": f"https://photos.invalid/photo/{photo.number}",
            "url": self.world.listed_url(self.site, photo),
            "creator": photo.author or None,
            "creator_url": photo.author_url,
            "license": photo.licence,
            "license_version": photo.licence_version,
            "license_url": photo.licence_url,
            "provider": "flickr",
            "source": "flickr",
            "category": "photograph",
            "filesize": photo.bytes if photo.number % 3 else None,
            "filetype": photo.suffix,
            "tags": [{"name": photo.query, "accuracy": None, "unstable__provider": "flickr"}],
            "attribution": f'"{photo.shown_title}" by {photo.author} is licensed under {photo.licence_name}.',
            "fields_matched": ["tags.name"],
            "mature": False,
            "height": photo.height,
            "width": photo.width,
            "thumbnail": f"{origin}/v1/images/{number}/thumb/",
            "detail_url": f"{origin}/v1/images/{number}/",
            "related_url": f"{origin}/v1/images/{number}/related/",
            "unstable__sensitivity": [],
        }
        return item | odd_fields(photo, licence=("license", "license_version", "license_url"), nulls=_NULLABLE)


def _uuid(photo: Photo) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(photo.number)))
