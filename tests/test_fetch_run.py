"""A fetch as a whole, with a source and a client of the tests' own: what is kept hangs on the source's order alone."""

import csv

import pytest
from fetch_kit import FakeClient, fake_check, files, manifest, request

from deblurbench.errors import DatasetError, FetchError, UsageError
from deblurbench.fetch import loaders, run
from deblurbench.fetch.photo_file import PhotoFacts
from deblurbench.fetch.web.manners import Manners
from deblurbench.files import sha256_file
from deblurbench.sources.provenance import read_provenance


def gone(kind="http-404"):
    return FetchError("gone", kind=kind)


def busy():
    return FetchError("busy", kind="http-503", passing=True)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a fetch with a client: `start(client, request(), out="a")`."""
    monkeypatch.setattr(loaders, "check_photo", fake_check)

    def go(client, wanted, out="photos", **more):
        monkeypatch.setattr(run, "Client", lambda *_: client)
        return run.fetch(wanted, Manners(), tmp_path / out, tmp_path / "state", quiet=True, **more)

    return go


def report(folder):
    with (folder / "fetch-report.csv").open() as file:
        return list(csv.DictReader(file))


def test_photos_and_what_is_known_of_them(start, tmp_path):
    summary = start(FakeClient(), request(count=20))
    assert (summary.kept, summary.complete) == (20, True)
    known = read_provenance(tmp_path / "photos")
    assert len(known) == 20
    for photo in known.values():
        assert sha256_file(tmp_path / "photos" / photo.file) == photo.sha256
        assert (photo.licence, photo.licence_version) == ("CC BY 4.0", "4.0")
        assert photo.licence_url == "https://creativecommons.org/licenses/by/4.0/"
        assert photo.retrieved.endswith("Z")
    kept = files(tmp_path / "photos")
    assert kept == sorted(photo.file for photo in known.values())
    assert {file.partition("/")[0] for file in kept} == {"sea", "wood"}
    assert (tmp_path / "photos" / "ATTRIBUTION.md").read_text().count("| Author ") == 20
    assert not list((tmp_path / "photos" / "fetch.journal" / "files").iterdir())


def test_queries_take_turns_and_each_photo_is_asked_for_once(start, tmp_path):
    client = FakeClient()
    start(client, request(count=21))
    loaded = [url for url in client.asked if url.startswith("https:")]
    assert len(loaded) == len(set(loaded)) == 21  # never more than are needed
    queries = [line["query"] for line in manifest(tmp_path / "photos")]
    assert abs(queries.count("sea") - queries.count("wood")) <= 1


def test_who_is_faster_does_not_matter(start, tmp_path):
    bad = {f"https://album.example/sea/{n}.jpg": (gone(), 9) for n in (1, 4, 5)}
    for seed in (1, 2):
        start(FakeClient(seed=seed, bad=dict(bad)), request(count=25), out=f"out{seed}")
    assert manifest(tmp_path / "out1") == manifest(tmp_path / "out2")


@pytest.mark.parametrize("stops", [(3,), (1, 5, 9), (18, 19, 20)])
def test_interrupted_and_resumed_is_as_undisturbed(start, tmp_path, stops):
    bad = {"https://album.example/wood/2.jpg": (gone(), 9)}
    start(FakeClient(bad=dict(bad)), request(count=25), out="whole")
    before = 0
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            start(FakeClient(seed=stop, bad=dict(bad), stop_after=stop), request(count=25))
        kept = files(tmp_path / "photos")
        assert kept == [line["file"] for line in manifest(tmp_path / "photos")]  # what is there is usable
        assert len(kept) >= before
        before = len(kept)
    start(FakeClient(bad=dict(bad)), request(count=25))
    assert manifest(tmp_path / "photos") == manifest(tmp_path / "whole")
    assert report(tmp_path / "photos") == report(tmp_path / "whole")


def test_a_finished_fetch_asks_nothing_and_a_larger_one_only_for_more(start, tmp_path):
    start(FakeClient(), request(count=10))
    before = manifest(tmp_path / "photos")
    again = FakeClient()
    assert start(again, request(count=10)).complete
    assert [url for url in again.asked if url.startswith("https:")] == []
    more = FakeClient()
    assert start(more, request(count=14)).kept == 14
    assert len([url for url in more.asked if url.startswith("https:")]) == 4
    assert [line for line in manifest(tmp_path / "photos") if line in before] == before


def test_a_file_that_somebody_took_away_is_loaded_again(start, tmp_path):
    start(FakeClient(), request(count=10))
    whole = manifest(tmp_path / "photos")
    lost, cut = [tmp_path / "photos" / line["file"] for line in whole[2:4]]
    lost.unlink()
    cut.write_bytes(b"half")
    client = FakeClient()
    assert start(client, request(count=10)).complete
    assert len([url for url in client.asked if url.startswith("https:")]) == 2
    assert manifest(tmp_path / "photos") == whole
    assert sha256_file(cut) == whole[3]["sha256"]


def test_what_fails_is_named_and_what_may_pass_is_tried_again(start, tmp_path):
    bad = {
        "https://album.example/sea/1.jpg": (gone(), 9),
        "https://album.example/sea/2.jpg": (busy(), 1),
        "https://album.example/sea/3.jpg": (FetchError("forbidden there", kind="robots"), 9),
    }
    client = FakeClient(bad=bad)
    summary = start(client, request(["sea"], count=40, photos=10))
    assert not summary.complete
    assert "no more photos" in summary.shortfall()
    rows = {row["url"].rpartition("/")[2]: row for row in report(tmp_path / "photos")}
    assert (rows["1.jpg"]["outcome"], rows["1.jpg"]["reason"]) == ("http-404", "gone")
    assert rows["2.jpg"]["outcome"] == "http-503"
    assert rows["3.jpg"]["outcome"] == "robots"
    assert rows["4.jpg"]["outcome"] == "kept"
    assert rows["4.jpg"]["file"]
    assert summary.as_dict()["queries"]["sea"] == {"offers": 9, "kept": 6, "dropped": 1, "failed": 2}
    asked = len(client.asked)
    assert start(client, request(["sea"], count=40, photos=10)).kept == 7
    assert client.asked[asked:] == ["https://album.example/sea/2.jpg"]


def test_the_first_of_equal_and_of_nearly_equal_photos_is_kept(start, tmp_path, monkeypatch):
    def check(path, checks):
        number = int(path.read_text().rpartition("/")[2].partition(".")[0])
        hashes = {2: "0123456789abcdef", 5: "0123456789abcdee", 6: "0123456789abcde0"}
        facts = fake_check(path, checks)
        return PhotoFacts(**facts.as_dict() | {"dhash": hashes.get(number, facts.dhash)})

    monkeypatch.setattr(loaders, "check_photo", check)
    start(FakeClient(), request(["sea"], count=40, photos=9))
    outcomes = {row["url"].rpartition("/")[2]: row for row in report(tmp_path / "photos")}
    assert outcomes["2.jpg"]["outcome"] == "kept"
    assert outcomes["5.jpg"]["outcome"] == "near-duplicate"
    assert outcomes["2.jpg"]["file"] in outcomes["5.jpg"]["reason"]
    assert outcomes["6.jpg"]["outcome"] == "near-duplicate"
    client = FakeClient()
    start(client, request(["sea"], count=40, photos=9))
    assert client.asked == []  # what was left out is not loaded again


def test_licences_and_sizes_are_looked_at_before_anything_is_loaded(start, tmp_path):
    client = FakeClient()
    summary = start(client, request(count=5, licence="CC BY-NC 2.0"))
    assert summary.kept == 0
    assert all(not url.startswith("https:") for url in client.asked)
    assert {row["outcome"] for row in report(tmp_path / "photos")} == {"licence"}


def test_a_source_that_stops_answering_ends_the_fetch_with_what_is_there(start, tmp_path):
    client = FakeClient(bad={"sea/1": (FetchError("no answer", kind="timeout", passing=True), 1)})
    summary = start(client, request(["sea"], count=25))
    assert summary.kept == 9
    assert summary.shortfall() == "no answer"
    assert start(client, request(["sea"], count=25)).complete


def test_a_network_that_is_gone_does_not_burn_through_the_listings(start):
    bad = {f"https://album.example/sea/{n}.jpg": (busy(), 1) for n in range(10, 300)}
    summary = start(FakeClient(bad=bad), request(["sea"], count=250, photos=300))
    assert "could not be loaded" in summary.shortfall()
    assert 20 <= sum(fate.failed for fate in summary.fates) <= 60


def test_other_settings_or_files_are_left_alone(start, tmp_path):
    start(FakeClient(), request(count=3))
    with pytest.raises(DatasetError, match=r"other settings \(queries"):
        start(FakeClient(), request(["hills"], count=3))
    with pytest.raises(DatasetError, match="licence"):
        start(FakeClient(), request(count=3, licence="CC0 1.0"))
    assert start(FakeClient(), request(["hills"], count=3), overwrite=True).complete
    assert {line["query"] for line in manifest(tmp_path / "photos")} == {"hills"}
    (tmp_path / "photos" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        start(FakeClient(), request(count=3), overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cat.jpg").write_text("mine")
    with pytest.raises(UsageError, match=r"cat\.jpg"):
        start(FakeClient(), request(count=3), out="mine")
    (tmp_path / "mine" / "cat.jpg").rename(tmp_path / "mine" / "IMG-0123456789abcdef.jpg")  # like a name of ours
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"IMG-0123456789abcdef\.jpg"):
            start(FakeClient(), request(count=3), out="mine", overwrite=overwrite)


def test_a_bug_or_a_full_disk_ends_it_and_what_is_there_stays(start, tmp_path, monkeypatch):
    def full(self, part, sha256):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run.Store, "wait", full)
    with pytest.raises(OSError, match="No space"):
        start(FakeClient(), request(count=3))
    assert manifest(tmp_path / "photos") == []
