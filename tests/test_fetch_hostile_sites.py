"""The client against sites that mean harm, or that lead it astray, over real sockets."""

import threading
from contextlib import ExitStack

import pytest
from web_kit import Site

from deblurbench.errors import FetchError
from deblurbench.fetch.web.client import Client
from deblurbench.fetch.web.manners import Manners

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
        assert str(error).isprintable()
        return error.kind
    return ""


@pytest.mark.parametrize(
    "path", ["//private/a", "///private/a", "/./private/a", "/.//private/a", "/a/..//private/a", "/%2e%2e//private/a"]
)
def test_no_spelling_leads_to_what_is_forbidden(path, serve, client, tmp_path):
    """`requests` sends `//private/a` as `/private/a`: what is checked has to be what is sent."""
    site = serve({"/robots.txt": text(b"User-agent: *\nDisallow: /private/"), "/private/a": picture, "/b": to(path)})
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
