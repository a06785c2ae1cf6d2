"""The client and what it remembers: answers of APIs, pages, keys, quotas."""

import gzip
import json
import logging
import socket
import sqlite3
import threading
import time
import tracemalloc
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_kit import Site, in_turn

from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web import answers
from deblurbench.fetch.web.client import Client
from deblurbench.fetch.web.manners import Manners
from deblurbench.sources.html.charset import html_text
from deblurbench.sources.online import OnlineSource, Quota

KEY = "kqzjx-the-key-4711"
QUICK = Manners(rate=500.0, backoff=0.001, retries=2, timeout=5.0, allow_hosts=("127.0.0.1",))


class Archive(OnlineSource):
    """A source with an API; an answer with an `error` is none."""

    source = "archive"
    quotas = ()
    api: str = ""

    def searches(self, queries, licences):
        return []

    def listing(self, web, cursor):
        raise NotImplementedError

    def check_answer(self, answer, url):
        if "error" in answer:
            raise FetchError("refused", kind="not-the-api", passing=answer["error"] == "busy")


class Counted(Archive):
    quotas = (Quota(3, 3600),)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def serve():
    """Make a site of some routes, with a listing at /v1/a."""
    sites = []

    def make(routes=None):
        sites.append(Site({"/v1/a": lambda asked: asked.json({"photos": [1, 2]}), **(routes or {})}))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def client(tmp_path):
    """Make a client; all have the same folder."""
    clients = []

    def make(**manners):
        clients.append(Client(QUICK.model_copy(update=manners), tmp_path / "state", threading.Event()))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


@pytest.fixture
def web(client):
    """What a source of some site asks through, by a client of its own."""

    def make(site, key="", source=Archive, **manners):
        return client(**manners).web(source(api=site.url("/v1/")), key)

    return make


def fails(call, *args):
    with pytest.raises(FetchError) as error:
        call(*args)
    assert str(error.value).isprintable()
    assert KEY not in repr(error.value) + str(error.value)
    return error.value


def test_an_answer_is_asked_for_once_a_day(serve, web):
    site = serve()
    for _ in range(2):
        one = web(site)
        for _ in range(2):
            assert one.json(site.url("/v1/a?page=1&q=")) == {"photos": [1, 2]}
    assert one.json(site.url("/v1/a?page=1")) == {"photos": [1, 2]}
    assert site.paths() == ["/v1/a?page=1&q=", "/v1/a?page=1"]
    assert [seen.path for seen in site.seen] == site.paths()  # no robots.txt: an API is made for programs


def versions(asked):
    """An answer with an ETag, and 304 for who has it."""
    site = asked.server
    tag = f'"{site.version}"'
    if asked.headers.get("If-None-Match") == tag:
        asked.answer(304, ETag=tag)
    else:
        asked.json({"version": site.version}, ETag=tag, Last_Modified="Tue, 01 Jul 2025 08:00:00 GMT")


def test_an_old_answer_is_only_asked_for_again_if_it_changed(serve, web, tmp_path):
    site = serve({"/v1/b": versions})
    site.version = 1
    one = web(site)
    for asked in (1, 1):
        assert one.json(site.url("/v1/b")) == {"version": 1}
        assert len(site.seen) == asked
    grow_old(tmp_path)
    for asked in (2, 2):  # and that is good for another day
        assert one.json(site.url("/v1/b")) == {"version": 1}
        assert len(site.seen) == asked
    assert site.seen[-1].headers["if-none-match"] == '"1"'
    assert site.seen[-1].headers["if-modified-since"] == "Tue, 01 Jul 2025 08:00:00 GMT"
    grow_old(tmp_path)
    site.version = 2
    for asked in (3, 3):
        assert one.json(site.url("/v1/b")) == {"version": 2}
        assert len(site.seen) == asked


def grow_old(tmp_path):
    """Two days pass for the answers in the file."""
    with change(tmp_path) as database:
        for key, text in database.execute("SELECT key, value FROM answers").fetchall():
            value = json.loads(text)
            for name in ("created_at", "expires"):
                value[name] = (datetime.fromisoformat(value[name]) - timedelta(days=2)).isoformat()
            database.execute("UPDATE answers SET value = ? WHERE key = ?", (json.dumps(value), key))


@contextmanager
def change(tmp_path):
    """The file of answers, as a database."""
    database = sqlite3.connect(tmp_path / "state" / "answers.sqlite", isolation_level=None)
    try:
        yield database
    finally:
        database.close()


@pytest.mark.parametrize("number", [301, 404, 500, 304, 204])
def test_only_good_answers_are_kept(number, serve, web):
    site = serve({"/v1/b": lambda asked: asked.json({"a": 1}, number)})
    one = web(site, retries=0)
    for _ in range(2):
        fails(one.json, site.url("/v1/b"))
    assert len(site.seen) == 2


NO_JSON = [
    b"<!DOCTYPE html><title>Down for maintenance</title>",
    b"",
    b'{"photos": [',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b"[" * 100_000,
    b'{"a": "\xff"}',
    b"9" * 10_000,
]


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_json_is_asked_again_and_not_kept(body, serve, web):
    bad = lambda asked: asked.answer(200, body, Content_Type="application/json")  # noqa: E731
    site = serve({"/v1/b": in_turn(bad, bad, bad, lambda asked: asked.json({"good": 1}))})
    one = web(site)
    assert fails(one.json, site.url("/v1/b")).kind == "not-the-api"
    assert len(site.seen) == 3
    assert one.json(site.url("/v1/b")) == {"good": 1}


def test_the_source_has_a_say_before_anything_is_kept(serve, web):
    routes = [{"error": "bad query"}, {"error": "busy"}, {"error": "busy"}, {"photos": []}]
    site = serve({"/v1/b": in_turn(*(lambda asked, each=each: asked.json(each) for each in routes))})
    one = web(site)
    assert not fails(one.json, site.url("/v1/b")).passing
    assert len(site.seen) == 1
    assert one.json(site.url("/v1/b")) == {"photos": []}
    assert len(site.seen) == 4


def test_an_answer_that_asks_for_patience(serve, web):
    """MediaWiki says so with status 200."""
    busy = lambda asked: asked.json({"error": "busy"}, Retry_After="1")  # noqa: E731
    site = serve({"/v1/b": in_turn(busy, lambda asked: asked.json({}))})
    assert web(site).json(site.url("/v1/b")) == {}
    assert site.seen[1].moment - site.seen[0].moment > 0.99


@pytest.mark.parametrize("value", [{}, [], "a\ud800", 0, None, {"a": {"a": 1}}, "\ufeffb"])
def test_any_json_comes_as_it_is(value, serve, web):
    site = serve({"/v1/b": lambda asked: asked.json({"": value})})
    one = web(site)
    assert one.json(site.url("/v1/b")) == one.json(site.url("/v1/b")) == {"": value}


def packed(body, coding="gzip"):
    return lambda asked: asked.answer(
        200, gzip.compress(body), Content_Type="application/json", Content_Encoding=coding
    )


def test_packed_answers_are_unpacked(serve, web):
    site = serve({"/v1/b": packed(b'\xef\xbb\xbf{"a": 1}')})
    assert web(site).json(site.url("/v1/b")) == web(site).json(site.url("/v1/b")) == {"a": 1}
    assert len(site.seen) == 1


def endless(asked):
    asked.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
    while True:
        asked.chunk(b"[" + b" " * 100_000)


@pytest.mark.parametrize("route", [packed(b"[" + bytes(400 << 20)), endless], ids=["bomb", "endless"])
def test_huge_answers_are_refused_while_they_are_read(route, serve, web):
    site = serve({"/v1/b": route})
    one = web(site)
    tracemalloc.start()
    error = fails(one.json, site.url("/v1/b"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.kind == "too-many-bytes"
    assert peak < 60 << 20
    assert len(site.seen) == 1


def test_damaged_packing_is_asked_again(serve, web):
    broken = lambda asked: asked.answer(200, b"no gzip", Content_Encoding="gzip")  # noqa: E731
    site = serve({"/v1/b": in_turn(broken, packed(b"{}"))})
    assert web(site).json(site.url("/v1/b")) == {}


@pytest.mark.parametrize("header", ["Authorization", "X-Secret"])
def test_the_key_goes_to_the_api_alone(header, serve, client, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    other = serve({"/a.jpg": lambda asked: asked.answer(200, b"x", Content_Type="image/jpeg", ETag='"1"')})
    html = lambda asked: asked.answer(200, b"<p>", Content_Type="text/html")  # noqa: E731
    there = lambda asked: asked.answer(302, Location=other.url("/v1/a"))  # noqa: E731
    site = serve({"/v1/b": lambda asked: asked.answer(302, Location="/v1/a"), "/v1/c": there, "/p": html})
    source = type("Keyed", (Archive,), {"key_header": header, "__annotations__": {}})(api=site.url("/v1"))
    one = client()
    asks = one.web(source, KEY)
    for path in ("/v1/a", "/v1/b"):
        assert asks.json(site.url(path)) == {"photos": [1, 2]}
        assert site.seen[-1].headers[header.lower()] == KEY
    count = len(site.seen)
    error = fails(asks.json, site.url("/v1/c"))
    assert (error.kind, error.passing) == ("redirects", False)
    for url in (other.url("/v1/a"), site.url("/v1/a").replace("http:", "https:"), "http://127.0.0.1/v1/a"):
        assert fails(asks.json, url).kind == "not-the-api"
    assert not other.seen
    asks.document(site.url("/p"))
    one.download(other.url("/a.jpg"), tmp_path / "photo")
    others = [*site.seen[count + 1 :], *other.seen]
    assert len(others) >= 4
    assert not any(KEY in seen.headers.values() for seen in others)
    one.close()
    for file in (tmp_path / "state").rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file
    assert {file.name for file in (tmp_path / "state").iterdir()} >= {"answers.sqlite"}
    assert KEY not in caplog.text + repr(vars(one)) + repr(vars(asks))


@pytest.mark.parametrize("key", ["a\nb", f"{KEY}\r\nX: y", "\u00e4", "\x00"])
def test_a_key_that_cannot_be_sent(key, serve, web):
    with pytest.raises(UsageError) as error:
        web(serve(), key)
    assert key not in str(error.value)


def test_a_source_without_an_api(serve, client):
    site = serve()
    error = fails(client().web(Archive()).json, site.url("/v1/a"))
    assert (error.kind, error.hint) == ("not-the-api", "it has no API")
    assert not site.seen


def test_an_api_whose_name_leads_elsewhere(serve, client, monkeypatch):
    looked = []

    def resolve(host, port, *_, **__):
        looked.append(host)
        address = "93.184.215.14" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    site = serve()
    api = f"http://api.example:{site.server_port}/"
    assert fails(client().web(Archive(api=api), KEY).json, api).kind == "address"
    assert not site.seen


def test_quotas_count_what_goes_out(serve, client, tmp_path):
    site = serve({"/v1/b": in_turn(lambda asked: asked.answer(503), lambda asked: asked.json({}))})
    one = client()
    assert one.quota_left() == ""
    web = one.web(Counted(api=site.url("/v1/")), KEY)
    for _ in range(3):
        web.json(site.url("/v1/a"))
    assert one.quota_left() == "2/3 this hour"
    web.json(site.url("/v1/b"))
    assert one.quota_left() == "0/3 this hour"
    web.json(site.url("/v1/b"))  # remembered: costs nothing
    error = fails(web.json, site.url("/v1/a?page=2"))
    assert (error.kind, error.passing) == ("quota", True)
    assert fails(client().web(Counted(api=site.url("/v1/")), "other").json, site.url("/v1/a?page=2")).kind == "quota"
    assert len(site.seen) == 3


def test_a_quota_that_the_site_says_is_used_up(serve, client):
    site = serve({"/v1/b": lambda asked: asked.answer(429)})
    web = client().web(Counted(api=site.url("/v1/")), KEY)
    assert fails(web.json, site.url("/v1/b")).kind == "quota"
    assert len(site.seen) == 1


def test_a_damaged_file_of_answers(serve, web, tmp_path):
    site = serve()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "answers.sqlite").write_bytes(b"no database" * 1000)
    one = web(site)
    for _ in range(2):
        assert one.json(site.url("/v1/a")) == {"photos": [1, 2]}
    assert len(site.seen) == 1  # remembered as long as the run lasts


OTHER = '{"status_code": 200, "_content": "PGh0bWw+", "url": "http://a/", "request": {"url": "http://a/"}}'
VALUES = [
    OTHER,
    "",
    "null",
    "{}",
    "[]",
    '{"headers": 3}',
    "[" * 100_000,
    '{"status_code": "x", "_content": 5}',
    b"\xff\x00",
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_damaged_answer_in_it(value, serve, web, tmp_path):
    site = serve()
    web(site).json(site.url("/v1/a"))
    with change(tmp_path) as database:
        assert database.execute("UPDATE answers SET value = ?", (value,)).rowcount == 1
    assert web(site).json(site.url("/v1/a")) == {"photos": [1, 2]}


def test_a_locked_file_of_answers(serve, web, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "_LOCK_SECONDS", 0.05)
    site = serve()
    one = web(site)
    with change(tmp_path) as database:
        database.execute("BEGIN EXCLUSIVE")
        for each in (one, web(site)):
            assert each.json(site.url("/v1/a")) == {"photos": [1, 2]}
    assert len(site.seen) == 2


def test_a_folder_that_cannot_be_written(serve, client, tmp_path):
    (tmp_path / "state").write_text("a file")
    site = serve()
    one = client().web(Archive(api=site.url("/v1/")))
    for _ in range(2):
        assert one.json(site.url("/v1/a")) == {"photos": [1, 2]}
    assert len(site.seen) == 1


def test_answers_are_forgotten_after_a_month(serve, web, tmp_path):
    site = serve()
    web(site).json(site.url("/v1/a"))
    with change(tmp_path) as database:
        database.execute("UPDATE answers SET kept = kept - ?", (31 * 24 * 3600,))
        web(site)
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)


def test_many_threads_ask_through_one_web(serve, web):
    site = serve({f"/v1/{n}": lambda asked, n=n: asked.json({"n": n}) for n in range(30)})
    one, got = web(site), []
    threads = [
        threading.Thread(target=lambda: got.extend(one.json(site.url(f"/v1/{n}"))["n"] for n in range(30)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == sorted([*range(30)] * 6)


def page(body, **headers):
    return lambda asked: asked.answer(200, body, **{"Content_Type": "text/html", **headers})


def test_a_page_is_read_where_its_site_allows_it(serve, web):
    site = serve(
        {
            "/robots.txt": lambda asked: asked.answer(200, b"User-agent: *\nDisallow: /private/\n"),
            "/b": page("<p>\u00fc".encode()),
            "/a": lambda asked: asked.answer(301, Location="b"),
            "/to-private": lambda asked: asked.answer(301, Location="/private/b"),
            "/header": page(b"<p>", X_Robots_Tag="noai"),
            "/meta": page(b"<meta name=robots content=noimageai>"),
        }
    )
    one = web(site)
    for _ in range(2):
        assert one.document(site.url("/a")) == (site.url("/b"), "<p>\u00fc")
    assert site.paths() == ["/a", "/b", "/a"]
    for path, kind in (
        ("/private/b", "robots"),
        ("/to-private", "robots"),
        ("/header", "opted-out"),
        ("/meta", "opted-out"),
    ):
        assert fails(one.document, site.url(path)).kind == kind
    assert not any(path.startswith("/private") for path in site.paths())
    assert [seen.path for seen in site.seen].count("/robots.txt") == 1


def test_a_remembered_page_is_the_same(serve, web):
    site = serve({"/b": page(b"<p>")})
    url = site.url("/b?z=2&a=&api_key=x&m=%C3%BC%2B")
    first, again = (web(site).document(url) for _ in range(2))
    assert first == again == (url, "<p>")
    assert len(site.paths()) == 1


def test_what_is_no_page(serve, web):
    site = serve({"/b": page(b"<p>", Content_Type="image/png"), "/c": page(b"<p>" + bytes(11 << 20))})
    assert fails(web(site).document, site.url("/b")).kind == "content-type"
    assert fails(web(site).document, site.url("/c")).kind == "too-many-bytes"
    assert fails(web(site).document, site.url("/d")).kind == "http-404"


def robots(*routes):
    return {"/robots.txt": in_turn(*routes), "/b": page(b"<p>"), "/private": page(b"<p>")}


def endless_robots(asked):
    asked.head(200, Transfer_Encoding="chunked")
    asked.chunk(b"User-agent: *\nDisallow: /private\n")
    while True:
        asked.chunk(b"#" * 10_000 + b"\n")


@pytest.mark.parametrize(
    ("route", "kinds"),
    [
        (lambda asked: asked.answer(403), ("", "")),
        (lambda asked: asked.answer(302, Location="/robots.txt"), ("", "")),
        (lambda asked: asked.answer(302, Location="file:///etc/passwd"), ("", "")),
        (lambda asked: asked.answer(503), ("robots", "robots")),
        (lambda asked: asked.answer(200, b"User-agent: *\nDisallow: /private"), ("", "robots")),
        (lambda asked: asked.answer(302, Location="/elsewhere"), ("", "robots")),
        (endless_robots, ("", "robots")),
        (lambda asked: asked.answer(200, gzip.compress(bytes(100 << 20)), Content_Encoding="gzip"), ("", "")),
    ],
)
def test_any_robots_txt_is_understood(route, kinds, serve, client):
    site = serve(robots(route))
    site.routes["/elsewhere"] = lambda asked: asked.answer(200, b"User-agent: *\nDisallow: /private")
    one = client().web(Archive())
    for path, kind in zip(("/b", "/private"), kinds, strict=True):
        if kind:
            assert fails(one.document, site.url(path)).kind == kind
        else:
            assert one.document(site.url(path)).html == "<p>"


def test_a_crawl_delay_is_kept(serve, client):
    site = serve(robots(lambda asked: asked.answer(200, b"User-agent: *\nCrawl-delay: 0.5\n")))
    one = client().web(Archive())
    one.document(site.url("/b"))
    one.document(site.url("/private"))
    pages = [seen.moment for seen in site.seen if seen.path in ("/b", "/private")]
    assert pages[1] - pages[0] > 0.49


TEXT = "<p>\u00fc \u20ac \u65e5"


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (TEXT.encode(), "text/html", TEXT),
        (TEXT.encode(), "text/html; charset=utf-8", TEXT),
        (TEXT.encode("utf-8-sig"), "text/html; charset=latin-1", TEXT),
        (TEXT.encode("utf-16"), "text/html", TEXT),
        (TEXT.encode("shift_jis", "replace"), 'text/html; charset="Shift_JIS"', "<p>? ? \u65e5"),
        (
            b"<meta charset=shift_jis><p>" + "\u65e5".encode("shift_jis"),
            "text/html",
            "<meta charset=shift_jis><p>\u65e5",
        ),
        ("<meta charset=utf-16><p>\u00fc".encode(), "text/html", "<meta charset=utf-16><p>\u00fc"),
        ("<p>\u00fc".encode("windows-1252"), "text/html", "<p>\u00fc"),
        (TEXT.encode(), "text/html; charset=nonsense", TEXT),
        (TEXT.encode(), "text/html; charset=punycode", TEXT),
        (TEXT.encode(), "text/html; charset=hex", TEXT),
        (TEXT.encode(), "text/html; charset=\x00", TEXT),
        (b"\xff\x81", "text/html; charset=utf-8", "\u00ff\ufffd"),
        (b"", "", ""),
    ],
)
def test_pages_are_decoded(content, kind, text):
    assert html_text(content, kind) == text


@given(st.binary(max_size=200), st.text(max_size=30))
def test_any_bytes_have_a_text(content, charset):
    assert isinstance(html_text(content, f"text/html; charset={charset}"), str)
    html_text(b"<meta charset='" + content + b"'>", "")


def test_hostile_pages_are_decoded_soon():
    started = time.monotonic()
    html_text(b"<meta " * 1_000_000 + b"\xff", "text/html; charset=unicode_escape")
    assert time.monotonic() - started < 10
