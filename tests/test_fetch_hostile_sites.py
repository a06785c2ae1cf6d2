"""The client against sites that mean harm, or that lead it astray, over real sockets."""

import threading
from contextlib import ExitStack

import pytest
from web_kit import Site

from deblurbench.errors import FetchError
from deblurbench.fetch.web.client import Client
from deblurbench.fetch.web.manners import Manners
from deblurbench.fetch.web.quota import QuotaTracker
from deblurbench.sources.online import Quota

BODY = bytes(range(256)) * 10
QUICK = Manners(rate=500.0, backoff=0.001, retries=0, timeout=5.0, allow_hosts=("127.0.0.1",))


def picture(asked):
    asked.answer(200, BODY, Content_Type="image/jpeg")


def to(location):
    return lambda asked: asked.answer(302, Location=location)


def text(body):
    return lambda asked: asked.answer(200, body, Content_Type="text/plain")


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack):
    """Make a site of some routes."""

    def make(routes):
        site = Site(routes)
        stack.callback(site.close)
        return site

    return make


@pytest.fixture
def client(stack, tmp_path):
    """Make a client: the settings are those of QUICK, or those given."""

    def make(**manners):
        one = Client(QUICK.model_copy(update=manners), tmp_path / "state", threading.Event())
        stack.callback(one.close)
        return one

    return make


def kind_of(ask, *values):
    """The kind of the FetchError that a call raises, which can be shown; empty where it raises none."""
    try:
        ask(*values)
    except FetchError as error:
        return error.kind if str(error).isprintable() else "unprintable"
    return ""


@pytest.mark.parametrize(
    "path", ["//private/a", "///private/a", "/./private/a", "/.//private/a", "/a/..//private/a", "/%2e%2e//private/a"]
)
def test_no_spelling_leads_to_what_is_forbidden(path, serve, client, tmp_path):
    """`requests` sends `//private/a` as `/private/a`: what is checked has to be what is sent."""
    site = serve({"/robots.txt": text(b"User-agent: *\nDisallow: /private/"), "/private/a": picture})
    site.routes["/b"] = to(site.origin + path)
    one = client()
    assert kind_of(one.download, site.origin + path, tmp_path / "photo") == "robots"
    assert kind_of(one.download, site.url("/b"), tmp_path / "photo") == "robots"
    assert site.paths() == ["/b"]


def test_tdmrep_json_leads_to_nothing_that_is_forbidden(serve, client, tmp_path):
    """Many sites send whoever asks for what they have not to a page of theirs, which may be none for robots."""
    other = serve({"/robots.txt": text(b"User-agent: *\nDisallow: /private/"), "/private/a": text(b"")})
    site = serve({"/robots.txt": text(b"User-agent: *\nDisallow: /private/"), "/a.jpg": picture})
    for elsewhere in ("/private/a", other.url("/private/a")):
        site.routes["/.well-known/tdmrep.json"] = to(elsewhere)
        assert client().download(site.url("/a.jpg"), tmp_path / "photo").bytes == len(BODY)
    assert site.paths() == ["/a.jpg"] * 2
    assert not other.paths()
    reserved = b'[{"location": "/", "tdm-reservation": 1}]'
    site.routes |= {"/.well-known/tdmrep.json": to(other.url("/open")), "/open": text(reserved)}
    other.routes["/open"] = text(reserved)
    assert kind_of(client().download, site.url("/a.jpg"), tmp_path / "photo") == "reserved"


def raw(answer):
    """A route that sends bytes as they are, again and again where they come as a list."""

    def route(asked):
        asked.close_connection = True
        asked.wfile.write(answer if isinstance(answer, bytes) else answer[0])
        while isinstance(answer, list):
            asked.wfile.write(answer[1])

    return route


OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "truncated"),
        (CHUNKED + b"f" * 30 + b"\r\nhello", "truncated"),
        ([CHUNKED + b"5;", b"x" * 5000], "truncated"),
        ([CHUNKED + b"0\r\n", b"X: y\r\n" * 100], "timeout"),
        ([b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100], "timeout"),
        ([OK, b"X: y\r\n" * 100], "connection"),
        ([OK + b"X: ", b"y" * 5000], "connection"),
        (b"HTTP/1.1 \x1b[31m\xc2\x9b2J x\r\n\r\n", "connection"),
        (b"\x1b]0;title\x07\r\n\r\n", "connection"),
        (OK.replace(b"image/jpeg", b"text/\x1b[2J") + b"\r\n", "content-type"),
        (OK + b"Content-Encoding: \x1b[2J\r\n\r\n", "encoded"),
        (b"HTTP/1.1 302 x\r\nLocation: a:\x1b[2J\r\n\r\n", "scheme"),
        (b"HTTP/1.1 404 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "http-404"),
    ],
)
def test_answers_that_make_no_sense_end_with_an_error_that_can_be_shown(answer, kind, serve, client, tmp_path):
    """What a server sends may steer the terminal that it is shown in."""
    site = serve({"/b": raw(answer)})
    assert kind_of(client(timeout=0.5).download, site.url("/b"), tmp_path / "photo") == kind


@pytest.mark.parametrize("status", [200, 301, 403, 404, 429, 503])
def test_a_wish_to_wait_is_kept_whatever_comes_with_it(status, serve, client, tmp_path):
    answer = lambda asked: asked.answer(status, BODY, Content_Type="image/jpeg", Location="/c", Retry_After="1")  # noqa: E731
    site = serve({"/b": answer, "/c": picture})
    one = client()
    kind_of(one.download, site.url("/b"), tmp_path / "photo")
    one.download(site.url("/c"), tmp_path / "photo")
    moments = [seen.moment for seen in site.seen if seen.path in ("/b", "/c")]
    assert moments[1] - moments[0] > 0.99


def test_a_crawl_delay_holds_from_the_robots_txt_on(serve, client, tmp_path):
    site = serve({"/robots.txt": text(b"User-agent: *\nCrawl-delay: 0.5"), "/a": picture})
    client().download(site.url("/a"), tmp_path / "photo")
    assert [seen.path for seen in site.seen] == ["/robots.txt", "/.well-known/tdmrep.json", "/a"]
    moments = [seen.moment for seen in site.seen]
    assert moments[1] - moments[0] > 0.25  # half a second, less what a busy server notices late
    assert moments[2] - moments[1] > 0.25


def test_what_is_remembered_is_for_its_owner_alone(client, tmp_path):
    client()
    tracker = QuotaTracker(tmp_path / "other" / "quota.json", [Quota(5, 60)])
    assert tracker.take() == 0.0
    for name in ("state", "other"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("header", ["X-Robots-Tag: noai", "tdm-reservation: 1", "Content-Type: text/html"])
def test_what_follows_a_header_that_is_none_counts(header, serve, client, tmp_path):
    """Python ends a head at the first line without a colon."""
    head = f"HTTP/1.1 200 OK\r\nno header\r\n{header}\r\nConnection: close\r\n\r\n".encode()
    site = serve({"/b": raw(head + BODY)})
    kind = kind_of(client().download, site.url("/b"), tmp_path / "photo")
    assert kind in ("opted-out", "reserved", "content-type")


def test_a_header_that_is_none_spoils_no_file(serve, client, tmp_path):
    site = serve({"/b": raw(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Type: image/png\r\n: x\r\n\r\n" + BODY)})
    got = client().download(site.url("/b"), tmp_path / "photo")
    assert (got.bytes, got.content_type) == (len(BODY), "image/png")
