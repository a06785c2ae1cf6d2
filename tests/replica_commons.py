"""Wikimedia Commons' `api.php` as far as a search for files goes, after MediaWiki's documentation."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from replica_apis import Api, odd_fields
from replica_http import Answer, Request, html_answer, json_answer
from replica_world import Photo, World, commons_name

_MOST = 500
_HELP = "See https://commons.wikimedia.org/w/api.php for API usage."
_UTM = "?utm_source=commons.wikimedia.org&utm_campaign=imageinfo&utm_content="
_SHORT = {"cc0": "CC0", "pdm": "Public domain"}


class Commons(Api):
    """`action=query` with `generator=search` or `categorymembers` and `prop=imageinfo`."""

    site = "commons"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._lag = world.settings.lag

    def respond(self, request: Request) -> Answer:
        """Any request; errors have status 200, as there."""
        query = request.query
        if request.path != "/w/api.php":
            return html_answer("<!DOCTYPE html><html><body>No such page</body></html>", 404)
        if query.get("format") != "json":
            return html_answer("<!DOCTYPE html><html><body>MediaWiki API result</body></html>")
        most = query.get("maxlag", "")
        if most.isdecimal() and self._lag > int(most):
            return self._lagged()
        if query.get("action") != "query":
            return _error("badvalue", 'Unrecognized value for parameter "action".')
        generator = query.get("generator", "search")
        prefix = {"search": "gsr", "categorymembers": "gcm"}.get(generator, "")
        words = _words(query) if prefix else ""
        if not words:
            return _error("missingparam", 'The "gsrsearch" parameter must be set.')
        return self._listing(query, prefix, words)

    def _lagged(self) -> Answer:
        lag, self._lag = self._lag, self._lag - 1
        headers = {"Retry_After": str(self.settings.retry_after), "X_Database_Lag": str(lag)}
        info = f"Waiting for db1234: {lag} seconds lagged."
        return _error("maxlag", info, host="db1234", lag=lag, type="db").with_headers(**headers)

    def _listing(self, query: dict[str, str], prefix: str, words: str) -> Answer:
        limit = query.get(f"{prefix}limit", "10")
        size = _MOST if limit == "max" else min(int(limit), _MOST) if limit.isdecimal() and int(limit) else 10
        start = query.get("gsroffset") or query.get("gcmcontinue", "").rpartition("|")[2]
        offset = int(start) if start.isdecimal() else 0
        # Files alone: in the default namespace of a search there are none.
        photos = self.world.found(words) if query.get(f"{prefix}namespace") == "6" or prefix == "gcm" else []
        items, pages = self.slice(photos, offset // size + 1, size)
        items = [self._asked_for(item, query) for item in items]
        for position, item in enumerate(items):
            if isinstance(item, dict) and item:
                item["index"] = offset + position + 1
        body: dict[str, Any] = {}
        if offset // size + 1 < pages and self.mode != "no-next":
            key = "gsroffset" if prefix == "gsr" else "gcmcontinue"
            token = offset + size if prefix == "gsr" else f"page|41|{offset + size}"
            body["continue"] = {key: token, "continue": f"{key}||"}
        if self.mode == "split" and items:
            items, body = self._split(items, query, body)
        # The order of a search is in `index`; the list has one of its own.
        items.sort(key=lambda item: str(item.get("title")) if isinstance(item, dict) else "")
        if "continue" not in body or not body["continue"].get("iicontinue"):
            body["batchcomplete"] = True
        if items or self.mode == "null-results":
            body["query"] = {"pages": None if self.mode == "null-results" else items}
        return json_answer(body if query.get("formatversion") == "2" else _first_format(body))

    def _asked_for(self, item: Any, query: dict[str, str]) -> Any:
        """An item with no more than was asked for."""
        if not isinstance(item, dict) or not isinstance(infos := item.get("imageinfo"), list) or infos == [None]:
            return item
        if "imageinfo" not in query.get("prop", "").split("|"):
            return {key: value for key, value in item.items() if key != "imageinfo"}
        info = dict(infos[0])
        known = set(query.get("iiextmetadatafilter", "|".join(info["extmetadata"])).split("|"))
        info["extmetadata"] = {key: value for key, value in info["extmetadata"].items() if key in known}
        width = query.get("iiurlwidth", "")
        if width.isdecimal() and isinstance(info["url"], str):
            info |= _thumb(info, int(width))
        wanted = query.get("iiprop", "timestamp|user").split("|")
        keys = [key for prop in wanted for key in _PROPS.get(prop, ())]
        return item | {"imageinfo": [{key: value for key, value in info.items() if key in keys}]}

    def _split(self, items: list[Any], query: dict[str, str], body: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Half the items with their files and a continuation that brings the other half; then that half."""
        again, middle = "iicontinue" in query, len(items) // 2
        bare = [{key: value for key, value in item.items() if key != "imageinfo"} for item in items]
        if again:
            return bare[:middle] + items[middle:], body
        token = f"{items[middle]['title'].removeprefix('File:')}|20200102030405"
        here = {key: query[key] for key in ("gsroffset", "gcmcontinue") if key in query}  # where the generator is
        further = {"iicontinue": token, **here, "continue": f"{''.join(here)}||"}
        return items[:middle] + bare[middle:], {"continue": further}

    def item(self, photo: Photo) -> Any:
        """A file's page, with all that there is to ask for."""
        url = self.world.listed_url(self.site, photo)
        page = f"https://commons.wikimedia.org/wiki/File:{commons_name(photo)}"
        info: dict[str, Any] = {
            "timestamp": "2020-01-02T03:04:05Z",
            "user": "Uploader",
            "size": photo.bytes,
            "width": photo.width,
            "height": photo.height,
            "url": f"{url}{_UTM}original" if url == self.world.url(self.site, photo) else url,
            "descriptionurl": page,
            "descriptionshorturl": f"https://commons.wikimedia.org/w/index.php?curid={photo.number}",
            "sha1": "0" * 40 if photo.fault == "wrong-sha1" else photo.sha1,
            "mime": f"image/{photo.type}",
            "extmetadata": _metadata(photo),
        }
        info |= odd_fields(photo, licence=(), nulls=("width", "height", "descriptionurl", "size"))
        title = f"File:{commons_name(photo)}".replace("_", " ")
        return {"pageid": photo.number, "ns": 6, "title": title, "imagerepository": "local", "imageinfo": [info]}


_PROPS = {
    "timestamp": ("timestamp",),
    "user": ("user",),
    "url": ("url", "descriptionurl", "descriptionshorturl", "thumburl", "thumbwidth", "thumbheight"),
    "size": ("size", "width", "height"),
    "mime": ("mime",),
    "sha1": ("sha1",),
    "extmetadata": ("extmetadata",),
}


def _words(query: dict[str, str]) -> str:
    """What is searched for, without `filetype:bitmap` and its like; a category's name without `Category:`."""
    if category := query.get("gcmtitle"):
        return category.removeprefix("Category:").replace("_", " ")
    words = query.get("gsrsearch", "").replace('"', "").split()
    return " ".join(word for word in words if ":" not in word and not word.startswith("-"))


def _thumb(info: dict[str, Any], width: int) -> dict[str, Any]:
    """A scaled file; the original where that is no wider."""
    if not isinstance(info["width"], int) or width >= info["width"]:
        url = info["url"].replace("=original", "=thumbnail_unscaled")
        return {"thumburl": url, "thumbwidth": info["width"], "thumbheight": info["height"]}
    path, _, name = info["url"].partition("?")[0].rpartition("/")
    url = f"{path.replace('/commons/', '/commons/thumb/')}/{name}/{width}px-{name}{_UTM}thumbnail"
    return {"thumburl": url, "thumbwidth": width, "thumbheight": round(info["height"] * width / info["width"])}


def _metadata(photo: Photo) -> dict[str, Any]:
    """`extmetadata`: HTML, collected from templates that people filled in."""
    name = _SHORT.get(photo.licence, photo.licence_name)
    url = photo.licence_url.rstrip("/")
    licence = {
        "LicenseShortName": name,
        "UsageTerms": f"Creative Commons {name}",
        "License": {"cc0": "cc0", "pdm": "pd"}.get(photo.licence, f"cc-{photo.licence}-{photo.licence_version}"),
        "LicenseUrl": url.replace("https", "http") + "/deed.en" if photo.licence == "cc0" else url,
    }
    if photo.licence == "pdm":
        del licence["LicenseUrl"]
    values: dict[str, Any] = {
        "DateTimeOriginal": "2019-08-07",
        "ObjectName": escape(photo.shown_title),
        "ImageDescription": f"<p>{escape(photo.shown_title)}</p>",
        "Categories": photo.query.capitalize(),
        "Credit": '<span class="int-own-work" lang="en">Own work</span>',
        "Artist": _artist(photo),
        "AttributionRequired": "false" if photo.licence in _SHORT else "true",
        "Copyrighted": "False" if photo.licence in _SHORT else "True",
        "Restrictions": "",
    } | (licence | odd_fields(photo, licence=tuple(licence), nulls=()))
    missing = {"Artist"} if not photo.author else set()
    missing |= {key for key, value in values.items() if value is None}
    return {
        key: {"value": value, "source": "commons-desc-page", "hidden": ""}
        for key, value in values.items()
        if key not in missing
    }


def _artist(photo: Photo) -> str:
    """An author in one of the ways in which people write one."""
    name = escape(photo.author)
    user = quote(photo.author.encode("utf-8", "replace")[:80])
    return (
        name,
        f'<a href="//commons.wikimedia.org/wiki/User:{user}" title="User:{name[:80]}">{name}</a>',
        f'<bdi><a href="{photo.author_url}" class="extiw">{name}</a></bdi>',
        f'<div class="fn value">\n{name}</div><span style="display: none;">Q123456</span>',
    )[photo.number % 4]


def _error(code: str, info: str, **more: Any) -> Answer:
    error = {"code": code, "info": info, **more, "docref": _HELP}
    return json_answer({"error": error, "servedby": "mw-api-ext.replica"}, MediaWiki_API_Error=code)


def _first_format(body: dict[str, Any]) -> dict[str, Any]:
    """The same in the format of version 1: pages by their number, and an empty text for true."""
    pages = (body.get("query") or {}).get("pages")
    if isinstance(pages, list):
        body["query"] = {"pages": {str(page.get("pageid")): page for page in pages if isinstance(page, dict)}}
    return body | ({"batchcomplete": ""} if "batchcomplete" in body else {})
