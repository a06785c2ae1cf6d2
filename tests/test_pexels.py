"""Pexels: its search and its listings."""

import pytest
from api_kit import PEXELS_PHOTO, FakeWeb, first, pexels_answer

from deblurbench.errors import UsageError
from deblurbench.sources.api import query_of
from deblurbench.sources.licences import licence_class
from deblurbench.sources.pexels import Pexels

OTHER = frozenset({"other"})
NEXT = "https://api.pexels.com/v1/search/?page=2&per_page=80&query=nature"


def offer_of(source=None, **changes):
    listing, _ = first(source or Pexels(), pexels_answer(PEXELS_PHOTO | changes))
    [offer] = listing.offers
    return offer


def test_a_photo_with_all_that_is_known_of_it():
    offer = offer_of()
    assert offer.as_dict() == {
        "id": "2014422",
        "url": "https://images.pexels.com/photos/2014422/pexels-photo-2014422.jpeg",
        "landing_page": "https://www.pexels.com/photo/brown-rocks-during-golden-hour-2014422/",
        "title": "Brown Rocks During Golden Hour",
        "author": "Joey Example",
        "author_url": "https://www.pexels.com/@joey",
        "licence": "Pexels License",
        "licence_url": "https://www.pexels.com/license/",
        "width": 3024,
        "height": 4032,
        "sha1": "",
        "problem": "",
    }
    assert licence_class(offer.licence) == "other"


def test_what_is_asked():
    [search] = Pexels(orientation="square", size="medium").searches([" Blue   SKY "], OTHER)
    assert search.label == "Blue SKY"
    assert search.cursor.startswith("https://api.pexels.com/v1/search?")
    assert query_of(search.cursor) == {
        "query": "blue sky",
        "orientation": "square",
        "size": "medium",
        "per_page": "80",
        "page": "1",
    }


def test_the_same_words_are_asked_for_once():
    assert [search.label for search in Pexels().searches(["Sky", "sky", "SKY  "], OTHER)] == ["Sky"]


def test_its_licence_must_be_wanted():
    with pytest.raises(UsageError, match="Pexels License") as error:
        Pexels().searches(["sky"], frozenset({"cc0", "by"}))
    assert "--licence other" in error.value.hint


def test_the_rule_is_quoted():
    assert "train" in Pexels.permission
    assert "unless you have explicit permission" in Pexels.permission
    assert "900005880463" in Pexels.permission
    assert Pexels.key_variable == "DEBLURBENCH_PEXELS_KEY"
    assert Pexels.key_required
    assert [tuple(quota) for quota in Pexels.quotas] == [(200, 3600), (20_000, 2_592_000)]


def test_null_fields_are_empty_and_png_originals_are_fine():
    png = "https://images.pexels.com/photos/1/pexels-photo-1.png"
    names = ["alt", "avg_color", "photographer", "photographer_url", "url", "width"]
    offer = offer_of(**dict.fromkeys(names), src={"original": png})
    assert not offer.problem
    assert (offer.url, offer.title, offer.author, offer.author_url, offer.landing_page) == (png, "", "", "", "")
    assert offer.width == 0


@pytest.mark.parametrize("src", [None, [], "https://images.pexels.com/x.jpeg", {}, {"original": None}])
def test_a_photo_without_its_file_is_a_problem(src):
    offer = offer_of(src=src)
    assert offer.problem == "has no address"
    assert offer.id == "2014422"


def test_another_file_of_a_photo_has_another_size():
    offer = offer_of(Pexels(src="large"))
    assert offer.url.endswith("?auto=compress&h=650&w=940")
    assert (offer.width, offer.height) == (0, 0)
    assert offer_of(Pexels(src="tiny")).problem == "has no address"


@pytest.mark.parametrize(
    "next_page",
    [
        NEXT,
        NEXT.replace("search/?", "search?"),
        NEXT.replace("https", "http"),
        NEXT.replace("api.pexels.com", "api.pexels.com.evil.example"),
        NEXT.replace("api.pexels.com", "api.pexels.com:8443"),
        NEXT.replace("v1/search", "v1/curated"),
        "https://user@evil.example/",
        "page two",
        7,
    ],
)
def test_the_key_goes_nowhere_else(next_page):
    """Wherever an answer points, the next page is asked of the API that we were told."""
    listing, cursor = first(Pexels(), pexels_answer(PEXELS_PHOTO, next_page=next_page))
    assert listing.next == cursor.replace("page=1", "page=2")
    assert query_of(listing.next) == query_of(cursor) | {"page": "2"}


@pytest.mark.parametrize(
    "answer", [pexels_answer(PEXELS_PHOTO), pexels_answer(PEXELS_PHOTO, next_page=None), pexels_answer(next_page=NEXT)]
)
def test_the_last_page(answer):
    assert not first(Pexels(), answer)[0].next


def test_pages_are_counted_on():
    source = Pexels(api="http://localhost:9000/v1/", per_page=2)
    [search] = source.searches(["sky"], OTHER)
    web = FakeWeb(*[pexels_answer(PEXELS_PHOTO, next_page=NEXT)] * 2, pexels_answer(PEXELS_PHOTO, total_results=0))
    cursor, totals = search.cursor, []
    while cursor:
        listing = source.listing(web, cursor)
        cursor = listing.next
        totals.append(listing.total)
    assert [query_of(url)["page"] for url in web.asked] == ["1", "2", "3"]
    assert totals == [10000, 10000, 0]
    assert all(url.startswith("http://localhost:9000/v1/search?query=sky&per_page=2&") for url in web.asked)
