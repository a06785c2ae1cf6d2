"""The replicas are what they say: asked by a plain client, compared with what the real ones are known to answer."""

import json
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests
from bs4 import BeautifulSoup
from conftest import ROOT
from protego import Protego
from replica_files import FORBIDDEN
from replica_gallery import CLOSED, PER_PAGE, STYLES
from replica_kit import busiest, most_open, replica
from replica_people import HOSTILE as NAMES
from replica_world import KEYWORDS

AGENT = {"User-Agent": "test/1 (+mailto:test@example.org)"}


@pytest.fixture(scope="module")
def site():
    with replica(photos=120) as running:
        yield running


def get(url, **headers):
    return requests.get(url, headers=AGENT | headers, timeout=10, allow_redirects=False)


def pages(site, url, following):
    """The JSON of all pages from a URL on."""
    while url:
        answer = get(url, Authorization=site.key).json()
        yield answer
        url = following(url, answer)


def test_openverse_lists_all_that_it_documents(site):
    answer = get(f"{site.openverse}images/?q=nature&page_size=3&page=2").json()
    assert answer.keys() == {"result_count", "page_count", "page_size", "page", "results"}
    assert (answer["result_count"], answer["page_count"], answer["page_size"], answer["page"]) == (11, 4, 3, 2)
    known = (
        "id title indexed_on foreign_landing_url url creator creator_url license license_version license_url provider "
        "source category filesize filetype tags attribution fields_matched mature height width thumbnail detail_url "
        "related_url unstable__sensitivity"
    )
    assert all(result.keys() == set(known.split()) for result in answer["results"])
    first = answer["results"][0]
    assert get(first["detail_url"]).json() == first
    assert get(first["thumbnail"]).headers["Content-Type"] == "image/jpeg"
    photo = next(photo for photo in site.photos if photo.name in first["url"])
    assert (first["title"], first["creator"], first["license"]) == (photo.shown_title, photo.author, photo.licence)
    assert get(first["url"]).content.startswith((b"\xff\xd8", b"\x89PNG"))


def test_openverse_filters_and_refuses_as_it_does(site):
    for licences in ("cc0", "cc0,pdm,by"):
        found = get(f"{site.openverse}images/?q=everything&license={licences}").json()
        assert found["result_count"] == len(site.good(licences=licences.split(",")))
        assert {result["license"] for result in found["results"]} <= set(licences.split(","))
    for query, status, text in (
        ("page_size=21", 401, "page_size may not exceed 20 for anonymous requests"),
        ("page_size=20&page=13", 401, "pagination depth may not exceed 240"),
        ("q=nature&page=2", 404, "Invalid page"),
        ("license=cc-by", 400, "License 'cc-by' does not exist."),
        ("page=x", 400, "integer"),
    ):
        answer = get(f"{site.openverse}images/?{query}")
        assert (answer.status_code, text in answer.text) == (status, True)
    assert get(f"{site.openverse}images?q=nature").headers["Location"] == "/v1/images/?q=nature"
    assert get(f"{site.openverse}images/?q=nothing").json()["results"] == []
    assert get(f"{site.openverse}images/").headers["x-ratelimit-limit-anon_burst"] == "20/min"


def test_commons_continues_until_all_is_listed(site):
    start = f"{site.commons}?action=query&format=json&formatversion=2&generator=search&gsrnamespace=6&gsrlimit=50"
    start += "&gsrsearch=filetype:bitmap%20everything&prop=imageinfo&iiprop=url|size|mime|sha1|extmetadata"

    def following(_, answer):
        return f"{start}&gsroffset={answer['continue']['gsroffset']}" if "continue" in answer else ""

    answers = list(pages(site, start, following))
    assert [len(answer["query"]["pages"]) for answer in answers] == [50, 50, 20]
    assert answers[0]["continue"] == {"gsroffset": 50, "continue": "gsroffset||"}
    found = [page for answer in answers for page in answer["query"]["pages"]]
    assert {page["pageid"] for page in found} == {photo.number for photo in site.photos}
    assert sorted(page["index"] for page in found) == list(range(1, 121))
    assert [page["index"] for page in found[:50]] != list(range(1, 51))
    info = found[0]["imageinfo"][0]
    assert info.keys() >= {"url", "descriptionurl", "size", "width", "height", "mime", "sha1", "extmetadata"}
    assert info["extmetadata"]["LicenseShortName"]["value"][:2] in ("CC", "Pu")
    got = get(info["url"])
    photo = next(photo for photo in site.photos if photo.number == found[0]["pageid"])
    assert (len(got.content), photo.sha1) == (info["size"], info["sha1"])


def test_commons_refuses_scales_and_formats_as_it_does(site):
    search = f"{site.commons}?action=query&format=json&generator=search&gsrnamespace=6&gsrsearch=cat&prop=imageinfo"
    assert requests.get(search, timeout=10).status_code == 403  # python-requests
    assert get(search, **{"User-Agent": ""}).status_code == 403
    by_number = get(search).json()
    assert (by_number["batchcomplete"] if "continue" not in by_number else "") == ""
    assert all(number == str(page["pageid"]) for number, page in by_number["query"]["pages"].items())
    scaled = get(f"{search}&formatversion=2&iiprop=url|size&iiurlwidth=250").json()["query"]["pages"][0]["imageinfo"][0]
    assert scaled["thumbwidth"] == 250
    assert "/250px-" in scaled["thumburl"]
    assert get(scaled["thumburl"]).content[:2] == b"\xff\xd8"
    assert get(search.replace("=cat", "=dodo") + "&formatversion=2").json() == {"batchcomplete": True}
    assert get(f"{site.commons}?action=query&generator=search").headers["Content-Type"].startswith("text/html")
    error = get(f"{site.commons}?action=query&format=json&generator=search")
    assert (error.json()["error"]["code"], error.headers["MediaWiki-API-Error"]) == ("missingparam", "missingparam")


def test_pexels_wants_its_key_and_counts(site):
    url = f"{site.pexels}search?query=food&per_page=5"
    for key in ("", "wrong", f"Bearer {site.key}"):
        assert get(url, Authorization=key).status_code == 401
    answer = get(url, Authorization=site.key)
    body = answer.json()
    assert body.keys() == {"total_results", "page", "per_page", "photos", "next_page"}
    assert body["next_page"] == f"{site.pexels}search/?page=2&per_page=5&query=food"
    photo = body["photos"][0]
    assert " ".join(photo) == (
        "id width height url photographer photographer_url photographer_id avg_color src liked alt"
    )
    assert " ".join(photo["src"]) == "original large2x large medium small portrait landscape tiny"
    assert urlsplit(photo["src"]["original"]).path.startswith(f"/photos/{photo['id']}/pexels-photo-{photo['id']}.")
    listed = [answer["photos"] for answer in pages(site, url, lambda _, answer: answer.get("next_page"))]
    assert [len(photos) for photos in listed] == [5, 5, 1]
    left = int(answer.headers["X-Ratelimit-Remaining"])
    for bad in ("search", "search?query=x&per_page=81"):
        refused = get(site.pexels + bad, Authorization=site.key)
        assert refused.status_code == 400
        assert not any("ratelimit" in name.lower() for name in refused.headers)
    assert int(get(url, Authorization=site.key).headers["X-Ratelimit-Remaining"]) == left - 6
    assert get(f"{site.pexels}photos/{photo['id']}", Authorization=site.key).json() == photo


def test_pexels_scales_like_imgix(site):
    from io import BytesIO

    from PIL import Image

    photo = get(f"{site.pexels}curated", Authorization=site.key).json()["photos"][1]
    sizes = {name: Image.open(BytesIO(get(url).content)).size for name, url in photo["src"].items()}
    assert sizes["original"] == (photo["width"], photo["height"])
    assert sizes["small"][1] == 130
    assert sizes["tiny"] == (280, 200)
    assert sizes["large"] == sizes["original"]  # never enlarged


def test_the_gallery_shows_all_photos_in_every_style(site):
    numbers = {photo.number for photo in site.photos}
    for style in STYLES:
        url, seen = f"{site.gallery}{style}/everything/", ""
        count = 0
        while url:
            soup = BeautifulSoup(get(url).text, "html.parser")
            seen, count = seen + str(soup.main), count + 1
            following = soup.find("a", rel="next")
            url = site.gallery + following["href"][1:] if following else ""
        assert count == -(-len(numbers) // PER_PAGE)
        assert all(str(number) in seen for number in numbers)
    soup = BeautifulSoup(get(f"{site.gallery}figures/cat/").text, "html.parser")
    figure, photo = soup.figure, next(photo for photo in site.photos if photo.query == "cat")
    assert figure.img["srcset"] == f"/small/{photo.name}?w=160 160w, /pictures/{photo.name} {photo.width}w"
    assert figure.find("a", rel="license")["href"] == photo.licence_url
    assert figure.find("a", rel="author").get_text() == photo.author
    own = BeautifulSoup(get(f"{site.gallery}photo/{photo.number}").text, "html.parser")
    assert own.find("meta", property="og:image")["content"].endswith(f"/pictures/{photo.name}")
    described = json.loads(own.find("script", type="application/ld+json").string)
    assert (described["license"], described["creator"]["name"]) == (photo.licence_url, photo.author)


def test_the_gallery_links_to_where_robots_may_not_go(site):
    robots = Protego.parse(get(f"{site.gallery}robots.txt").text)
    soup = BeautifulSoup(get(site.gallery).text, "html.parser")
    paths = [link["href"] for link in soup.find_all("a", href=True)] + [image["src"] for image in soup.find_all("img")]
    forbidden = [path for path in paths if path.startswith("/") and not robots.can_fetch(path, "deblurbench")]
    assert len(forbidden) >= 3
    for path in (*paths, "/private/x.jpg", "/a/locked/b.jpg", "/locked/b.jpg", "/a/locked/b.gif", "/private/welcome"):
        if path.startswith("/"):
            assert bool(FORBIDDEN.match(path)) != robots.can_fetch(path, "deblurbench"), path
    told = get(f"{site.gallery}.well-known/tdmrep.json").json()
    assert [(rule["location"], rule["tdm-reservation"]) for rule in told] == [("/reserved/*", 1)]
    for path, what in CLOSED.items():
        page = get(site.gallery + path[1:])
        assert "figure" in page.text
        assert not what or (what in page.text if isinstance(what, str) else what.items() <= page.headers.items())
    before = len(site.trespasses())
    get(f"{site.gallery}private/pixel/999999.jpg")
    get(site.trap)
    assert len(site.trespasses()) == before + 2


def test_whoever_has_an_answer_gets_304(site):
    photo = site.photos[0]
    urls = (f"{site.openverse}images/?q=cat", f"{site.pexels}curated", site.gallery, f"{site.files}photos/{photo.name}")
    for url in urls:
        first = get(url, Authorization=site.key)
        for validator in (
            {"If-None-Match": first.headers["ETag"]},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again = get(url, Authorization=site.key, **validator)
            assert (again.status_code, again.content) == (304, b"")
        assert get(url, Authorization=site.key, **{"If-None-Match": '"other"'}).status_code == 200


def test_the_photos_have_hostile_authors_and_all_queries(site):
    assert {photo.query for photo in site.photos} == set(KEYWORDS)
    assert len({photo.author for photo in site.photos} & set(NAMES)) > 10
    assert {photo.licence for photo in site.photos} >= {"by", "cc0", "pdm", "by-sa"}
    assert len({photo.sha256 for photo in site.photos}) == len(site.photos) == len(site.good())


def test_the_log_counts_what_is_open_and_waiting_is_nobodys_loss():
    with replica(photos=24, latency=0.2) as site:
        urls = [f"{site.files}photos/{photo.name}" for photo in site.photos]
        threads = [
            threading.Thread(target=lambda part: [get(url) for url in part], args=(urls[i::8],)) for i in range(8)
        ]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0.6 <= time.monotonic() - start < 4.4  # 24 photos, 8 at once; one after the other, 4.8 s
        hits = site.requests("files")
        assert sorted(hit.path for hit in hits) == sorted(urlsplit(url).path for url in urls)
        assert all(hit.status == 200 and hit.agent == AGENT["User-Agent"] and not hit.key for hit in hits)
        assert 5 <= most_open(hits) <= 8
        assert 8 <= busiest(hits, 0.09) <= 24
        assert busiest(hits, 60) == 24
        with requests.Session() as session:
            for url in urls[:3]:
                session.get(url, headers=AGENT | {"Authorization": "x"}, timeout=5)
        assert [(hit.open, hit.key) for hit in site.requests("files")[-3:]] == [(1, True)] * 3
        assert site.requests() == sorted(site.requests())


def test_it_runs_as_a_program(tmp_path):
    command = [
        sys.executable,
        ROOT / "tests" / "replica_kit.py",
        "--photos",
        "3",
        "--log",
        "seen.jsonl",
        "--robots=none",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        said = json.loads(process.stdout.readline())
        assert get(f"{said['files']}robots.txt").status_code == 404
        assert json.loads((tmp_path / "seen.jsonl").read_text())["path"] == "/robots.txt"
        assert len(json.loads((tmp_path / "seen.jsonl.truth.json").read_text())) == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
