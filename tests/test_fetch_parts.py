"""The parts of a fetch: its journal, the order of its offers, its files and records."""

import csv
import json
from pathlib import Path

import pytest
from fetch_kit import Album, FakeClient, fake_check, request
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.errors import DatasetError, FetchError
from deblurbench.fetch.access import check_permission, open_source, read_key
from deblurbench.fetch.finder import Finder, Found
from deblurbench.fetch.journal import JOURNAL, Journal, Loaded, Outcome
from deblurbench.fetch.photo_file import Checks
from deblurbench.fetch.records import write_records
from deblurbench.fetch.selection import Duplicates, Fate, Gate
from deblurbench.fetch.store import Store, photo_name
from deblurbench.fetch.summary import licence_name
from deblurbench.files import sha256_text
from deblurbench.images.dhash import FLAT
from deblurbench.sources.online import Listing, Offer, Search
from deblurbench.sources.provenance import read_provenance

SETTINGS = {"source": "album", "queries": ["sea"]}
OFFER = Offer(id="1", url="https://a.example/1.jpg", licence="CC BY 2.0")


def loaded(tmp_path: Path, text: str, dhash: str | None = None) -> Loaded:
    file = tmp_path / "file"
    file.write_text(text)
    facts = fake_check(file, Checks())
    facts = facts if dhash is None else facts.model_copy(update={"dhash": dhash})
    return Loaded(url="https://a.example", sha256=sha256_text(text), bytes=len(text), facts=facts)


# The journal.


def test_a_journal_is_read_as_it_was_written(tmp_path):
    journal = Journal(tmp_path, SETTINGS)
    listing = Listing((OFFER,), "next", 12)
    journal.listed("sea", "first", listing)
    journal.ended(Outcome.of(OFFER, loaded(tmp_path, "a")))
    journal.ended(Outcome.failed(Offer(id="2", url=""), FetchError("gone", kind="http-404")))
    again = Journal(tmp_path, SETTINGS)
    assert again.listings == {("sea", "first"): listing} == journal.listings
    assert again.outcomes == journal.outcomes
    assert again.outcomes["2"].kind == "http-404"


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_a_kill_cut_short_is_passed_over_and_spoils_no_other(tmp_path, cut):
    Journal(tmp_path, SETTINGS).listed("sea", "first", Listing((OFFER,)))
    file = tmp_path / JOURNAL
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines()[-1][:cut])
    journal = Journal(tmp_path, SETTINGS)
    journal.ended(Outcome.failed(OFFER, FetchError("gone", kind="http-404")))
    again = Journal(tmp_path, SETTINGS)
    assert list(again.outcomes) == ["1"]
    assert len(again.listings) == 1


def test_a_journal_whose_first_line_was_cut_short_begins_anew(tmp_path):
    (tmp_path / JOURNAL).parent.mkdir()
    (tmp_path / JOURNAL).write_text('{"fetch":{"sou')
    Journal(tmp_path, SETTINGS)
    with pytest.raises(DatasetError, match="other settings"):
        Journal(tmp_path, {"source": "else"})


@given(st.binary(max_size=200))
def test_any_bytes_in_a_journal_are_survived(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    Journal(folder, SETTINGS)
    with (folder / JOURNAL).open("ab") as file:
        file.write(data)
    Journal(folder, SETTINGS).ended(Outcome.failed(OFFER, FetchError("gone", kind="http-404")))
    assert Journal(folder, SETTINGS).outcomes["1"].kind == "http-404"


def test_a_journal_of_another_version_or_without_its_first_line_is_left_alone(tmp_path):
    Journal(tmp_path, SETTINGS).listed("sea", "first", Listing((OFFER,)))
    file = tmp_path / JOURNAL
    first, second = file.read_bytes().splitlines(keepends=True)
    for text in (second, b'{"fetch":{},"version":2}\n' + second):
        file.write_bytes(text)
        with pytest.raises(DatasetError, match="damaged or of another version"):
            Journal(tmp_path, SETTINGS)
    file.write_bytes(first + second + b'{"outcome":{"id":"1","kind":"x","news":1}}\n')
    assert Journal(tmp_path, SETTINGS).outcomes == {}  # it is asked for again


@pytest.mark.parametrize("change", [{"sha256": "../../../mine"}, {"sha256": "A" * 64}, {"format": "jpg/../../x"},
                                    {"dhash": "x"}, {"dhash": "f" * 17}])  # fmt: skip
def test_no_path_comes_from_a_journal(tmp_path, change):
    journal, photo = Journal(tmp_path, SETTINGS), loaded(tmp_path, "a")
    journal.ended(Outcome.of(OFFER, photo))
    facts = photo.facts.as_dict()
    hostile = photo.as_dict() | {key: change[key] for key in change if key not in facts}
    hostile["facts"] = facts | {key: change[key] for key in change if key in facts}
    with (tmp_path / JOURNAL).open("a") as file:
        file.write(json.dumps({"outcome": {"id": "2", "kind": "loaded", "loaded": hostile}}) + "\n")
    assert list(Journal(tmp_path, SETTINGS).outcomes) == ["1"]


def test_what_a_source_says_can_be_written_and_read_again(tmp_path):
    odd = Offer(**dict.fromkeys(("id", "url", "author", "title", "licence"), "\ud83d"))
    assert odd.author == "?"
    Journal(tmp_path, SETTINGS).listed("sea", "first", Listing((odd,)))
    assert Journal(tmp_path, SETTINGS).listings["sea", "first"].offers == (odd,)


def test_queries_are_what_can_be_written_and_read_again():
    assert request(["a\udcff", "a\x07  b", " a b"]).settings()["queries"] == ["a?", "a b"]


# The finder.


class Circle(Album):
    """Goes on for ever: every page has a next one and the same photos."""

    def listing(self, web, cursor):
        web.json(cursor)
        query, _, page = cursor.partition("/")
        return Listing((self.offer(query, 1), self.offer(query, 2)), f"{query}/{int(page) + 1}")


def found(source, web, journal, *queries) -> list[str]:
    return [found.offer.id for found in Finder(source, web, source.searches(queries, frozenset()), journal)]


def test_searches_take_turns_and_photos_that_are_listed_twice_come_once(tmp_path):
    ids = found(Album(photos=12), FakeClient(), Journal(tmp_path, SETTINGS), "a", "b")
    assert ids[:4] == ["a-0", "b-0", "a-1", "b-1"]
    assert len(ids) == len(set(ids)) == 2 * 11


def test_listings_of_the_journal_are_not_asked_for_again(tmp_path):
    journal, web = Journal(tmp_path, SETTINGS), FakeClient()
    first = found(Album(photos=25), web, journal, "a")
    assert web.asked == ["a/0", "a/1", "a/2"]
    web = FakeClient()
    assert found(Album(photos=25), web, Journal(tmp_path, SETTINGS), "a") == first
    assert web.asked == []


def test_endless_listings_end(tmp_path):
    web = FakeClient()
    assert found(Circle(), web, Journal(tmp_path, SETTINGS), "a") == ["a-1", "a-2"]
    assert len(web.asked) == 4


class Nothing(Album):
    """Goes on for ever, with something else on every page that has no address."""

    def listing(self, web, cursor):
        web.json(cursor)
        query, _, page = cursor.partition("/")
        return Listing((Offer(id=cursor, url="", problem="has no address"),), f"{query}/{int(page) + 1}")


class Flood(Album):
    """Goes on for ever, with another photo on every page."""

    def listing(self, web, cursor):
        query, _, page = cursor.partition("/")
        return Listing((self.offer(query, int(page)),), f"{query}/{int(page) + 1}")


def test_endless_listings_of_nothing_end(tmp_path):
    web = FakeClient()
    assert len(found(Nothing(), web, Journal(tmp_path, SETTINGS), "a")) == len(web.asked) == 3


def test_no_search_goes_on_for_ever(tmp_path):
    assert len(found(Flood(), FakeClient(), Journal(tmp_path, SETTINGS), "a")) == 1000


def test_a_listing_that_leads_back_ends(tmp_path):
    class Back(Album):
        def listing(self, web, cursor):
            return Listing((self.offer("a", len(web.asked)),), "a/0") if web.json(cursor) is None else None

    assert len(found(Back(), FakeClient(), Journal(tmp_path, SETTINGS), "a")) == 1


# What is taken.


def test_the_gate_lets_in_what_is_wanted():
    gate = Gate(request())
    assert gate.problem(OFFER) is None
    assert (
        gate.problem(Offer(id="1", url="https://a", licence_url="https://creativecommons.org/licenses/by/4.0/")) is None
    )
    by_kind = {
        "licence": [{"licence": "CC BY-SA 4.0"}, {"licence": ""}, {"licence": "All rights reserved"}],
        "too-small": [{"width": 255, "height": 4000}, {"width": 300, "height": 100}],
        "listing": [{"problem": "it is an svg"}],
    }
    for kind, changes in by_kind.items():
        for change in changes:
            problem = gate.problem(OFFER.model_copy(update=change))
            assert problem is not None
            assert problem.kind == kind, change
    assert gate.problem(OFFER.model_copy(update={"width": 0, "height": 10})) is None  # not stated


def test_more_duplicates_than_fit_at_first(tmp_path):
    duplicates = Duplicates(4)
    photos = [loaded(tmp_path, f"photo {i}") for i in range(300)]
    for i, photo in enumerate(photos):
        assert duplicates.problem(photo) is None
        duplicates.add(photo, f"photo {i}")
    for i in (0, 63, 64, 299):
        assert str(duplicates.problem(photos[i])) == f"has the same bytes as photo {i}"
        near = f"{int(photos[i].facts.dhash, 16) ^ 0b1111:016x}"
        assert str(duplicates.problem(loaded(tmp_path, "x", near))) == f"looks the same as photo {i}"
        far = f"{int(photos[i].facts.dhash, 16) ^ 0b11111:016x}"
        assert duplicates.problem(loaded(tmp_path, "x", far)) is None


def test_plain_pictures_are_no_duplicates_of_each_other(tmp_path):
    duplicates = Duplicates(4)
    duplicates.add(loaded(tmp_path, "sky", FLAT), "sky")
    assert duplicates.problem(loaded(tmp_path, "other sky", FLAT)) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_path_comes_from_the_network(tmp_path_factory, label, source):
    folder = tmp_path_factory.getbasetemp()
    name = photo_name(Found(Search(label, ""), OFFER), loaded(folder, "a"), source)
    assert (folder / name).resolve().parent.parent == folder.resolve()
    assert name.count("/") == 1
    assert "\\" not in name


# The records.


def test_hostile_texts_do_nothing_in_the_records(tmp_path):
    hostile = ['=cmd|"/c calc"!A1', "a|b\n# c <script>x</script> [x](javascript:y)", "\u202ecod.exe\ud83d"]
    fates = []
    for i, text in enumerate(hostile):
        offer = Offer(id=text, url=f"https://a.example/{i}", title=text, author=text, licence="CC BY 2.0")
        photo = loaded(tmp_path, f"{i}")
        fates.append(Fate(Found(Search("sea", ""), offer), "kept", file=f"sea/{i}.jpg", loaded=photo, at="2026"))
        fates.append(Fate(Found(Search("sea", ""), offer.model_copy(update={"url": ""})), "listing", text))
    write_records(tmp_path, request(), fates)
    for line in (tmp_path / "fetch-report.csv").read_text().splitlines():
        assert not line.startswith("=")
        assert ",=" not in line
    credits_ = (tmp_path / "ATTRIBUTION.md").read_text()
    assert "<script>" not in credits_
    assert "x\\](javascript" in credits_  # no link: its brackets are escaped
    assert len(credits_.splitlines()) == 6 + 1 + len(hostile)
    lines = [json.loads(line) for line in (tmp_path / "photos.jsonl").read_text().splitlines()]
    assert [line["author"] for line in lines] == [*hostile[:2], hostile[2].replace("\ud83d", "?")]
    assert {photo.author for photo in read_provenance(tmp_path).values()} == {line["author"] for line in lines}


@given(st.lists(st.text(st.characters(), max_size=30), min_size=7, max_size=7))
def test_any_texts_are_written_and_read_again(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("records")
    names = ("id", "url", "landing_page", "title", "author", "author_url", "licence")
    offer = Offer(**dict(zip(names, texts, strict=True)))
    photo = loaded(folder, "a")
    kept = Fate(Found(Search("sea", ""), offer), "kept", file="sea/a.jpg", loaded=photo)
    write_records(folder, request(), [kept, Fate(kept.found, "listing", texts[1])])
    known = read_provenance(folder)[photo.sha256]
    assert [getattr(known, name) for name in names[:-1]] == [getattr(offer, name) for name in names[:-1]]
    assert len((folder / "ATTRIBUTION.md").read_text().splitlines()) == 6 + 1 + 1
    with (folder / "fetch-report.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [len(row) for row in rows] == [5, 5, 5]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_no_licence_steers_a_terminal():
    assert licence_name("\x1b[31mmine,\nall mine") == "[31mmine, all mine"
    assert licence_name("cc-by 2.0") == "CC BY 2.0"


def test_a_thread_that_outlived_its_fetch_meets_nobody(tmp_path):
    assert Store(tmp_path, []).part("loader-1") != Store(tmp_path, []).part("loader-1")


# Access.


def test_settings_of_the_environment_and_of_the_command_line(monkeypatch):
    monkeypatch.setenv("DEBLURBENCH_OPENVERSE_API", "https://mirror.example/v1/")
    assert open_source("openverse", {}).as_dict()["api"] == "https://mirror.example/v1/"
    assert open_source("openverse", {"api": "https://b.example/"}).as_dict()["api"] == "https://b.example/"
    assert open_source("openverse", {}, ["page_size=7"]).as_dict()["page_size"] == 7


def test_a_key_comes_from_a_file_or_the_environment(monkeypatch, tmp_path):
    pexels = open_source("pexels", {})
    monkeypatch.delenv("DEBLURBENCH_PEXELS_KEY", raising=False)
    with pytest.raises(Exception, match="DEBLURBENCH_PEXELS_KEY"):
        read_key(pexels)
    monkeypatch.setenv("DEBLURBENCH_PEXELS_KEY", "from-environment")
    assert read_key(pexels) == "from-environment"
    (tmp_path / "key").write_text("from-file\n")
    assert read_key(pexels, tmp_path / "key") == "from-file"
    (tmp_path / "key").write_text("two\nlines")
    with pytest.raises(Exception, match="no key holds"):
        read_key(pexels, tmp_path / "key")


def test_the_rule_of_a_source_is_said_where_it_is_broken():
    from deblurbench.cli.fetch import PEXELS_RULE

    pexels = open_source("pexels", {})
    with pytest.raises(Exception, match="unless you have explicit permission"):
        check_permission(pexels, permission=False, contact="me@example.org")
    check_permission(pexels, permission=True, contact="")
    quotation = PEXELS_RULE.partition("“")[2].partition("”")[0]
    assert quotation in pexels.permission
    with pytest.raises(Exception, match="--contact"):
        check_permission(open_source("commons", {}), permission=False, contact="")
