"""The site of a board as files: what stands on its pages, how it takes the place of an older one, how it is served."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from board_kit import make_contest, make_entry, make_track, write_board

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site import build as site_build
from deblurbench.leaderboard.site.build import MARK, build_site
from deblurbench.leaderboard.site.columns import DASH, rank_cell
from deblurbench.leaderboard.site.data import data_script, numbers
from deblurbench.leaderboard.site.kinds import kinds, mean_gains
from deblurbench.leaderboard.site.pages import method_page
from deblurbench.leaderboard.site.track_page import TrackPage, check_pages, whiskers
from deblurbench.leaderboard.site.words import MINUS, decibels, duration, gain, web_address
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables.standing import standing

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</script><script>alert(3)</script>",
    "=cmd|' /C calc'!A0",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(4)",
    "<!--",
)


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def make(tmp_path, *contests, **options):
    return build_site(tmp_path, [standing(contest) for contest in contests], tmp_path / "site", **options).parent


def files_of(site):
    return {file.relative_to(site).as_posix(): file.read_bytes() for file in site.rglob("*") if file.is_file()}


def page_of(site, name="toy.test/index.html"):
    return (site / "tracks" / name).read_text(encoding="utf-8")


def hostile_contest(name="toy.test"):
    track = make_track(name, title=f"Toy {HOSTILE[1]}", about=HOSTILE[0])
    facts = [replace(p, facts=replace(p.facts, family=HOSTILE[i % 2], scene=HOSTILE[2])) for i, p in
             enumerate(track.pictures)]  # fmt: skip
    track = replace(track, pictures=facts)
    about = {"authors": (HOSTILE[0],), "note": HOSTILE[2], "licence": HOSTILE[1], "training_data": HOSTILE[4]}
    about["links"] = {"paper": "https://example.org/\"'><script>alert(5)</script>"}
    entries = [make_entry(track, method, place, about=about) for place, method in enumerate(HOSTILE)]
    reported = Reported.model_validate(
        {
            "track": name,
            "method": HOSTILE[1],
            "mean": {"psnr_db": 30.0},
            "tier": "secondary",
            "source": HOSTILE[5],
            "about": about,
        }
    )
    return Contest(track, entries, [reported])


def test_the_same_board_gives_the_same_bytes(tmp_path):
    contest = make_contest(make_track(), a=1, b=2, c=-1)
    first = files_of(make(tmp_path / "one", contest))
    assert {
        "index.html",
        "assets/site.css",
        "assets/table.js",
        "tracks/toy.test/index.html",
        "tracks/toy.test/a.html",
        "tracks/toy.test/compare.html",
        "tracks/toy.test/data/pictures.js",
        "tracks/toy.test/data/a.js",
    } <= first.keys()
    assert files_of(make(tmp_path / "two", contest)) == first
    assert files_of(make(tmp_path / "one", contest)) == first


def test_a_site_takes_the_place_of_a_site_and_of_nothing_else(tmp_path):
    site = make(tmp_path, make_contest(make_track(), a=1))
    make(tmp_path, make_contest(make_track(), b=1))
    assert not (site / "tracks" / "toy.test" / "a.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    (site / MARK).unlink()
    with pytest.raises(UsageError, match="was not made by `leaderboard build`"):
        make(tmp_path, make_contest(make_track(), c=1))
    assert (site / "tracks" / "toy.test" / "b.html").is_file()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        build_site(tmp_path, [], tmp_path / "file")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "site")
    with pytest.raises(UsageError, match="is no folder"):
        build_site(tmp_path, [], link)


def test_a_build_that_fails_leaves_the_older_site(tmp_path, monkeypatch):
    before = files_of(make(tmp_path, make_contest(make_track(), a=1)))

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site_build, "write_track_page", fail)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path, make_contest(make_track(), b=1))
    assert files_of(tmp_path / "site") == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_site_that_cannot_be_put_in_place_leaves_the_older_one(tmp_path, monkeypatch):
    before = files_of(make(tmp_path, make_contest(make_track(), a=1)))
    replacing = Path.replace

    def fail(self, target):
        if self.name == "new":
            raise OSError(13, "Permission denied")
        return replacing(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="Permission"):
        make(tmp_path, make_contest(make_track(), b=1))
    assert files_of(tmp_path / "site") == before


def test_all_links_lead_somewhere(tmp_path):
    contest = make_contest(make_track(), a=1, index=2, compare=3, Pictures=4)
    reported = Reported.model_validate(
        {"track": "toy.test", "method": "R", "mean": {"psnr_db": 30.0}, "tier": "primary", "source": "its paper"}
    )
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "toy.csv").write_text("method\n")
    (tmp_path / "tables" / "other.csv").write_text("method\n")
    site = make(tmp_path, replace(contest, reported=[reported]), make_contest(make_track("toy.test-2"), only=1))
    pages = list(site.rglob("*.html"))
    assert len(pages) == 1 + 2 + 1 + 5  # the first page, tracks, one comparison, methods
    for page in pages:
        tags = Tags(page.read_text(encoding="utf-8"))
        ids = [attributes["id"] for _, attributes in tags.tags if attributes.get("id")]
        assert len(ids) == len(set(ids)), page
        for _, attributes in tags.tags:
            for key in ("href", "src"):
                target = attributes.get(key)
                if target is None or target.startswith(("https://", "http://", "data:")):
                    continue
                file, _, anchor = target.partition("#")
                assert not file or (page.parent / file).is_file(), (page, target)
                assert not anchor or file or "=" in anchor or anchor in ids, (page, target)
    text = page_of(site)
    assert "tables/toy.csv" in text
    assert "other.csv" not in text


def test_a_method_does_not_take_the_place_of_the_tracks_own_pages(tmp_path):
    site = make(tmp_path, make_contest(make_track(), index=1, compare=2, pictures=3))
    assert "<h1>Toy toy.test</h1>" in page_of(site)
    assert (site / "tracks" / "toy.test" / "_index.html").is_file()
    assert '"names"' in page_of(site, "toy.test/data/pictures.js")
    assert '"method":"pictures"' in page_of(site, "toy.test/data/_pictures.js")
    assert method_page("wiener") == "wiener.html"
    with pytest.raises(DeblurbenchError, match="'a b' and 'A_B' would have the same page"):
        check_pages(standing(make_contest(make_track(), **{"a b": 2, "A_B": 1})))


def test_hostile_text_is_text(tmp_path):
    site = make(tmp_path, hostile_contest(), hostile_contest("toy.test-2"))
    for page in site.rglob("*.html"):
        tags = Tags(page.read_text(encoding="utf-8"))
        for script in tags.all("script"):
            assert re.fullmatch(r"(\.\./)*(assets|data)/[\w.-]+\.js", script["src"]), page
        for tag, attributes in tags.tags:
            assert not [key for key in attributes if key.startswith("on") or key == "style"], (page, tag)
            assert tag not in ("img", "iframe", "object", "embed") or page.parent.name == "toy.test"
            address = attributes.get("href") or ""
            assert not address.lower().startswith(("javascript:", "data:", "//")), page
            if address.startswith(("https://", "http://")):
                assert attributes["rel"] == "noopener noreferrer nofollow"
        assert "default-src 'none'" in page.read_text(encoding="utf-8")
    for script in site.glob("tracks/**/*.js"):
        text = script.read_text(encoding="utf-8")
        assert not set("<>&\u2028\u2029") & set(text)
        assert text.isascii()
        assert text.count("\n") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page_of(site)
    assert "{{ 7*7 }}" in page_of(site)


def test_data_are_scripts_that_call_one_function():
    value = {"</script>": ["<!--", "&amp;", "\u2028\u2029", 'a"b\\', 1.5, None]}
    script = data_script("method/</script>", value)
    assert script.isascii()
    assert not set("<>&") & set(script)
    name, parsed = json.loads("[" + script.removeprefix("deblurData(").removesuffix(");\n") + "]")
    assert (name, parsed) == ("method/</script>", value)
    assert numbers([1.23456, None, float("inf"), float("-inf")]) == [1.2346, None, "inf", "-inf"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        data_script("x", float("nan"))


def test_the_page_says_what_each_row_is(tmp_path):
    track = make_track(n=8)
    entries = [make_entry(track, "good", 3), make_entry(track, "bad", -1), make_entry(track, "ceiling", 9, told=True)]
    site = make(tmp_path, Contest(track, entries))
    rows = dict(re.findall(r"<tr[^>]*>\s*<td class=\"c-rank.*?<th[^>]*>\s*<(?:a[^>]*|span)>(.*?)<.*?\n(.*?)</tr>",
                           page_of(site), re.DOTALL))  # fmt: skip
    assert list(rows) == ["ceiling", "good", "blurred (identity)", "bad"]
    text = page_of(site)
    assert text.count('class="badge warn">⚠ below blurred') == 2  # the row, and the legend
    assert text.count("told the kernel, no rank</span>") == 2
    assert "+3.000" in rows["good"]
    assert f"{MINUS}1.000" in rows["bad"]


def test_ranks_that_are_shared_are_ranges():
    (row,) = [r for r in standing(make_contest(make_track(), a=1)).rows if r.method == "a"]
    cells = [rank_cell(replace(row, rank=2, first_rank=first, last_rank=3)) for first in (1, 3)]
    assert [(cell.text, cell.small, cell.value) for cell in cells] == [("2", f"1{DASH}3", 2), ("2", "", 2)]
    assert rank_cell(replace(row, rank=None)).text == "—"


def test_intervals_are_drawn_on_one_scale():
    (row,) = [r for r in standing(make_contest(make_track(), a=1)).rows if r.method == "a"]
    wide = replace(row, gain_db=0.0, gain_low_db=-1.0, gain_high_db=4.0)
    lost = replace(row, gain_db=-50.0, gain_low_db=-60.0, gain_high_db=-40.0)
    draw = whiskers([wide, lost, replace(row, gain_low_db=None)])
    assert draw(replace(row, gain_low_db=None)) is None
    assert draw(wide).low < draw(wide).middle == draw(wide).zero == 50 < draw(wide).high == 96
    assert draw(lost).low == draw(lost).high == 4  # cut off, not drawn outside


def test_kinds_of_blur():
    track = make_track(n=24)
    draw = np.random.default_rng(3)
    entry = make_entry(track, "mine", draw.normal(2, 1, 24))
    of = kinds(track)
    assert [kind.label for kind in of if kind.is_family] == ["camera-shake", "defocus", "gaussian"]
    assert of[1].label == "camera-shake, RMS radius 1 .. 2 px"
    means = mean_gains(track, [entry], of)["mine"]
    for kind, mean in zip(of, means, strict=True):
        mine = [
            psnr - picture.blurred_psnr_db
            for psnr, picture in zip(entry.scores.psnr_db, track.pictures, strict=True)
            if picture.facts.family == kind.label.split(",")[0]
            and ("," not in kind.label or picture.facts.severity == kind.label.split(", ")[1])
        ]
        assert len(mine) == len(kind.pictures)
        assert mean == pytest.approx(sum(mine) / len(mine), abs=1e-12)
    assert kinds(replace(track, pictures=track.pictures[:1])) == []
    page = TrackPage(standing(Contest(track, [entry])))
    assert [line.best.method for line in page.kind_lines] == ["mine"] * 9


def test_infinite_numbers_do_not_break_a_page(tmp_path):
    track = make_track()
    endless = replace(track, pictures=[replace(picture, blurred_psnr_db=float("inf")) for picture in track.pictures])
    site = make(tmp_path, Contest(endless, [make_entry(endless, "same", 0), make_entry(track, "less", 3)]))
    text = page_of(site)
    assert "∞" in text
    assert f"{MINUS}∞" in text
    assert "nan" not in text.lower().replace("nano", "")


def test_a_track_where_nobody_competes(tmp_path):
    track = make_track()
    site = make(tmp_path, Contest(track, [make_entry(track, "ceiling", 9, told=True), make_entry(track, "two", 1)]))
    assert "<dt>Best</dt><dd>two, " in page_of(site)
    site = make(tmp_path, Contest(track, [make_entry(track, "ceiling", 9, told=True)]))
    assert "<dt>Best</dt>" not in page_of(site)
    assert "none yet" in (site / "index.html").read_text(encoding="utf-8")


def test_words():
    assert decibels(27.12345) == "27.123"
    assert gain(-0.5) == f"{MINUS}0.500"
    assert [duration(s) for s in (0.5, 99, 600, 7200)] == ["0.50 s", "99 s", "10 min", "2.0 h"]
    assert web_address("https://example.org/a?b=c")
    assert not any(map(web_address, ("javascript:alert(1)", "https://a b", "//a", "ftp://a", "https://a\u202e")))


def test_a_track_of_reported_numbers_alone(tmp_path):
    track = make_track("gopro.test")
    facts = {"dataset_id": None, "protocol": None, "dataset_version": None, "pictures_sha256": None}
    track = replace(track, file=track.file.model_copy(update=facts), pictures=())
    one = {"track": "gopro.test", "tier": "primary", "source": "its paper, Table 1"}
    reported = [
        Reported.model_validate(one | {"method": name, "mean": {"psnr_db": psnr}})
        for name, psnr in (("low", 30.0), ("high", 33.5))
    ]
    site = make(tmp_path, Contest(track, (), reported))
    text = page_of(site, "gopro.test/index.html")
    assert text.index("high") < text.index(">low<")
    assert "Such rows have no rank" in text
    assert ">Parameters</th>" not in text  # nobody says how many
    more = [*reported, Reported.model_validate(one | {"method": "third", "mean": {"psnr_db": 1.0}, "parameters": 7})]
    text = page_of(make(tmp_path, Contest(track, (), more)), "gopro.test/index.html")
    heads, *rows = re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
    assert ">Parameters</th>" in heads
    assert {len(re.findall("<t[hd]", row)) for row in rows} == {heads.count("<th ")}
    assert 'id="board"' not in text
    assert "3 reported numbers" in (site / "index.html").read_text()
    assert [file.name for file in (site / "tracks" / "gopro.test").iterdir()] == ["index.html"]


def test_serve_says_what_is_missing(cli, tmp_path):
    result = cli("leaderboard", "serve", "--board", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "there is no site in" in result.err
    assert "leaderboard build" in result.err
    make(tmp_path, make_contest(make_track(), a=1))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = cli("leaderboard", "serve", "--board", tmp_path, "--port", taken.getsockname()[1])
    assert result.code == 2
    assert "choose another --port" in result.err


def test_serve_shows_the_site_until_it_is_stopped(tmp_path):
    site = make(tmp_path, make_contest(make_track(), a=1))
    (tmp_path / "secret.txt").write_text("no part of the site")
    command = [sys.executable, "-m", "deblurbench", "leaderboard", "serve", "--board", tmp_path, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as server:
        try:
            address = server.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert answer.read() == (site / "index.html").read_bytes()
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.headers["Cache-Control"] == "no-store"
            for path in ("tracks/", "../secret.txt", "%2e%2e/secret.txt", "nothing.html"):
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(address + path, timeout=10)
                refused.value.close()
                assert refused.value.code == 404
        finally:
            server.send_signal(signal.SIGINT)
            ended = Timer(20, server.kill)  # such as where this test runs in the background, which ignores Ctrl-C
            ended.start()
        out, err = server.communicate()
        ended.cancel()
    assert server.returncode == 0
    assert (out, err.strip()) == ("", "Ctrl-C ends it.")


def test_build_makes_the_pages_after_the_tables(cli, tmp_path):
    board = write_board(tmp_path / "board", make_contest(make_track(), a=1))
    result = cli("leaderboard", "build", "--board", board)
    assert result.code == 0
    assert result.out.splitlines()[-1] == str(board / "site" / "index.html")
    site = files_of(board / "site")
    assert site["tables/toy.csv"] == (board / "tables" / "toy.csv").read_bytes()
    assert cli("leaderboard", "build", "--board", board).code == 0
    assert files_of(board / "site") == site
    assert cli("leaderboard", "build", "--board", board, "--site", tmp_path / "pages").code == 0
    assert files_of(tmp_path / "pages") == site


def test_build_without_pages(cli, tmp_path):
    board = write_board(tmp_path / "board", make_contest(make_track(), a=1))
    assert cli("leaderboard", "build", "--board", board, "--no-site").code == 0
    assert not (board / "site").exists()
    result = cli("leaderboard", "build", "--board", board, "--no-site", "--data", tmp_path)
    assert result.code == 2
    assert "give one or the other" in result.err


def test_build_refuses_a_folder_of_something_else_before_it_writes(cli, tmp_path):
    board = write_board(tmp_path / "board", make_contest(make_track(), a=1))
    for folder in (board, tmp_path, board / "tracks"):
        result = cli("leaderboard", "build", "--board", board, "--site", folder)
        assert result.code == 2
        assert "was not made by `leaderboard build`" in result.err
    result = cli("leaderboard", "build", "--board", board, "--site", tmp_path / "d" / "site", "--data", tmp_path / "d")
    assert result.code == 2
    assert "nothing is written there" in result.err
    assert not (board / "tables").exists()
