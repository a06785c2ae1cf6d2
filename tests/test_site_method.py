"""The pages of methods: which pictures they show, and that nothing of a submission gets beyond its place."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from board_kit import make_contest, make_entry, make_track
from bs4 import BeautifulSoup
from photo_board_kit import HOSTILE, half, make_photo_board, restored

from deblurbench.dataset.export import export
from deblurbench.errors import UsageError
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.site.pictures import folder_of, spread
from deblurbench.leaderboard.tables.standing import standing


@pytest.fixture(scope="module")
def photo_board(tmp_path_factory):
    return make_photo_board(tmp_path_factory.mktemp("photos"))


def page(file):
    return BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")


def pictures_of(track):
    """What a site shows of a track: by picture and file, the pixel hash."""
    files = sorted((track / "pictures").glob("*/*"))
    return {(file.parent.name, file.name): pixel_hash(read_rgb(file)) for file in files}


def test_the_pictures_shown_are_those_that_were_scored(photo_board, tmp_path, capsys):
    shown = pictures_of(photo_board.site(tmp_path / "site"))
    track = photo_board.contest.track
    expected = {}
    for picture in spread(track, 6):
        folder = folder_of(picture.facts.name)
        expected |= {
            (folder, "sharp.png"): picture.facts.sharp_sha256,
            (folder, "blurred.png"): picture.facts.blur_sha256,
        }
        for entry, page_ in zip(
            photo_board.contest.entries, ("half", "darker", "img_src_x_onerror_alert_1"), strict=True
        ):
            hashes = dict(zip(entry.scores.names, entry.scores.hashes, strict=True))
            expected[folder, f"by-{page_}.png"] = hashes[picture.facts.name]
    assert len(expected) == 6 * 5
    assert shown == expected
    assert capsys.readouterr().err == ""


def test_pictures_are_spread_from_the_most_to_the_least_blurred_one():
    track = make_track(n=101)
    values = sorted(picture.blurred_psnr_db for picture in track.pictures)
    assert [p.blurred_psnr_db for p in spread(track, 5)] == [values[i] for i in (0, 25, 50, 75, 100)]
    assert [p.blurred_psnr_db for p in spread(track, 1)] == [values[50]]
    assert len(spread(track, 1000)) == 101


@pytest.mark.parametrize("method", ["half", "darker"])
def test_a_spoilt_prediction_is_left_out_and_named(photo_board, tmp_path, capsys, method):
    source = photo_board.predictions[method]
    folder = tmp_path / "spoilt"
    shutil.copytree(source, folder)
    name = spread(photo_board.contest.track, 6)[2].facts.name
    (file,) = folder.rglob(name)
    picture = read_rgb(file)
    picture[3, 4, 1] ^= 1  # the least that can be
    write_png(file, picture)
    track = photo_board.site(tmp_path / "site", runs=[folder])
    shown = {folder for folder, name in pictures_of(track) if name == f"by-{method}.png"}
    assert len(shown) == 5
    assert folder_of(name) not in shown
    assert capsys.readouterr().err.splitlines() == [
        f"note: {folder}: {file.relative_to(folder)}: not what any submission was scored on; it is left out"
    ]
    assert len(page(track / f"{method}.html").select(".files li")) == 5


def test_what_is_no_picture_is_left_out_and_named(photo_board, tmp_path, capsys):
    folder = tmp_path / "spoilt"
    shutil.copytree(photo_board.predictions["darker"], folder)
    name = spread(photo_board.contest.track, 6)[0].facts.name
    (folder / name).write_bytes(b"<svg onload=alert(1)>")
    track = photo_board.site(tmp_path / "site", runs=[folder])
    assert (folder_of(name), "by-darker.png") not in pictures_of(track)
    assert capsys.readouterr().err.startswith(f"note: {folder / name} is not a picture that can be decoded")


def test_a_dataset_that_was_changed_gives_no_picture(photo_board, tmp_path, capsys):
    shutil.copytree(photo_board.dataset.path, tmp_path / "leaves")
    first, second = (picture.facts.name for picture in spread(photo_board.contest.track, 6)[:2])
    write_png(tmp_path / "leaves" / "test" / "sharp" / first, np.zeros((40, 48, 3), np.uint8))
    (tmp_path / "leaves" / "test" / "blur" / second).unlink()
    track = photo_board.site(tmp_path / "site", datasets=[tmp_path / "leaves"])
    assert not {folder_of(first), folder_of(second)} & {folder for folder, _ in pictures_of(track)}
    assert len(pictures_of(track)) == 4 * 5
    notes = capsys.readouterr().err.splitlines()
    assert notes[0].startswith(f"note: leaves.test, {first}: it is not the picture of the track")
    assert notes[1].startswith(f"note: leaves.test, {second}: ")
    assert all(note.endswith("it is left out") for note in notes)


@pytest.mark.parametrize("fmt", ["webdataset", "parquet"])
def test_a_dataset_of_another_format_will_do(photo_board, tmp_path, fmt):
    export(photo_board.dataset.path, tmp_path / "other", fmt, quiet=True)
    shown = pictures_of(photo_board.site(tmp_path / "site", datasets=[tmp_path / "other"]))
    assert len(shown) == 6 * 5


def test_a_folder_of_nobody_is_told(photo_board, tmp_path, capsys):
    other = make_contest(make_track(), a=1.0)
    (tmp_path / "none").mkdir()
    build_site(tmp_path, [standing(other)], tmp_path / "site", datasets=[photo_board.dataset.path])
    assert "is the dataset of no track of this board" in capsys.readouterr().err
    photo_board.site(tmp_path / "site", runs=[tmp_path / "none"])
    assert f"{tmp_path / 'none'} has none of the pictures" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no folder"):
        photo_board.site(tmp_path / "site", runs=[tmp_path / "nowhere"])
    assert (tmp_path / "site" / "index.html").is_file()  # the older one


def test_building_again_changes_nothing(photo_board, tmp_path):
    def tree(site):
        photo_board.site(site)
        return {file.relative_to(site).as_posix(): file.read_bytes() for file in site.rglob("*") if file.is_file()}

    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_what_makers_say_stays_text(photo_board, tmp_path):
    track = photo_board.site(tmp_path / "site")
    for file in track.glob("*.html"):
        soup = page(file)
        assert {script["src"].rpartition("/")[0] for script in soup.select("script")} == {"../../assets"}
        for element in soup.find_all(True):
            assert not [name for name in element.attrs if name.startswith("on") or name == "style"], element
            assert element.name not in ("img", "iframe", "object", "embed", "base", "i"), element
        for link in soup.select("a[href]"):
            if "://" in link["href"] or link["href"].startswith("//"):
                assert link["rel"] == ["noopener", "noreferrer", "nofollow"]
                assert link["href"].startswith(("https://", "http://"))
            else:
                assert link["href"].startswith("#") or (file.parent / link["href"].partition("#")[0]).is_file(), link
    soup = page(track / "img_src_x_onerror_alert_1.html")
    assert soup.h1.text == HOSTILE
    words = soup.get_text()
    for said in ("</dd><script>alert(2)</script>", '" onmouseover="alert(3)', "{{ 7 * 7 }}", "&lt;b&gt;"):
        assert said in words
    assert "(evil.example)" in words  # where the link leads, not where it seems to


def test_no_method_takes_the_place_of_what_is_the_tracks(photo_board, tmp_path):
    track, dataset = photo_board.contest.track, photo_board.dataset
    names = ("blurred", "sharp", "index", "compare", "pictures", "shown")
    entries = [restored(track, dataset, name, half, tmp_path / name) for name in names]
    site = photo_board.site(tmp_path / "site", Contest(track, entries), runs=[tmp_path / "blurred"])
    assert len(pictures_of(site)) == 6 * (2 + len(names))  # all of them predicted the same
    by_name = {picture.facts.name: picture.facts for picture in track.pictures}
    for name in {picture.facts.name for picture in spread(track, 6)}:
        folder = site / "pictures" / folder_of(name)
        assert pixel_hash(read_rgb(folder / "blurred.png")) == by_name[name].blur_sha256
        assert pixel_hash(read_rgb(folder / "sharp.png")) == by_name[name].sharp_sha256
    assert len(list(site.glob("*.html"))) == len(names) + 2
    assert page(site / "compare.html").h1.text.startswith("Two methods")
    assert '"restored":' in (site / "data" / "shown.js").read_text()


def test_without_pictures_the_page_says_how_to_get_them(photo_board, tmp_path):
    track = photo_board.site(tmp_path / "site", runs=[], datasets=[])
    assert not (track / "pictures").exists()
    soup = page(track / "half.html")
    assert not soup.select("img, #slider")
    assert "leaderboard build --run RUN --data DATASET" in soup.select_one("pre").text
    track = photo_board.site(tmp_path / "site", runs=[photo_board.predictions["half"]])
    assert page(track / "half.html").select("#slider")
    assert not page(track / "darker.html").select("#slider")


def test_a_page_says_what_was_scored(photo_board, tmp_path):
    track = photo_board.site(tmp_path / "site", runs=[], datasets=[])
    (entry,) = [entry for entry in photo_board.contest.entries if entry.submission.method == "darker"]
    soup = page(track / "darker.html")
    codes = {code.text for code in soup.select("code.copy")}
    submission = entry.submission
    assert {submission.dataset_id, submission.predictions_sha256, submission.facts_sha256} <= codes
    assert "further from the sharp ones" in soup.select_one(".notice.bad").text
    assert not page(track / "half.html").select(".notice")
    told = make_entry(make_track(), "oracle", told=True, seeds=(3, 4), budget={"epochs": 2, "crops": 9, "seconds": 60})
    build_site(
        tmp_path, [standing(Contest(make_track(), [told, make_entry(make_track(), "other")]))], tmp_path / "told"
    )
    soup = page(tmp_path / "told" / "tracks" / "toy.test" / "oracle.html")
    facts = {dt.text: dt.find_next_sibling("dd").text for dt in soup.select(".defs dt")}
    assert facts["Training"] == "2 epochs, 9 crops, 60 s"
    assert facts["Seeds"] == "3, 4"
    assert "is a ceiling, and has no rank" in soup.select_one(".notice").text


def test_one_method_alone_is_compared_with_nobody(tmp_path):
    build_site(tmp_path, [standing(make_contest(make_track(), alone=1.0))], tmp_path / "site")
    track = tmp_path / "site" / "tracks" / "toy.test"
    assert not (track / "compare.html").exists()
    assert "compare" not in page(track / "alone.html").select_one(".method-sub").text


def test_pages_stay_small_where_there_are_many_pictures(tmp_path):
    sizes = []
    for n in (6, 1000):
        build_site(tmp_path, [standing(make_contest(make_track(n=n), a=1.0, b=2.0))], tmp_path / "site")
        sizes.append(
            [(tmp_path / "site" / "tracks" / "toy.test" / f"{p}.html").stat().st_size for p in ("a", "compare")]
        )
    assert max(max(sizes)) < 12_000
    assert np.ptp(sizes, axis=0).max() < 200


def test_infinite_numbers_have_a_page(photo_board, tmp_path):
    track = photo_board.contest.track
    perfect = replace(
        photo_board.contest, entries=[restored(track, photo_board.dataset, "perfect", lambda _, s: s, tmp_path / "p")]
    )
    soup = page(photo_board.site(tmp_path / "site", perfect, runs=[tmp_path / "p"]) / "perfect.html")
    assert [dd.b.text for dd in soup.select(".facts dd")][1:3] == ["∞", "+∞"]


@pytest.mark.parametrize(("name", "folder"), [("p1.png", "p1"), ("a_b-c.png", "a_b-c")])
def test_folders_of_pictures(name, folder):
    assert folder_of(name) == folder


def test_folders_of_pictures_differ_where_file_systems_know_no_capitals():
    names = ["A.png", "a.png", "x" * 250 + "1.png", "x" * 250 + "2.png", "con..png"]
    folders = {folder_of(name).lower() for name in names}
    assert len(folders) == len(names)
    assert max(map(len, folders)) < 70
