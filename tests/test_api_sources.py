"""The sources with an API: what holds for all of them."""

import pytest
from api_kit import (
    BY,
    COMMONS_PAGE,
    JSON,
    OPENVERSE_PHOTO,
    PEXELS_PHOTO,
    FakeWeb,
    commons_answer,
    damaged,
    first,
    openverse_answer,
    pexels_answer,
)
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.config import parse
from deblurbench.errors import FetchError, RecipeError, UsageError
from deblurbench.sources.api import is_web, query_of
from deblurbench.sources.commons import Commons
from deblurbench.sources.licences import parse_filter, read_licence
from deblurbench.sources.online import Offer
from deblurbench.sources.openverse import Openverse
from deblurbench.sources.pexels import Pexels

SAMPLES = {
    Openverse: openverse_answer(OPENVERSE_PHOTO, OPENVERSE_PHOTO),
    Commons: commons_answer(COMMONS_PAGE, **{"continue": {"gsroffset": 50, "continue": "gsroffset||"}}),
    Pexels: pexels_answer(PEXELS_PHOTO, next_page="https://api.pexels.com/v1/search/?page=2&per_page=80&query=nature"),
}
every = pytest.mark.parametrize("source", SAMPLES)
ANY = frozenset({*BY, "other"})


def check(listing):
    for offer in listing.offers:
        assert offer.id
        assert Offer.model_validate_json(offer.model_dump_json()) == offer
        assert offer.problem or is_web(offer.url)
        for link in (offer.landing_page, offer.author_url, offer.licence_url):
            assert not link or is_web(link)


def attempt(source, answer):
    try:
        return first(source, answer)[0]
    except FetchError as error:
        return error


@every
def test_a_listing_of_millions_of_nothings_costs_little(source):
    answer = SAMPLES[source]
    items = answer["query"]["pages"] if source is Commons else answer[source.results]
    huge = [*items, *[0] * 100_000]
    found, _ = first(
        source(), {**answer, "query": {"pages": huge}} if source is Commons else {**answer, source.results: huge}
    )
    assert len(found.offers) == 500
    assert found.offers[0].url
    check(found)


@every
@given(data=st.data())
def test_any_answer_is_a_listing_or_an_explained_error(source, data):
    answer = data.draw(JSON | damaged(SAMPLES[source]))
    outcome = attempt(source(), answer)
    if isinstance(outcome, FetchError):
        assert outcome.kind in ("not-the-api", "http-429", "http-503")
        assert outcome.hint
        assert outcome.passing == outcome.kind.startswith("http")
    else:
        check(outcome)


@every
@given(texts=st.lists(JSON, min_size=8, max_size=8))
def test_any_value_of_a_field_is_an_offer(source, texts):
    """Every field at once: of what is an object, the same fields with anything in them."""
    values = iter(texts * 9)

    def shuffled(value):
        return {key: shuffled(inner) if isinstance(inner, dict) else next(values) for key, inner in value.items()}

    photo = {Openverse: OPENVERSE_PHOTO, Pexels: PEXELS_PHOTO}.get(source)
    item = shuffled(photo) if photo else COMMONS_PAGE | {"imageinfo": [shuffled(COMMONS_PAGE["imageinfo"][0])]}
    answer = {Openverse: openverse_answer, Pexels: pexels_answer, Commons: commons_answer}[source](item)
    listing, _ = first(source(), answer)
    assert len(listing.offers) == 1
    check(listing)


@every
def test_what_is_no_listing_is_said_with_its_address(source):
    for answer, what in [
        ([], "a list"),
        (None, "null"),
        ("<html>", "a text"),
        (7, "a number"),
        ({"detail": "no"}, "null"),
    ]:
        with pytest.raises(FetchError) as error:
            first(source(), answer)
        assert error.value.kind == "not-the-api"
        assert not error.value.passing
        assert what in error.value.message
        assert source().api.rstrip("/") in error.value.message
        assert source.variable in error.value.hint


@every
@pytest.mark.parametrize("items", [{}, "many", None, 3])
def test_results_that_are_no_list_are_refused(source, items):
    broken = {Openverse: {"results": items}, Pexels: {"photos": items}, Commons: {"query": {"pages": items}}}
    with pytest.raises(FetchError, match="where a listing is due") as error:
        first(source(), broken[source])
    assert error.value.kind == "not-the-api"


@every
def test_an_error_on_the_way_is_passed_on(source):
    with pytest.raises(FetchError) as error:
        first(source(), FetchError("nobody answers", kind="timeout", passing=True))
    assert error.value.kind == "timeout"


@every
def test_a_broken_item_hides_no_other(source):
    answer = SAMPLES[source]
    items = answer["query"]["pages"] if source is Commons else answer[source.results]
    good = items[0]
    listing, cursor = first(source(), _with(source, [None, good, 7, {}, "x"]))
    usable = [offer for offer in listing.offers if not offer.problem]
    assert len(usable) == 1
    assert len(listing.offers) == 5
    assert usable[0].url
    assert all(offer.id.startswith(f"{cursor}#") for offer in listing.offers if offer.problem)
    assert len({offer.id for offer in listing.offers}) == 5
    assert {"has no id", "is a number instead of the description of a photo"} <= {o.problem for o in listing.offers}


def _with(source, items):
    return {Openverse: openverse_answer, Pexels: pexels_answer, Commons: commons_answer}[source](*items)


@every
@pytest.mark.parametrize(
    "query", ["café au lait", "salt & pepper", "#sunset", "50% 100?", "東京 夜", "a=b;c", "\udcff"]
)
def test_words_come_through_whole(source, query):
    [search] = source().searches([f"  {query}\t "], ANY)
    assert search.cursor.isascii()
    assert "#" not in search.cursor
    asked = query_of(search.cursor)
    words = query.replace("\udcff", "?")
    assert asked[{Openverse: "q", Pexels: "query", Commons: "gsrsearch"}[source]] in (words, f"filetype:bitmap {words}")
    assert search.label == words


@every
@pytest.mark.parametrize("queries", [[], [""], ["fine", " \n"], ["x" * 201]])
def test_words_that_make_no_search_are_refused(source, queries):
    with pytest.raises(UsageError) as error:
        source().searches(queries, ANY)
    assert error.value.hint
    assert source().searches(["x" * 200], ANY)


@every
def test_searches_are_in_order_and_none_is_twice(source):
    labels = [search.label for search in source().searches(["b", "a", "b ", "c"], ANY)]
    assert labels == ["b", "a", "c"]


@every
def test_the_address_may_be_another(source):
    for address in ("http://localhost:8123/v1", "http://localhost:8123/v1/"):
        [search] = source(api=address).searches(["sky"], ANY)
        assert search.cursor.startswith("http://localhost:8123/v1")
        assert "//" not in search.cursor.removeprefix("http://")
    parse(source, {"api": "https://[::1]:80"}, "recipe.toml")


@every
@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://a.example/",
        "a.example/v1",
        "https://",
        "https://u:p@a.example/",
        "http://a.example/?x=1",
        "http://a b",
    ],
)
def test_a_wrong_address_is_explained(source, address):
    with pytest.raises(RecipeError, match="http or https URL") as error:
        parse(source, {"api": address}, "recipe.toml", "source")
    assert "recipe.toml:source.api" in error.value.message


@every
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (None, "has no address"),
        ("", "has no address"),
        ("file:///etc/passwd", "no http or https URL"),
        ("javascript:alert(1)", "no http or https URL"),
        ("//cdn.example/x.jpg", "no http or https URL"),
        ("http://[", "no http or https URL"),
        ("https://a.example/" + "x" * 3000, "cut off"),
    ],
)
def test_an_address_that_is_none_is_a_problem(source, url, problem):
    item = {
        Openverse: OPENVERSE_PHOTO | {"url": url},
        Pexels: PEXELS_PHOTO | {"src": {"original": url}},
        Commons: COMMONS_PAGE | {"imageinfo": [{"url": url, "mime": "image/png"}]},
    }[source]
    [offer] = first(source(), _with(source, [item]))[0].offers
    assert problem in offer.problem
    assert offer.id == str(item.get("pageid", item.get("id")))


@every
def test_texts_cannot_harm_a_terminal(source):
    hostile = "a\x1b[2Jb\r\nc\x00\ud800"
    item = {
        Openverse: OPENVERSE_PHOTO | {"title": hostile, "creator_url": "javascript:x"},
        Pexels: PEXELS_PHOTO | {"alt": hostile, "photographer_url": "data:x"},
        Commons: COMMONS_PAGE | {"title": hostile},
    }[source]
    [offer] = first(source(), _with(source, [item]))[0].offers
    assert offer.title == "a [2Jb c ?"
    assert offer.author_url in ("", "https://commons.wikimedia.org/wiki/User:Dschwen")


@every
def test_what_a_source_offers_passes_its_own_filter(source):
    listing, _ = first(source(), SAMPLES[source])
    for offer in listing.offers:
        assert read_licence(offer.licence).kind in parse_filter(source.licences)
        assert offer.licence_url.startswith("https://")


@every
def test_a_listing_asks_for_its_cursor_alone(source):
    web = FakeWeb(SAMPLES[source])
    [search] = source().searches(["sky"], ANY)
    assert source().listing(web, search.cursor).next
    assert web.asked == [search.cursor]
