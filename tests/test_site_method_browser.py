"""The pages of methods in a browser: slider, tables and scatter, by mouse and by keys."""

import math

import numpy as np
import pytest
from board_kit import make_contest, make_track
from browser_kit import PHONE, chromium, playwright, served, violations, watch  # noqa: F401
from photo_board_kit import HOSTILE, make_photo_board

from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.site.pictures import spread
from deblurbench.leaderboard.tables.standing import standing

pytestmark = pytest.mark.xdist_group("browser")
HOSTILE_STEM = "img_src_x_onerror_alert_1"
N = 250


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return make_photo_board(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def track(board):
    """The folder of a track whose pictures are all there."""
    return board.site(board.folder / "site")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The folder of a track of many pictures without pictures, and its contest."""
    folder = tmp_path_factory.mktemp("many")
    random = np.random.default_rng(0)
    gains = {name: random.normal(1, 2, N).round(1) for name in "abc"}
    contest = make_contest(make_track(n=N), **gains)
    build_site(folder, [standing(contest)], folder / "site")
    return folder / "site" / "tracks" / "toy.test", contest


def at(page):
    """Where the divider stands, in per cent, as it is said and as it is drawn."""
    handle = page.get_by_role("slider")
    said = int(handle.get_attribute("aria-valuenow"))
    drawn = page.evaluate(
        """() => {
            const box = document.querySelector(".view").getBoundingClientRect();
            const handle = document.querySelector(".handle").getBoundingClientRect();
            return 100 * (handle.left + handle.width / 2 - box.left) / box.width;
        }"""
    )
    assert abs(said - drawn) < 1
    return said


def cut(page):
    """How much of the left picture is seen, in per cent of its width."""
    return page.evaluate(
        """() => {
            const left = document.querySelector(".sheet .left");
            const sides = left.style.clipPath.match(/[\\d.]+/g).map(Number);
            return 100 - 100 * (sides[1] ?? sides[0]) / left.offsetWidth;
        }"""
    )


def test_the_slider_moves_by_keys(watch, track):  # noqa: F811
    page = watch.open(track / "half.html")
    handle = page.get_by_role("slider")
    handle.focus()
    assert at(page) == 50
    for key, place in (
        ("ArrowRight", 51),
        ("ArrowLeft", 50),
        ("PageUp", 60),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("End", 100),
    ):
        page.keyboard.press(key)
        assert at(page) == place
        assert abs(cut(page) - place) < 1
    page.keyboard.press("f")
    assert at(page) == 0
    assert handle.get_attribute("aria-valuetext") == "0 % blurred, the rest half"


def test_the_slider_moves_by_mouse_and_finger(watch, track):  # noqa: F811
    page = watch.open(track / "half.html", has_touch=True)
    page.get_by_role("slider").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=3)
    assert at(page) == 20
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    assert at(page) == 20
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, middle)
    assert at(page) == 75


def test_pictures_and_sides_are_chosen(watch, track, board):  # noqa: F811
    page = watch.open(track / "half.html")
    chosen = [picture.facts.name for picture in spread(board.contest.track, 6)]
    thumbs = page.locator(".thumb")
    assert [thumb.get_attribute("aria-label") for thumb in thumbs.all()] == chosen
    thumbs.nth(4).click()
    assert page.locator(".values strong").inner_text() == chosen[4]
    assert page.locator(".thumb[aria-pressed=true]").get_attribute("aria-label") == chosen[4]
    sources = "() => ['left', 'right'].map(side => document.querySelector(`.sheet .${side}`).src.split('/').pop())"
    assert page.evaluate(sources) == ["blurred.png", "by-half.png"]
    page.get_by_label("half | sharp").check()
    assert page.evaluate(sources) == ["by-half.png", "sharp.png"]
    entry = board.contest.entries[0]
    values = dict(zip(entry.scores.names, entry.scores.psnr_db, strict=True))
    assert f"half {values[chosen[4]]:.2f} dB" in page.locator(".values").inner_text()
    assert page.locator(".tag.left").inner_text() == f"half {values[chosen[4]]:.2f} dB"
    page.wait_for_function("() => document.querySelector('.sheet .left').naturalWidth == 48")


def test_an_enlarged_picture_stays_below_the_divider(watch, track):  # noqa: F811
    page = watch.open(track / "half.html", viewport=PHONE)
    page.wait_for_function("() => document.querySelector('.sheet .left').naturalWidth == 48")
    for zoom in (1, 2, 4):
        page.get_by_label(f"{zoom}\u00d7").check()
        assert page.locator(".sheet .left").bounding_box()["width"] == 48 * zoom
    page.evaluate("() => { document.querySelector('.stage').style.width = '100px'; }")  # as of a large picture
    page.evaluate("() => document.querySelector('.view').scrollTo(60, 0)")
    page.wait_for_function(
        "() => Math.abs(parseFloat(document.querySelector('.sheet .left').style.clipPath.split(' ')[1]) - 82) < 2"
    )
    assert at(page) == 50
    assert page.evaluate("getComputedStyle(document.querySelector('.sheet .left')).imageRendering") == "pixelated"


def test_the_difference_is_shown(watch, track):  # noqa: F811
    page = watch.open(track / "half.html")
    page.get_by_label("difference, \u00d74").check()
    assert page.evaluate("getComputedStyle(document.querySelector('.sheet .left')).mixBlendMode") == "difference"
    assert page.get_by_role("slider").count() == 0


def test_the_table_begins_with_the_worst_and_can_be_sorted(watch, many):  # noqa: F811
    folder, contest = many
    page = watch.open(folder / "a.html")
    pictures = contest.track.pictures
    gains = [p - q.blurred_psnr_db for p, q in zip(contest.entries[0].scores.psnr_db, pictures, strict=True)]
    rows = page.locator(".images tbody tr")
    first = rows.nth(0).locator("th")
    assert rows.count() == 100
    assert first.inner_text() == pictures[int(np.argmin(gains))].facts.name
    page.get_by_role("button", name="Best first").click()
    assert first.inner_text() == pictures[int(np.argmax(gains))].facts.name
    page.get_by_role("button", name="Picture", exact=True).press("Enter")
    assert first.inner_text() == "p00000.png"
    assert page.locator(".images [aria-sort]").inner_text().strip().endswith("Picture")
    page.locator("#images select").select_option("defocus")
    assert page.get_by_text("83 of 83 pictures").is_visible()
    page.locator("#images select").select_option("")
    page.get_by_role("button", name=f"Show all {N}").click()
    assert rows.count() == N


def test_a_row_shows_its_picture(watch, track, board):  # noqa: F811
    page = watch.open(track / "half.html")
    name = spread(board.contest.track, 6)[5].facts.name
    page.get_by_role("button", name=f"Show {name} above").click()
    assert page.locator(".values strong").inner_text() == name
    assert page.evaluate("document.activeElement.className") == "handle"
    assert page.locator(".images tbody tr").count() == 10
    assert page.locator(".images button").count() == 6 + 6  # heads, and the six pictures that are there


@pytest.mark.parametrize(("a", "b"), [("a", "b"), ("c", "a")])
def test_counts_of_two_methods_are_right(watch, many, a, b):  # noqa: F811
    folder, contest = many
    page = watch.open(f"{(folder / 'compare.html').as_uri()}#a={a}&b={b}")
    scores = {entry.submission.method: np.round(entry.scores.psnr_db, 4) for entry in contest.entries}
    difference = np.round(scores[a] - scores[b], 4)
    page.wait_for_selector("#verdict[data-a]")
    said = page.evaluate("() => ({...document.getElementById('verdict').dataset})")
    assert (int(said["a"]), int(said["b"])) == ((difference > 1e-9).sum(), (difference < -1e-9).sum())
    assert int(said["ties"]) == (difference == 0).sum()
    assert math.isclose(float(said["mean"]), difference.mean(), abs_tol=1e-9)
    assert page.locator(".scatter .mark").count() == N
    names = [picture.facts.name for picture in contest.track.pictures]
    order = sorted(range(N), key=lambda i: (-difference[i], i))
    tables = page.locator("#largest table")
    assert tables.nth(0).locator("button").all_inner_texts() == [names[i] for i in order[:5]]
    worst = tables.nth(1).locator("tbody tr").nth(0)
    assert worst.locator("td").all_inner_texts()[2] == f"{difference.min():.2f}".replace("-", "\u2212")


def test_the_two_methods_are_chosen_swapped_and_kept_in_the_address(watch, many):  # noqa: F811
    folder, _ = many
    page = watch.open(f"{(folder / 'compare.html').as_uri()}?a=b&b=c")
    page.wait_for_selector("#verdict[data-a]")
    before = page.locator("#verdict").inner_text()
    assert before.startswith("b is better on ")
    page.get_by_role("button", name="Swap").click()
    page.wait_for_function("() => document.getElementById('verdict').textContent.startsWith('c is better')")
    assert page.evaluate("location.hash") == "#a=c&b=b&of=psnr"
    page.get_by_label("Numbers").select_option("ssim")
    page.get_by_text("equal on 250").wait_for()
    page.reload()
    page.get_by_text("equal on 250").wait_for()
    page.get_by_label("Numbers").select_option("psnr")
    page.evaluate("location.hash = 'main'")  # as the link to the content does
    page.wait_for_function("() => location.hash === '#main'")
    assert page.get_by_label("Method A").input_value() == "c"
    page.get_by_label("Method A").select_option("a")
    page.wait_for_function("() => document.getElementById('verdict').textContent.startsWith('a is better')")


def test_points_are_named_by_mouse_and_keys(watch, many):  # noqa: F811
    folder, contest = many
    page = watch.open(f"{(folder / 'compare.html').as_uri()}#a=a&b=b")
    page.wait_for_selector("#verdict[data-a]")
    page.locator("#scatter").focus()
    page.keyboard.press("ArrowRight")
    largest = page.locator("#largest table").nth(0).locator("button").nth(0).inner_text()
    assert page.locator("#point b").inner_text() == largest
    page.keyboard.press("ArrowLeft")
    page.locator(".scatter .mark").nth(7).hover(force=True)
    named = page.locator("#point b").inner_text()
    ring = page.evaluate(
        "(() => { const r = document.querySelector('.ring'); return [r.getAttribute('cx'), r.getAttribute('cy')]; })()"
    )
    assert named in contest.track.names
    assert float(ring[0]) > 0
    forms = page.evaluate("[...document.querySelectorAll('.scatter .mark')].map(m => m.getAttribute('class'))")
    assert len(set(forms)) == 3  # three kinds of blur, each with a form and a colour of its own


def test_two_methods_share_a_slider(watch, track):  # noqa: F811
    page = watch.open(f"{(track / 'compare.html').as_uri()}#a=half&b=darker")
    page.get_by_label("A: half | B: darker").wait_for(state="attached")
    sources = "() => ['left', 'right'].map(side => document.querySelector(`.sheet .${side}`).src.split('/').pop())"
    assert page.evaluate(sources) == ["by-half.png", "by-darker.png"]
    page.get_by_label("Method B").select_option("half")
    page.wait_for_function("() => document.getElementById('two-pictures').hidden")


@pytest.mark.parametrize(
    "address",
    [
        f"{HOSTILE_STEM}.html",
        f"compare.html#a={HOSTILE_STEM}&b=half",
        f"compare.html#a={HOSTILE}&b=%3Cscript%3E&of=__proto__",
    ],
)
def test_a_hostile_name_stays_text(watch, track, address):  # noqa: F811
    page = watch.open(f"{track.as_uri()}/{address}")
    page.locator(".values strong").wait_for()
    assert page.locator("img[src=x], main script, main iframe").count() == 0
    assert HOSTILE in page.locator("main").inner_text() or "a=<img" in address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["half.html", "compare.html"])
def test_pages_are_accessible_and_fit_a_phone(watch, track, address, scheme):  # noqa: F811
    page = watch.open(track / address, viewport=PHONE, color_scheme=scheme, bypass_csp=True)
    page.locator(".values strong").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert violations(page) == []


def test_a_page_without_pictures_or_scripts(watch, track, many):  # noqa: F811
    page = watch.open(many[0] / "b.html")
    page.locator(".images tbody tr").nth(99).wait_for()
    assert page.locator(".thumb, .stage, .without-js:visible").count() == 0
    page = watch.open(track / "half.html", java_script_enabled=False)
    page.get_by_text("The files, and whose photos they are").click()
    assert page.locator(".files li").count() == 6
    assert page.get_by_text("The slider needs JavaScript").is_visible()


def test_a_web_server_will_do(watch, track):  # noqa: F811
    with served(track.parents[1]) as address:
        watch.allowed.append(address)
        page = watch.open(f"{address}/tracks/leaves.test/half.html")
        page.locator(".values strong").wait_for()
        page.get_by_text("compare with another method").click()
        page.wait_for_selector("#verdict[data-a]")
        assert page.locator("#verdict").inner_text().startswith("half is better on ")
