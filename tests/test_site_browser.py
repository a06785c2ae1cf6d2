"""The first page and the pages of tracks in a browser: what a reader does, and what hostile submissions do not do."""

import itertools
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from threading import Timer

import numpy as np
import pytest
from board_kit import make_entry, make_track
from browser_kit import PHONE, chromium, playwright, served, violations, watch  # noqa: F401 # fixtures
from playwright.sync_api import expect
from test_site import HOSTILE, hostile_contest

from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.runs.budget import Budget
from deblurbench.runs.cost import Cost, SizeCost

pytestmark = pytest.mark.xdist_group("browser")

METHODS = ("alpha", "beta", "gamma", "delta", "epsilon")


def cost_of(size):
    """Of a method that is the dearer the larger it is."""
    return Cost(
        device="a processor, 2 threads",
        sizes={
            "256x256": SizeCost(macs=size * 10**9, seconds=0.01 * size, memory_mb=10.0 * size),
            "1280x720": SizeCost(macs=size * 14 * 10**9, seconds=0.2 * size, memory_mb=150.0 * size, calls=1),
        },
    )


def make_board(tmp_path):
    """Five methods, one that is told the kernel, one that makes pictures worse, and a reported one."""
    track = make_track(n=24, about="A track for tests.")
    draw = np.random.default_rng(5)
    entries = [
        make_entry(
            track,
            name,
            draw.normal(2 + place, 0.5, 24),
            parameters=10 ** (place + 3),
            weights_sha256="0" * 64,
            cost=cost_of(place + 1),
            budget=Budget(epochs=place + 1, crops=1000, seconds=60.0 * (place + 1)),
        )
        for place, name in enumerate(METHODS)
    ]
    entries.append(make_entry(track, "ceiling", 9, told=True, cost=cost_of(2)))
    entries.append(make_entry(track, "worse", -2, ssim=None))
    other_entries = [make_entry(other := make_track("other.test"), "w" * 80, 1)]
    one = {"track": track.name, "method": "Their net", "mean": {"psnr_db": 33.1, "ssim": 0.95}, "year": 2022}
    reported = Reported.model_validate(one | {"tier": "primary", "source": "https://example.org/paper"})
    contests = [Contest(track, entries, [reported]), Contest(other, other_entries)]
    return build_site(tmp_path, [standing(contest) for contest in contests], tmp_path / "site").parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make_board(tmp_path_factory.mktemp("board"))


@pytest.fixture
def board(watch, site):  # noqa: F811
    return watch.open(site / "tracks" / "toy.test" / "index.html")


def methods(page):
    """Those that the table shows, in its order."""
    return page.eval_on_selector_all("#board tbody tr th", "all => all.map(th => th.firstElementChild.textContent)")


def head(page, key):
    return page.locator(f"#board th[data-key={key}]")


def test_rows_are_sorted_by_any_column(board):
    best_first = ["ceiling", "epsilon", "delta", "gamma", "beta", "alpha", "blurred (identity)", "worse"]
    assert methods(board) == best_first
    assert head(board, "psnr").get_attribute("aria-sort") == "descending"
    head(board, "parameters").get_by_role("button").click()
    assert methods(board)[:5] == list(METHODS)
    assert head(board, "parameters").get_attribute("aria-sort") == "ascending"
    assert head(board, "psnr").get_attribute("aria-sort") is None
    assert "Sorted by Parameters, lowest first." in board.locator("#shown").inner_text()
    head(board, "parameters").get_by_role("button").click()
    assert methods(board)[:5] == list(reversed(METHODS))  # who has none comes last either way
    head(board, "method").get_by_role("button").click()
    assert methods(board) == sorted(best_first)
    head(board, "ssim").get_by_role("button").click()
    assert methods(board)[-1] == "worse"
    head(board, "rank").get_by_role("button").click()
    assert methods(board)[:2] == ["epsilon", "delta"]


def test_rows_are_searched_and_filtered(board):
    board.get_by_label("Search methods").fill("T A")
    assert methods(board) == ["delta", "beta"]
    assert "2 of 8 rows shown." in board.locator("#shown").inner_text()
    board.get_by_label("Search methods").fill("")
    board.get_by_label("Hide methods that are told the kernel").check()
    board.get_by_label("Hide rows below blurred").check()
    assert methods(board) == ["epsilon", "delta", "gamma", "beta", "alpha", "blurred (identity)"]
    board.get_by_label("Weights").select_option("no")
    assert methods(board) == []
    assert "0 of 8 rows shown." in board.locator("#shown").inner_text()
    board.get_by_label("Hide rows below blurred").uncheck()
    assert methods(board) == ["worse"]


def test_columns_are_chosen_and_the_address_keeps_them(board, watch, site):  # noqa: F811
    def shown(page):
        return page.eval_on_selector_all(
            "#board thead th", "all => all.filter(th => th.offsetWidth).map(th => th.dataset.key)"
        )

    usual = [
        "rank",
        "method",
        "psnr",
        "gain",
        "ssim",
        "parameters",
        "macs_256x256",
        "seconds_256x256",
        "budget",
        "status",
    ]
    assert shown(board) == usual
    board.get_by_text("Columns", exact=True).click()
    board.get_by_label("SSIM+").uncheck()
    board.get_by_label("MB 256\u00d7256").check()
    chosen = [key for key in usual if key != "ssim"]
    chosen.insert(chosen.index("budget"), "memory_256x256")
    assert shown(board) == chosen
    board.get_by_label("Search methods").fill("eta")
    head(board, "gain").get_by_role("button").click()
    head(board, "gain").get_by_role("button").click()
    board.wait_for_url("**/index.html#sort=gain.asc*")
    again = watch.open(board.url)
    assert shown(again) == chosen
    assert methods(again) == methods(board) == ["beta"]
    assert head(again, "gain").get_attribute("aria-sort") == "ascending"
    again.get_by_text("Columns", exact=True).click()
    again.get_by_role("button", name="The usual ones").click()
    assert shown(again) == usual
    again.get_by_role("button", name="All", exact=True).click()
    assert len(shown(again)) == again.locator("#board thead th").count() > 20
    strange = watch.open((site / "tracks/toy.test/index.html").as_uri() + "#sort=nothing.up&status=x&weights=%3Cb%3E")
    assert len(methods(strange)) == 8


def test_the_gain_on_each_kind_of_blur(board):
    kinds = board.locator("section[aria-labelledby=kinds]")
    assert kinds.locator("tbody tr").count() == 9
    assert kinds.locator("tbody tr").first.inner_text().split()[0] == "camera-shake"
    kinds.get_by_role("button", name="Show the gain of every method on each kind").click()
    assert board.locator("#board thead th:visible").count() == 2 + 1 + 9
    board.get_by_role("button", name="defocus gain, dB", exact=True).click()
    assert methods(board)[:2] == ["ceiling", "epsilon"]
    assert board.locator("#board tbody tr").first.locator("td.c-kind3").inner_text() == "+9.00"


def test_the_whole_table_by_keyboard(board):
    board.keyboard.press("Tab")
    assert board.evaluate("document.activeElement.textContent") == "Skip to the content"
    board.keyboard.press("Enter")
    board.keyboard.press("Tab")
    assert board.evaluate("document.activeElement.id") == "find"
    board.keyboard.type("eta")
    assert methods(board) == ["beta"]
    for _ in range(3):
        board.keyboard.press("Backspace")
    for _ in range(40):
        board.keyboard.press("Tab")
        if board.evaluate("document.activeElement.closest('th')?.dataset.key === 'gain'"):
            break
    board.keyboard.press("Enter")
    assert head(board, "gain").get_attribute("aria-sort") == "descending"
    board.keyboard.press("Space")
    assert head(board, "gain").get_attribute("aria-sort") == "ascending"
    assert methods(board)[0] == "worse"
    ring = board.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_the_plot_shows_the_rows_of_the_table(board):
    dots = board.locator("#plot .dot")
    dots.first.wait_for()
    assert dots.count() == 6  # of seven methods, whose cost is known
    assert "1 of those shown above has no figure" in board.locator("#plot-note").inner_text()
    assert board.locator("#plot .line.blurred").count() == 1
    assert board.locator("#plot .front").count() == 1
    assert board.locator("#plot .dot.best").count() == 5
    assert board.locator("#plot .dot.told").count() == 1
    board.get_by_label("Cost", exact=True).select_option("parameters")
    assert dots.count() == 5
    assert dots.first.get_attribute("aria-label").startswith("alpha: ")
    assert "Parameters: 1000" in dots.first.get_attribute("aria-label")
    board.get_by_label("Search methods").fill("eta")
    expect(dots).to_have_count(1)
    board.get_by_label("Search methods").fill("nobody")
    expect(dots).to_have_count(0)
    assert "None of the methods" in board.locator("#plot-note").inner_text()


def test_the_plot_by_keyboard(board):
    board.locator("#plot .dot").first.wait_for()
    board.get_by_label("Cost", exact=True).focus()
    board.keyboard.press("Tab")
    first = board.evaluate("document.activeElement.getAttribute('aria-label')")
    assert first.startswith("alpha: ")
    assert board.locator(".tip").inner_text() == first
    board.keyboard.press("End")
    assert board.evaluate("document.activeElement.getAttribute('aria-label')").startswith("epsilon: ")
    board.keyboard.press("ArrowLeft")
    board.keyboard.press("Enter")
    board.wait_for_url("**/delta.html")


def test_a_phone_shows_it_without_sideways_scroll(watch, site):  # noqa: F811
    for path in ("index.html", "tracks/other.test/index.html", "tracks/toy.test/index.html"):
        page = watch.open(site / path, viewport=PHONE, has_touch=True, is_mobile=True)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        for region in page.locator(".scroll").all():
            assert region.evaluate("e => e.scrollWidth <= e.clientWidth"), region
    keys = page.eval_on_selector_all(
        "#board thead th", "all => all.filter(th => th.offsetWidth).map(th => th.dataset.key)"
    )
    assert keys == ["rank", "method", "psnr", "gain"]
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("button", name="All", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]  # the table scrolls in itself


def test_names_without_end_fit_a_phone(watch, tmp_path):  # noqa: F811
    track = make_track(title="t" * 290, about="a" * 1900)
    facts = [replace(p, facts=replace(p.facts, family=p.facts.family + "f" * 290)) for p in track.pictures]
    track = replace(track, pictures=facts)
    entries = [make_entry(track, "w" * 80, 1), make_entry(track, "W" * 79, 2)]
    made = build_site(tmp_path, [standing(Contest(track, entries))], tmp_path / "site").parent
    for path in made.rglob("*.html"):
        page = watch.open(path, viewport=PHONE, has_touch=True, is_mobile=True)
        if path.name not in ("index.html", "compare.html"):
            page.locator("#images tbody tr").first.wait_for()
        elif path.name == "compare.html":
            page.wait_for_selector("#verdict[data-a]")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path.name


def test_names_are_sorted_as_people_count(watch, tmp_path):  # noqa: F811
    track = make_track()
    entries = [make_entry(track, name, place) for place, name in enumerate(["net 10", "Net 2", "net 1", "other"])]
    made = build_site(tmp_path, [standing(Contest(track, entries))], tmp_path / "site").parent
    page = watch.open(made / "tracks" / "toy.test" / "index.html")
    head(page, "method").get_by_role("button").click()
    assert methods(page) == ["blurred (identity)", "net 1", "Net 2", "net 10", "other"]


def test_labels_of_the_plot_cover_no_others(watch, tmp_path):  # noqa: F811
    track = make_track()
    entries = [make_entry(track, f"close {place}", 2 + place / 99, cost=cost_of(4)) for place in range(9)]
    made = build_site(tmp_path, [standing(Contest(track, entries))], tmp_path / "site").parent
    page = watch.open(made / "tracks" / "toy.test" / "index.html")
    page.locator("#plot .dot").first.wait_for()
    boxes = [label.bounding_box() for label in page.locator("#plot .name, #plot .line-label").all()]
    assert 2 <= len(boxes) < 10
    for a, b in itertools.combinations(boxes, 2):
        beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
        assert beside or abs(a["y"] - b["y"]) >= 11


def test_without_scripts_it_is_a_plain_table(watch, site):  # noqa: F811
    page = watch.open(site / "tracks" / "toy.test" / "index.html", java_script_enabled=False)
    rows = page.locator("#board tbody tr")
    assert rows.count() == 8
    assert rows.first.locator("td:visible").count() > 20
    assert "told the kernel, no rank" in rows.first.inner_text()
    assert "⚠ below blurred" in rows.last.inner_text()
    assert not page.locator("#tools").is_visible()
    assert not page.locator("#plot-section").is_visible()
    assert page.get_by_text("need JavaScript").is_visible()


def test_colours_are_the_systems_or_the_readers(watch, site):  # noqa: F811
    def paper(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = watch.open(site / "index.html", color_scheme="light")
    dark = watch.open(site / "index.html", color_scheme="dark")
    assert paper(light) != paper(dark)
    light.get_by_role("button", name="Dark colours").click()
    assert paper(light) == paper(dark)
    light.reload()
    assert paper(light) == paper(dark)
    light.get_by_role("button", name="Light colours").click()
    assert paper(light) != paper(dark)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(watch, site, scheme):  # noqa: F811
    for path in ("index.html", "tracks/toy.test/index.html"):
        page = watch.open(site / path, color_scheme=scheme, bypass_csp=True)
        page.wait_for_timeout(100)
        if "tracks" in path and scheme == "light":  # all that can be unfolded
            page.get_by_text("Columns", exact=True).click()
            page.get_by_role("button", name="All", exact=True).click()
            page.get_by_text("What the columns mean").click()
        assert violations(page) == [], path


def test_hostile_submissions_do_nothing(watch, tmp_path):  # noqa: F811
    hostile = build_site(tmp_path, [standing(hostile_contest())], tmp_path / "site").parent
    pages = sorted(hostile.rglob("*.html"))
    for path in [hostile / "index.html", *pages[-3:]]:
        page = watch.open(path)
        page.wait_for_timeout(50)
        assert page.evaluate("document.scripts.length") <= 6
    board = watch.open(hostile / "tracks" / "toy.test" / "index.html")
    assert sorted(methods(board)) == sorted([*HOSTILE, "blurred (identity)"])
    assert board.get_by_role("heading", level=1).inner_text() == f"Toy {HOSTILE[1]}"
    for key in ("method", "psnr", "status"):
        head(board, key).get_by_role("button").click()
    board.get_by_label("Search methods").fill("<script>")
    assert len(methods(board)) == 2
    links = board.eval_on_selector_all("a", "all => all.map(a => a.href)")
    assert not [link for link in links if not re.match(r"file:|https://example\.org/", link)]
    kinds = board.locator("section[aria-labelledby=kinds] tbody th").all_inner_texts()
    assert kinds[0].strip() == HOSTILE[1]


def test_it_works_from_a_plain_web_host(watch, site):  # noqa: F811
    with served(site.parent) as address:
        watch.allowed.append(address)
        page = watch.open(f"{address}/site/index.html")
        page.get_by_role("link", name="Toy toy.test").click()
        head(page, "gain").get_by_role("button").click()
        assert methods(page)[0] == "ceiling"
        page.locator("#plot .dot").first.wait_for()
        page.close()


def test_it_works_as_serve_shows_it(watch, site):  # noqa: F811
    command = [sys.executable, "-m", "deblurbench", "leaderboard", "serve", "--site", site, "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as it:
        try:
            address = it.stdout.readline().strip()
            watch.allowed.append(address)
            page = watch.open(address)
            page.get_by_role("link", name="Toy toy.test").click()
            expect(page.locator("#board tbody tr")).to_have_count(8)
            page.close()
        finally:
            it.send_signal(signal.SIGINT)
            ended = Timer(20, it.kill)  # such as where this test runs in the background, which ignores Ctrl-C
            ended.start()
            it.wait()
            ended.cancel()
    assert it.returncode == 0


def test_of_many_rows_the_first_are_shown(watch, tmp_path):  # noqa: F811
    track = make_track(n=2)
    entries = [make_entry(track, f"method {place:03}", 1 + place / 100) for place in range(230)]
    made = build_site(tmp_path, [standing(Contest(track, entries))], tmp_path / "site").parent
    page = watch.open(made / "tracks" / "toy.test" / "index.html")
    assert len(methods(page)) == 100
    assert "231 of 231 rows match; the first 100 are shown." in page.locator("#shown").inner_text()
    page.locator("#board tbody tr").nth(60).scroll_into_view_if_needed()
    page.wait_for_timeout(600)  # it scrolls smoothly
    assert head(page, "psnr").bounding_box()["y"] == 0  # the head stays at the top of the window
    page.get_by_label("Search methods").fill("method 22")
    assert len(methods(page)) == 12
    page.get_by_label("Search methods").fill("")
    page.get_by_role("button", name="Show all rows").click()
    assert len(methods(page)) == 231
    assert not page.get_by_role("button", name="Show all rows").is_visible()
