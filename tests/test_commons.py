"""Wikimedia Commons: its search and its listings."""

import subprocess
import sys
import time

import pytest
from api_kit import BY, COMMONS_PAGE, FakeWeb, commons_answer, commons_page, first

from deblurbench.errors import FetchError
from deblurbench.sources.api import query_of
from deblurbench.sources.commons import Commons
from deblurbench.sources.licences import read_licence

ORIGINAL = COMMONS_PAGE["imageinfo"][0]["url"]
SCALED = COMMONS_PAGE["imageinfo"][0]["thumburl"]


def offer_of(source=None, **changes):
    listing, _ = first(source or Commons(), commons_answer(commons_page(**changes)))
    [offer] = listing.offers
    return offer


def credit(artist, **metadata):
    offer = offer_of(metadata={"Artist": {"value": artist}} | metadata)
    return offer.author, offer.author_url


def test_a_photo_with_all_that_is_known_of_it():
    assert offer_of().as_dict() == {
        "id": "16981",
        "url": SCALED,
        "landing_page": "https://commons.wikimedia.org/wiki/File:Gull_portrait_ca_usa.jpg",
        "title": "Gull portrait ca usa.jpg",
        "author": "Dschwen",
        "author_url": "https://commons.wikimedia.org/wiki/User:Dschwen",
        "licence": "CC BY 2.5",
        "licence_url": "https://creativecommons.org/licenses/by/2.5",
        "width": 1920,
        "height": 1403,
        "sha1": "",
        "problem": "",
    }


def test_what_is_asked():
    [search] = Commons().searches(["Red & blue"], BY)
    assert search.cursor.startswith("https://commons.wikimedia.org/w/api.php?action=query&format=json&formatversion=2&")
    asked = query_of(search.cursor)
    assert asked["gsrsearch"] == "filetype:bitmap Red & blue"
    assert (asked["gsrnamespace"], asked["gsrlimit"], asked["iiurlwidth"], asked["maxlag"]) == ("6", "50", "1920", "5")
    assert asked["iiprop"] == "url|size|mime|sha1|extmetadata"
    [search] = Commons(width=0).searches(["sky"], BY)
    assert "iiurlwidth" not in query_of(search.cursor)


@pytest.mark.parametrize(
    ("source", "info"),
    [
        (Commons(), {"width": 1920}),
        (Commons(), {"width": 800, "thumburl": ORIGINAL}),
        (Commons(width=0), {}),
        (Commons(), {"thumburl": None}),
        (Commons(width=3840), {}),
    ],
)
def test_what_is_no_wider_is_taken_as_it_is_with_its_hash(source, info):
    offer = offer_of(source, info=info)
    assert offer.url == ORIGINAL
    assert offer.sha1 == "d0f9fe1f3cc8d6e4d4e4b9f0a1b2c3d4e5f60718"
    assert (offer.width, offer.height) == (info.get("width", 2600), 1900)
    assert offer_of(Commons(width=0), info={"sha1": "abc"}).sha1 == ""


@pytest.mark.parametrize(
    ("html", "author", "link"),
    [
        (
            '<bdi><a href="https://www.wikidata.org/wiki/Q5598">Rembrandt</a>\n</bdi>',
            "Rembrandt",
            "https://www.wikidata.org/wiki/Q5598",
        ),
        ('<a href="/wiki/User:A">A &amp; B</a>, 2010', "A & B, 2010", "https://commons.wikimedia.org/wiki/User:A"),
        ('<a href="mailto:a@b.c">Ann</a> <a href="http://ann.example">www</a>', "Ann www", "http://ann.example"),
        ('<a href="javascript:x">Eve</a>', "Eve", ""),
        ('<a href="http://[">Eve</a>', "Eve", ""),
        ("<p>Ann</p><p>Paris<br>France</p>", "Ann Paris France", ""),
        ("Photo: <b>Bo</b>b<style>.x{color:red}</style><script>alert(1)</script>", "Photo: Bob", ""),
        ('<div>Bob<span style="display: none;">creator QS:P170</span></div>', "Bob", ""),
        ("Plain name", "Plain name", ""),
        ("https://example.com/me", "https://example.com/me", ""),
        ("<?xml version='1.0'?><b>Xi</b>", "Xi", ""),
        ("me.jpg", "me.jpg", ""),
        ("<b>never closed <i>Bob", "never closed Bob", ""),
        ('Unknown author<span style="display:none">Unknown author</span>', "", ""),
        ("<i>Anonymous</i>", "", ""),
        ("unknown", "", ""),
        ("", "", ""),
        (None, "", ""),
        (["Bob"], "", ""),
    ],
)
def test_authors_are_plain_text(html, author, link):
    assert credit(html) == (author, link)


def test_who_asks_to_be_named_otherwise_is_named_where_the_author_is_not():
    named = {"value": 'Foto: <a href="//x.example/ann">Ann</a>'}
    assert credit("Unknown author", Attribution=named) == ("Foto: Ann", "https://x.example/ann")
    assert credit("Bob", Attribution=named)[0] == "Bob"


@pytest.mark.parametrize(
    "html", ["<b>" * 90_000, "<![" * 9_000, "<!--" * 9_000, "&" * 90_000, "<a href=" * 9_000, "<p><a b='" * 9_000]
)
def test_hostile_html_ends_soon(html):
    start = time.perf_counter()
    author, _ = credit(html + "Bob")
    assert len(author) <= 2000
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("name", "url", "kind", "link"),
    [
        ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0", "by-sa", None),
        ("CC0", "http://creativecommons.org/publicdomain/zero/1.0/deed.en", "cc0", None),
        ("Public domain", "", "pdm", ""),
        ("CC BY 3.0", "", "by", "https://creativecommons.org/licenses/by/3.0/"),
        ("CC BY 3.0", "//creativecommons.org/licenses/by/3.0/", "by", "https://creativecommons.org/licenses/by/3.0/"),
        ("GFDL", "javascript:x", "other", ""),
        ("", "", "unknown", ""),
    ],
)
def test_licences(name, url, kind, link):
    offer = offer_of(metadata={"LicenseShortName": {"value": name}, "LicenseUrl": {"value": url}})
    assert (offer.licence, read_licence(offer.licence).kind) == (name, kind)
    assert offer.licence_url == (url if link is None else link)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"metadata": {"NonFree": {"value": "true"}}}, "is not free"),
        ({"metadata": {"NonFree": {"value": True}}}, "is not free"),
        ({"metadata": {"DeletionReason": {"value": "no source"}}}, "is up for deletion"),
        ({"metadata": {"Restrictions": {"value": "personality"}}}, "is restricted beyond its licence: personality"),
        ({"metadata": {"Restrictions": ["x"]}}, "is restricted beyond its licence: see its page"),
        ({"metadata": {"Restrictions": {"value": None}}}, ""),
        ({"info": {"mime": "image/svg+xml"}}, "is of type image/svg+xml, which is no photo's"),
        ({"info": {"mime": "image/gif"}}, "is of type image/gif, which is no photo's"),
        ({"info": {"mime": None}}, "is of type unknown, which is no photo's"),
        ({"info": {"mime": "image/tiff"}}, ""),
        ({"imageinfo": COMMONS_PAGE["imageinfo"], "pageid": None}, "has no id"),
    ],
)
def test_what_cannot_be_used(changes, problem):
    assert offer_of(**changes).problem == problem


def test_offers_are_in_the_order_of_the_search():
    pages = [commons_page(pageid=pageid, index=index) for pageid, index in [(1, 3), (2, None), (3, 1), (4, 2)]]
    listing, _ = first(Commons(), commons_answer(*pages))
    assert [offer.id for offer in listing.offers] == ["3", "4", "1", "2"]


@pytest.mark.parametrize("answer", [{"batchcomplete": True}, {"batchcomplete": True, "warnings": {"main": {}}}])
def test_nothing_found(answer):
    assert first(Commons(), answer)[0] == ((), "", None)


def test_the_next_page_carries_what_to_go_on_with():
    source = Commons()
    listing, cursor = first(
        source, commons_answer(COMMONS_PAGE, **{"continue": {"gsroffset": 50, "continue": "gsroffset||"}})
    )
    assert query_of(listing.next) == query_of(cursor) | {"gsroffset": "50", "continue": "gsroffset||"}
    again = {"iicontinue": "Gull.jpg|2019", "gsroffset": 50, "continue": "gsroffset||imageinfo"}
    listing = source.listing(FakeWeb({"continue": again}), listing.next)
    assert query_of(listing.next) == query_of(cursor) | {key: str(value) for key, value in again.items()}
    listing = source.listing(FakeWeb({"continue": {"gsroffset": 100, "continue": "-||"}}), listing.next)
    assert query_of(listing.next) == query_of(cursor) | {"gsroffset": "100", "continue": "-||"}
    assert not source.listing(FakeWeb(commons_answer(COMMONS_PAGE)), listing.next).next


@pytest.mark.parametrize("values", [{}, None, [], "x", {"action": "delete"}, {"continue": ""}, {"gsroffset": None}])
def test_nothing_else_is_taken_from_an_answer(values):
    assert not first(Commons(), commons_answer(COMMONS_PAGE, **{"continue": values}))[0].next
    listing, cursor = first(Commons(), commons_answer(**{"continue": {"action": "x", "gsrlimit": 9, "gsroffset": 50}}))
    assert query_of(listing.next) == query_of(cursor) | {"gsroffset": "50"}


def test_going_on_where_one_is_is_the_end():
    source, step = Commons(), {"continue": {"gsroffset": 50}}
    listing, _ = first(source, commons_answer(COMMONS_PAGE, **step))
    assert not source.listing(FakeWeb(commons_answer(COMMONS_PAGE, **step)), listing.next).next


def test_a_file_that_comes_in_the_next_answer_is_no_problem_of_this_one():
    bare = {key: value for key, value in COMMONS_PAGE.items() if key != "imageinfo"} | {"pageid": 5}
    cut = {"continue": {"iicontinue": "A|1", "continue": "||"}}
    assert [offer.id for offer in first(Commons(), commons_answer(COMMONS_PAGE, bare, **cut))[0].offers] == ["16981"]
    listing, _ = first(Commons(), commons_answer(COMMONS_PAGE, bare))
    assert [offer.problem for offer in listing.offers] == ["", "has no address"]


@pytest.mark.parametrize(
    ("code", "kind", "passing"),
    [
        ("maxlag", "http-503", True),
        ("readonly", "http-503", True),
        ("internal_api_error_DBQueryError", "http-503", True),
        ("ratelimited", "http-429", True),
        ("badvalue", "not-the-api", False),
        (None, "not-the-api", False),
    ],
)
def test_errors_with_status_200(code, kind, passing):
    answer = {
        "error": {"code": code, "info": "Waiting for db1: 5.2 seconds lagged.", "docref": "see"},
        "servedby": "mw",
    }
    with pytest.raises(FetchError, match=r"5\.2 seconds lagged") as error:
        first(Commons(), answer)
    assert (error.value.kind, error.value.passing) == (kind, passing)
    assert error.value.hint
    with pytest.raises(FetchError):
        Commons().check_answer(answer, "https://commons.wikimedia.org/w/api.php?x")


def test_to_list_it_no_parser_is_loaded():
    code = "import sys, deblurbench.sources.commons; assert not {'bs4', 'requests'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
