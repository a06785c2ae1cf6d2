"""Fetches into one folder one after the other: whatever came before, a fetch ends as if it were the only one."""

import random
from contextlib import suppress

import pytest
from fetch_kit import Album, FakeClient, World, WorldClient, fake_check, files, look, manifest
from fetch_kit import request as album

from deblurbench.errors import DeblurbenchError, FetchError
from deblurbench.fetch import loaders, run
from deblurbench.fetch.photo_file import Checks
from deblurbench.fetch.request import Request
from deblurbench.fetch.web.manners import Manners
from deblurbench.sources.online import Search


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a fetch with a client: `start(client, request(), out="a")`."""
    monkeypatch.setattr(loaders, "check_photo", fake_check)

    def go(client, wanted, out="photos", concurrency=4, **more):
        monkeypatch.setattr(run, "Client", lambda *_: client)
        return run.fetch(wanted, Manners(concurrency=concurrency), tmp_path / out, tmp_path, quiet=True, **more)

    return go


def busy(times=1):
    return FetchError("busy", kind="http-503", passing=True), times


def gone():
    return FetchError("gone", kind="http-404"), 99


@pytest.mark.parametrize("seed", range(60))
def test_whatever_came_before(start, tmp_path, monkeypatch, seed):
    """Fetches that want more or fewer, are interrupted, fail here and there: the last one is as if it were the only."""
    monkeypatch.setattr(loaders, "check_photo", look)
    draws = random.Random(seed)
    world = World(seed=seed, photos=draws.choice([10, 40, 80]))
    queries = tuple(draws.sample(["sea", "wood", "sky"], draws.randint(1, 3)))
    lost = {str(n): gone() for n in range(world.photos) if draws.random() < 0.15}
    listings = [f"{query}/{page}" for query in queries for page in range(5)]

    def fetch(count, share=0.0, out="photos", **more):
        bad = {str(n): busy() for n in range(world.photos) if draws.random() < share}
        if draws.random() < share:
            bad[draws.choice(listings)] = busy()
        client = WorldClient(seed=draws.random(), bad=bad | lost, slowest=draws.choice([0, 0.003]), **more)
        wanted = Request(world, queries, "by", Checks(), count=count)
        return start(client, wanted, out, draws.choice([1, 2, 4]))

    for _ in range(draws.randint(1, 3)):
        with suppress(KeyboardInterrupt):
            fetch(draws.choice([1, 3, 8, 15, 100]), draws.choice([0, 0.4]), stop_after=draws.randint(1, 25))
        assert files(tmp_path / "photos") == [line["file"] for line in manifest(tmp_path / "photos")]
    count = draws.choice([3, 8, 15, 100])
    first, second = fetch(count), fetch(count, out="only")
    assert first.as_dict() | {"path": ""} == second.as_dict() | {"path": ""}
    assert files(tmp_path / "photos") == files(tmp_path / "only")
    assert manifest(tmp_path / "photos") == manifest(tmp_path / "only")
    for name in ("fetch-report.csv", "ATTRIBUTION.md"):
        assert (tmp_path / "photos" / name).read_bytes() == (tmp_path / "only" / name).read_bytes()


def test_a_smaller_fetch_leaves_no_photo_without_a_licence_and_a_larger_one_loads_none_twice(start, tmp_path):
    start(FakeClient(), album(count=12))
    whole = manifest(tmp_path / "photos")
    assert start(FakeClient(), album(count=4)).kept == 4
    assert len(files(tmp_path / "photos")) == 4
    client = FakeClient()
    assert start(client, album(count=12)).kept == 12
    assert client.asked == []
    assert manifest(tmp_path / "photos") == whole


def test_a_photo_that_comes_late_takes_the_place_of_the_last(start, tmp_path):
    first = start(FakeClient(bad={"https://album.example/sea/1.jpg": busy()}), album(["sea"], count=5))
    assert first.complete
    assert start(FakeClient(), album(["sea"], count=5)).complete
    assert [int(line["id"].partition("-")[2]) for line in manifest(tmp_path / "photos")] != [0, 2, 3, 4, 5]
    assert len(files(tmp_path / "photos")) == 5


def test_a_network_that_is_gone_costs_no_photo_that_is_there(start, tmp_path):
    bad = {f"https://album.example/sea/{n}.jpg": busy(2) for n in range(0, 60, 2)}
    assert start(FakeClient(bad=bad), album(["sea"], count=40, photos=90)).complete
    before = manifest(tmp_path / "photos")
    summary = start(FakeClient(bad=bad), album(["sea"], count=60, photos=90))
    assert "could not be loaded" in summary.shortfall()
    assert [line for line in manifest(tmp_path / "photos") if line in before] == before


def test_what_a_failing_listing_was_preceded_by_is_loaded(start):
    """Listings are asked for ahead of time: when one fails, the offers before it are still to be loaded."""
    client = FakeClient(bad={"sea/3": busy(9)})
    summary = start(client, album(["sea"], count=100, photos=60), concurrency=1)
    assert summary.kept == 29
    assert summary.shortfall() == "busy"
    client = FakeClient(bad={"sea/3": busy(9)})
    assert start(client, album(["sea"], count=29, photos=60), out="enough").complete


def test_a_search_that_fails_does_not_end_the_others(start):
    bad = {"b/0": gone(), "c/1": busy(9)}
    summary = start(FakeClient(bad=bad), album(["a", "b", "c", "d"], count=100, photos=20))
    assert {label: row["kept"] for label, row in summary.as_dict()["queries"].items()} == {
        "a": 19, "b": 0, "c": 9, "d": 19
    }  # fmt: skip
    assert summary.shortfall() == "gone"
    del bad["c/1"]
    summary = start(FakeClient(bad=bad), album(["a", "b", "c", "d"], count=100, photos=20))
    assert summary.kept == 3 * 19


@pytest.mark.parametrize(("kind", "asked"), [("connection", 3), ("http-401", 3), ("quota", 1), ("wait", 1)])
def test_a_source_that_fails_is_not_asked_for_every_search(start, kind, asked):
    words = [f"{n}" for n in range(9)]
    client = FakeClient(bad={f"{word}/0": (FetchError("no", kind=kind), 9) for word in words})
    assert start(client, album(words, count=9)).shortfall() == "no"
    assert len(client.asked) == asked


def test_files_that_vanish_at_once_are_not_loaded_for_ever(start, monkeypatch):
    monkeypatch.setattr(run.Store, "keep", lambda *_: False)
    client = FakeClient()
    with pytest.raises(DeblurbenchError, match="vanish"):
        start(client, album(count=3))
    assert len(client.asked) < 20


@pytest.mark.parametrize("stray", [SystemExit(0), RuntimeError("odd"), MemoryError(), GeneratorExit()])
@pytest.mark.parametrize("where", ["sea/1", "https://album.example/sea/12.jpg"])
def test_whatever_a_source_or_a_loader_raises_ends_it_with_the_records_written(start, tmp_path, stray, where):
    with pytest.raises(MemoryError if isinstance(stray, MemoryError) else RuntimeError):
        start(FakeClient(bad={where: (stray, 1)}), album(["sea"], count=25))
    assert (tmp_path / "photos" / "photos.jsonl").exists()
    assert start(FakeClient(), album(["sea"], count=25)).complete


@pytest.mark.parametrize("name", ["fetch.journal", "photos.jsonl", "ATTRIBUTION.md", "fetch-report.csv", "..", "",
                                  "../../x", ".lock", "猫", "x" * 5000, "con", "a/b"])  # fmt: skip
def test_no_query_gets_in_the_way_of_the_records(start, tmp_path, name):
    class Odd(Album):
        def searches(self, queries, licences):
            return [Search(name, "sea/0")]

    assert start(FakeClient(), Request(Odd(), ("sea",), "by", Checks(), count=3)).complete
    for record in ("photos.jsonl", "ATTRIBUTION.md", "fetch-report.csv"):
        assert (tmp_path / "photos" / record).is_file()
    assert len(files(tmp_path / "photos")) == 3
    assert not list((tmp_path / "photos" / "fetch.journal").glob("*.jpg"))


def test_the_bar_goes_on_where_it_was(start, tmp_path, monkeypatch, capsys):
    start(FakeClient(), album(count=8))
    monkeypatch.setattr(run, "Client", lambda *_: FakeClient())
    bars = []
    real = run.progress

    def watched(*given, **more):
        bars.append(more["done"])
        return real(*given, **more)

    monkeypatch.setattr(run, "progress", watched)
    run.fetch(album(count=10), Manners(), tmp_path / "photos", tmp_path)
    assert bars == [8]
    line = capsys.readouterr().err
    assert line.startswith("fetch: 10/10 photos, ")
    assert float(line.strip().split(", ")[1].removesuffix("/s")) < 2 / 0.001
