"""The whole fetch, as a user types it, against the replicas of the sites: what is promised of it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from replica_kit import busiest, most_open, replica
from replica_world import KEYWORDS

from deblurbench.dataset.reader import open_dataset
from deblurbench.sources.attribution import cell
from deblurbench.sources.provenance import read_provenance

FAST = ("--rate", "1000", "--concurrency", "12", "--backoff", "0.02", "--retries", "4", "--timeout", "3")
QUERIES = [part for word in KEYWORDS for part in ("--query", word)]


class User:
    """Somebody who types commands in a folder.

    Args:
        folder: where.
        site: the replica that the sources are at.
    """

    def __init__(self, folder, site):
        self.folder, self.site = folder, site
        self.environment = os.environ | site.variables | {"DEBLURBENCH_STATE": str(folder / "state")}
        self.allowed = [part for host in site.hosts for part in ("--allow-host", host)]

    def start(self, *arguments, source="openverse", **more):
        command = [sys.executable, "-m", "deblurbench", "fetch", source, *map(str, arguments), *self.allowed]
        command += ["--contact", "test@example.org", "--quiet"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment | more, **pipes)

    def fetch(self, *arguments, source="openverse", **more):
        process = self.start(*arguments, source=source, **more)
        out, err = process.communicate(timeout=240)
        assert "Traceback" not in err
        return process.returncode, out, err

    def manifest(self, out="photos"):
        """The lines of photos.jsonl without what hangs on the clock."""
        lines = [json.loads(line) for line in (self.folder / out / "photos.jsonl").read_text().splitlines()]
        return [{key: value for key, value in line.items() if key != "retrieved"} for line in lines]


@pytest.fixture
def user(tmp_path):
    """A user of a replica: `user(photos=50, ...)`; `user.site` is the replica."""
    running = []

    def start(**settings):
        context = replica(tmp_path, **settings)
        running.append(context)
        return User(tmp_path, context.__enter__())

    yield start
    for context in running:
        context.__exit__(None, None, None)


def kept(user, source="openverse", licences=("cc0", "pdm", "by"), out="photos"):
    """Check that just the good photos are there, each once, as they were sent; their provenance by hash."""
    known = read_provenance(user.folder / out)
    good = user.site.good(source, licences=licences)
    assert Counter(line["sha256"] for line in user.manifest(out)) == Counter(photo.sha256 for photo in good)
    files = [p for p in (user.folder / out).glob("*/*") if p.parent.name != "fetch.journal"]
    assert len(files) == len(known)
    return known


def lines_of_journal(user):
    file = user.folder / "photos" / "fetch.journal" / "journal.jsonl"
    return file.read_bytes().count(b'{"outcome"') if file.exists() else 0


def test_a_thousand_photos_with_faults_killed_three_times(user, tmp_path):
    """All good ones are kept exactly once, and the kills leave no trace."""
    user = user(photos=1000, faults=0.2, seed=3, retry_after=0)
    wanted = (*FAST, *QUERIES, "--count", 1000)
    for stop in (120, 350, 600):
        process = user.start(*wanted)
        while lines_of_journal(user) < stop and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, process.stderr.read()
        process.communicate()
    code, out, err = user.fetch(*wanted)
    known = kept(user)
    assert code == 1, err  # fewer than a thousand are good
    assert f"kept {len(known)} of 1000" in out
    assert f"{len(known)} photos instead of 1000" in err
    assert not user.site.trespasses()
    killed = user.manifest()
    code, _, _ = user.fetch(*wanted, "--out", "undisturbed", DEBLURBENCH_STATE=str(tmp_path / "other"))
    assert user.manifest("undisturbed") == killed


def test_every_bad_photo_is_explained(user):
    user = user(photos=200, faults=0.9, seed=5, retry_after=0)
    licences = ("cc0", "pdm", "by", "by-sa", "by-nc")
    code, out, _ = user.fetch(*FAST, *QUERIES, "--count", 200, "--licence", ",".join(licences), "--json", "-")
    assert code == 1
    kept(user, licences=licences)
    result = json.loads(out)
    assert sum(result["outcomes"].values()) == sum(row["offers"] for row in result["queries"].values())
    assert result["outcomes"].keys() - {"kept"}
    with (user.folder / "photos" / "fetch-report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(result["outcomes"].values())
    truth = {photo.name: photo.why("openverse") or ("kept",) for photo in user.site.photos}
    known = [(row, truth.get(row["url"].partition("?")[0].rpartition("/")[2])) for row in rows]
    assert [(row, why) for row, why in known if why and row["outcome"] not in why] == []
    assert sum(why is not None for _, why in known) > 180  # the others have no address of their own
    assert all(row["reason"] or row["outcome"] == "kept" for row in rows)
    assert not user.site.trespasses()


@pytest.mark.parametrize("source", ["commons", "pexels"])
def test_the_other_apis(user, source):
    user = user(photos=120, faults=0.3, seed=6, retry_after=0)
    more = {"commons": ("--licence", "cc0,pdm,by"), "pexels": ("--i-have-permission",)}[source]
    code, _, err = user.fetch(*FAST, *QUERIES, "--count", 120, *more, source=source)
    assert code == 1, err
    known = kept(user, source, licences=("cc0", "pdm", "by") if source == "commons" else ())
    assert {photo.source for photo in known.values()} == {source}
    assert all(photo.landing_page and photo.licence for photo in known.values())
    assert not user.site.trespasses()


def test_a_gallery_keeps_to_robots_txt(user):
    user = user(photos=60, faults=0.3, seed=7, retry_after=0)
    page = f"{user.site.gallery}figures/{{query}}/"
    code, _, err = user.fetch(*FAST, *QUERIES, "--page", page, "--count", 60, source="page")
    assert code == 1, err
    assert len(kept(user, "gallery")) > 10
    assert not user.site.trespasses()
    hits = user.site.requests("gallery", "files")
    assert {hit.path for hit in hits if hit.path == "/robots.txt"}
    assert all(hit.agent.startswith("deblurbench/") and "test@example.org" in hit.agent for hit in hits)


def test_the_rate_and_the_places_are_never_exceeded(user):
    user = user(photos=110, latency=0.02, seed=8)
    options = ("--rate", 40, "--concurrency", 3, "--backoff", 0.02)
    code, _, err = user.fetch(*options, *QUERIES, "--count", 60)
    assert code == 0, err
    for site in ("openverse", "files"):
        hits = user.site.requests(site)
        assert busiest(hits, 1.0) <= 42, site  # 40, and what the network shifts
        assert busiest(hits, 0.25) <= 12, site
        assert most_open(hits) <= 3, site
    assert len(user.site.requests("files")) >= 60


def test_fetch_then_build_names_every_author(user):
    """`fetch openverse ... && build-dataset pexels-128 --photos photos/`."""
    user = user(photos=150, faults=0.1, seed=9, retry_after=0)
    code, out, err = user.fetch(*FAST, "--recipe", "pexels-128", "--count", 80, "--licence", "cc0,by")
    assert code == 0, err
    assert "kept 80 of 80" in out
    build = [sys.executable, "-m", "deblurbench", "build-dataset", "pexels-128", "--photos", "photos"]
    done = subprocess.run(
        [*build, "--out", "data", "--quiet"], cwd=user.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    dataset = open_dataset(user.folder / "data")
    known = read_provenance(user.folder / "photos")
    records = list(dataset.records())
    assert len(records) == 80
    credits_ = (user.folder / "data" / "ATTRIBUTION.md").read_text()
    fetched = (user.folder / "photos" / "ATTRIBUTION.md").read_text()
    for record in records:
        photo = known[record.photo.raw_sha256]
        assert (record.photo.author, record.photo.licence) == (photo.author, photo.licence)
        assert (record.photo.source, record.photo.url) == ("openverse", photo.landing_page)
        for text in (credits_, fetched):
            (row,) = [line for line in text.splitlines() if f"<{photo.landing_page}>" in line]
            assert f"| {cell(photo.author) or 'unknown'} |" in row
    shares: dict[str, set[str]] = {}
    for record in records:
        if record.photo.author:
            shares.setdefault(record.photo.author.casefold(), set()).add(record.split)
    assert all(len(splits) == 1 for splits in shares.values())
    assert len(shares) > 10


def test_a_dry_run_loads_and_writes_nothing(user):
    user = user(photos=60, seed=10)
    code, out, _ = user.fetch("--query", "nature", "--query", "cat", "--dry-run", "--rate", 100)
    assert code == 0
    assert "nature: the first" in out
    assert "CC" in out
    assert not (user.folder / "photos").exists()
    assert not user.site.requests("files")


def test_keys_are_in_no_file_and_no_message(user):
    user = user(photos=40, faults=0.2, seed=11, retry_after=0)
    _, out, err = user.fetch(*FAST, *QUERIES, "--i-have-permission", "--count", 20, source="pexels")
    secret = user.site.key
    assert secret not in out + err
    for folder in ("photos", "state"):
        files = [p for p in (user.folder / folder).rglob("*") if p.is_file()]
        assert files
        for file in files:
            assert secret.encode() not in file.read_bytes(), file
    wrong = ("--query", "cat", "--i-have-permission", "--out", "other")
    other = {"DEBLURBENCH_PEXELS_KEY": "wrong-key", "DEBLURBENCH_STATE": str(user.folder / "other-state")}
    code, out, err = user.fetch(*wrong, source="pexels", **other)
    assert code == 1
    assert "401" in err
    assert "wrong-key" not in out + err


@pytest.mark.parametrize(
    "hostile", ["html", "empty", "half", "deep", "wrong-shape", "null-results", "odd-items", "broken", "endless",
                "duplicates", "short-pages", "no-next", "foreign-next"],
)  # fmt: skip
@pytest.mark.parametrize("source", ["openverse", "commons", "pexels"])
def test_hostile_answers_end_in_a_word_or_in_photos(user, source, hostile):
    user = user(photos=24, seed=12, hostile=hostile)
    options = (*FAST, "--retries", 1, "--query", "everything", "--count", 20, "--licence", "cc0,pdm,by,by-sa,other")
    code, out, err = user.fetch(*options, "--i-have-permission", source=source)
    assert code in (0, 1), err
    assert ("Error: " in err) == (code == 1)
    assert "bug" not in err
    assert out.startswith("photos  kept ")
    assert not user.site.trespasses()


def test_a_private_address_needs_to_be_allowed(user):
    user = user(photos=24, seed=13)
    user.allowed = []
    code, _, err = user.fetch("--query", "cat")
    assert code == 1
    assert "--allow-host 127.0.0.1" in err
    assert not user.site.requests()


def test_ctrl_c_ends_at_once_and_what_is_there_is_usable(user):
    user = user(photos=220, seed=14, latency=0.1)
    process = user.start(*FAST, *QUERIES, "--count", 150, "--rate", 15)  # ten seconds, however busy the machine
    while lines_of_journal(user) < 20:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, err = process.communicate()
    assert time.monotonic() - start < 4
    assert process.returncode == 130
    assert "the same command again finishes the work" in err
    assert len(user.manifest()) == len(list((user.folder / "photos").glob("*/openverse-*"))) > 0
    code, _, err = user.fetch(*FAST, *QUERIES, "--count", 150)
    assert code == 0, err
