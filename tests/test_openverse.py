"""Openverse: its search and its listings."""

import pytest
from api_kit import BY, OPENVERSE_PHOTO, FakeWeb, first, openverse_answer

from deblurbench.errors import FetchError, UsageError
from deblurbench.sources.api import query_of
from deblurbench.sources.licences import CLASSES, read_licence
from deblurbench.sources.openverse import Openverse


def offer_of(**changes):
    listing, _ = first(Openverse(), openverse_answer(OPENVERSE_PHOTO | changes))
    [offer] = listing.offers
    return offer


def test_a_photo_with_all_that_is_known_of_it():
    offer = offer_of()
    assert offer.as_dict() == {
        "id": "4bc43a04-ef46-4544-a0c1-63c63f56e276",
        "url": "https://live.staticflickr.com/7029/6981096494_4b2f8e8d0b_b.jpg",
        "landing_page": "https://www.flickr.com/photos/50169152@N06/6981096494",
        "title": "Tree Bark Photo",
        "author": "Tim Example",
        "author_url": "https://www.flickr.com/photos/50169152@N06",
        "licence": "CC BY 2.0",
        "licence_url": "https://creativecommons.org/licenses/by/2.0/",
        "width": 1024,
        "height": 683,
        "sha1": "",
        "problem": "",
    }


def test_what_is_asked():
    [search] = Openverse(size="large").searches(["Nature & Sky"], BY)
    assert search.label == "Nature & Sky"
    assert search.cursor.startswith("https://api.openverse.org/v1/images/?")
    assert query_of(search.cursor) == {
        "q": "Nature & Sky",
        "license": "cc0,pdm,by",
        "category": "photograph",
        "size": "large",
        "mature": "false",
        "page_size": "20",
        "page": "1",
    }
    [search] = Openverse(category="").searches(["sky"], frozenset(CLASSES))
    assert query_of(search.cursor)["license"] == "cc0,pdm,by,by-sa,by-nd,by-nc,by-nc-sa,by-nc-nd"
    assert not {"category", "size"} & query_of(search.cursor).keys()


def test_licences_that_it_cannot_have_are_refused():
    with pytest.raises(UsageError, match="other") as error:
        Openverse().searches(["sky"], frozenset({"other", "unknown"}))
    assert "cc0, pdm, by" in error.value.hint


@pytest.mark.parametrize(
    ("code", "version", "text", "kind", "url"),
    [
        ("by", "2.0", "CC BY 2.0", "by", "https://creativecommons.org/licenses/by/2.0/"),
        ("by-nc-sa", "3.0", "CC BY-NC-SA 3.0", "by-nc-sa", "https://creativecommons.org/licenses/by-nc-sa/3.0/"),
        ("cc0", "1.0", "CC0 1.0", "cc0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("pdm", "1.0", "PDM 1.0", "pdm", "https://creativecommons.org/publicdomain/mark/1.0/"),
        ("BY", None, "CC BY", "by", ""),
        ("sampling+", "1.0", "CC SAMPLING+ 1.0", "other", ""),
        (None, None, "", "unknown", ""),
        (7, [], "CC 7", "other", ""),
    ],
)
def test_licences_as_people_write_them(code, version, text, kind, url):
    offer = offer_of(license=code, license_version=version, license_url=None)
    assert (offer.licence, read_licence(offer.licence).kind, offer.licence_url) == (text, kind, url)


def test_a_licence_known_by_its_address_alone():
    offer = offer_of(license=None)
    assert read_licence(offer.licence) == ("by", "2.0")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mature": True}, "is marked as mature"),
        ({"filetype": "svg"}, "is of file type svg, which is no photo's"),
        ({"filetype": "GIF"}, "is of file type gif, which is no photo's"),
        ({"id": None}, "has no id"),
        ({"filetype": None}, ""),
        ({"filetype": "JPG"}, ""),
        ({"mature": None}, ""),
    ],
)
def test_what_cannot_be_used(changes, problem):
    assert offer_of(**changes).problem == problem


def test_null_fields_are_empty():
    names = ["title", "creator", "creator_url", "foreign_landing_url", "width", "height", "tags"]
    offer = offer_of(**dict.fromkeys(names))
    assert not offer.problem
    assert (offer.title, offer.author, offer.author_url, offer.landing_page) == ("", "", "", "")
    assert (offer.width, offer.height) == (0, 0)
    assert offer_of(width=-4, height="683").width == 0


def test_pages_follow_each_other_to_the_last():
    source = Openverse()
    [search] = source.searches(["sky"], BY)
    web = FakeWeb(*(openverse_answer(OPENVERSE_PHOTO, page=page, pages=3) for page in (1, 2, 3)))
    cursor, pages = search.cursor, []
    while cursor:
        pages.append(query_of(cursor)["page"])
        listing = source.listing(web, cursor)
        assert listing.total == 240
        cursor = listing.next
    assert pages == ["1", "2", "3"]
    assert {query_of(url)["q"] for url in web.asked} == {"sky"}


@pytest.mark.parametrize(("page_size", "last"), [(20, 12), (7, 34), (1, 240)])
def test_no_page_is_deeper_than_the_api_shows(page_size, last):
    source = Openverse(page_size=page_size)
    [search] = source.searches(["sky"], BY)
    deep = search.cursor.replace("page=1", f"page={last - 1}")
    listing = source.listing(FakeWeb(openverse_answer(OPENVERSE_PHOTO, pages=9999)), deep)
    assert query_of(listing.next)["page"] == str(last)
    assert not source.listing(FakeWeb(openverse_answer(OPENVERSE_PHOTO, pages=9999)), listing.next).next


def test_without_a_page_count_an_empty_page_is_the_last():
    assert first(Openverse(), openverse_answer(OPENVERSE_PHOTO, pages=None))[0].next
    assert not first(Openverse(), openverse_answer(pages=None))[0].next
    assert first(Openverse(), {"results": [], "result_count": 0})[0].total == 0
    assert first(Openverse(), {"results": [], "result_count": None})[0].total is None


@pytest.mark.parametrize(
    ("page", "kind", "ends"),
    [(2, "http-401", 1), (2, "http-400", 1), (2, "http-404", 1), (1, "http-401", 0), (2, "http-500", 0)],
)
def test_a_page_that_is_too_deep_is_the_end(page, kind, ends):
    source = Openverse()
    [search] = source.searches(["sky"], BY)
    web = FakeWeb(FetchError("pagination depth may not exceed 240", kind=kind))
    cursor = search.cursor.replace("page=1", f"page={page}")
    if ends:
        assert source.listing(web, cursor) == ((), "", None)
    else:
        with pytest.raises(FetchError):
            source.listing(web, cursor)
