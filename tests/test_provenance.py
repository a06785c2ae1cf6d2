"""What is known of fetched photos goes with them into datasets."""

import json
import os
import shutil

import pytest
from conftest import FOLDER, noise

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import RecipeError, UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import write_png
from deblurbench.sources.folder import Folder
from deblurbench.sources.provenance import Provenance, licence_details, read_provenance, write_provenance

AUTHORS = ["Ann", "Bo", "Ann", "", "bo", ""]
LICENCES = ["CC BY 2.0", "CC0 1.0", "CC BY-SA 4.0", "CC BY 4.0", "CC0 1.0", "PDM 1.0"]


@pytest.fixture
def photos(tmp_path):
    """A folder of six fetched photos, and one that nothing is known of."""
    folder = tmp_path / "photos"
    (folder / "sea").mkdir(parents=True)
    known = []
    for i, (author, licence) in enumerate(zip(AUTHORS, LICENCES, strict=True)):
        file = folder / "sea" / f"album-{i}.png"
        write_png(file, noise(30, 40, seed=i))
        known.append(provenance(f"sea/album-{i}.png", sha256_file(file), author, licence, i))
    write_png(folder / "mine.png", noise(30, 40, seed=99))
    write_provenance(folder, known)
    return folder


def provenance(file, sha256, author, licence, i=0):
    text, version, url = licence_details(licence, "")
    return Provenance(
        file=file, sha256=sha256, bytes=1, width=40, height=30, source="album", id=str(i),
        url=f"https://files.example/{i}.png", landing_page=f"https://album.example/{i}" if i else "",
        title=f"Sea {i}" if i % 2 else "",
        author=author, author_url="", licence=text, licence_version=version, licence_url=url, query="sea",
        retrieved="2026-11-25T12:00:00Z",
    )  # fmt: skip


def by_stem(folder, **settings):
    return {photo.stem: photo for photo in Folder(path=str(folder), **settings).photos(0)}


def test_photos_carry_what_is_known_of_them(photos):
    found = by_stem(photos, author="me", licence="CC BY 4.0")
    assert [found[f"album-{i}"].author for i in range(6)] == AUTHORS
    assert [found[f"album-{i}"].licence for i in range(6)] == LICENCES
    assert (found["album-1"].source, found["album-1"].url) == ("album", "https://album.example/1")
    assert found["album-0"].url == "https://files.example/0.png"  # it has no page
    assert (found["mine"].source, found["mine"].author, found["mine"].licence) == ("folder", "me", "CC BY 4.0")


def test_photos_of_one_author_are_one_scene(photos):
    found = by_stem(photos)
    scenes = [found[f"album-{i}"].scene for i in range(6)]
    assert scenes[0] == scenes[2]
    assert scenes[1] == scenes[4]  # however it is spelled
    assert len({scenes[0], scenes[1], scenes[3], scenes[5], found["mine"].scene}) == 5
    assert by_stem(photos, scene="folder")["album-0"].scene == "sea"


def test_files_may_be_renamed_and_moved(photos):
    (photos / "sea" / "album-0.png").rename(photos / "holiday.png")
    shutil.move(photos / "sea" / "album-1.png", photos / "other.png")
    found = by_stem(photos)
    assert (found["holiday"].author, found["other"].author) == ("Ann", "Bo")


def test_a_file_that_was_changed_has_no_known_author(photos):
    write_png(photos / "sea" / "album-0.png", noise(30, 40, seed=50))
    assert by_stem(photos)["album-0"].author == ""


def test_several_fetches_below_one_folder(photos, tmp_path):
    (tmp_path / "all").mkdir()
    photos.rename(tmp_path / "all" / "album")
    assert by_stem(tmp_path / "all")["album-1"].author == "Bo"


def test_a_part_of_a_fetch_is_known_from_above(photos, tmp_path):
    assert by_stem(photos / "sea")["album-1"].author == "Bo"
    (photos / "sea" / "best").mkdir()
    (photos / "sea" / "album-0.png").rename(photos / "sea" / "best" / "album-0.png")
    assert by_stem(photos / "sea" / "best")["album-0"].author == "Ann"
    (photos / "fetch.journal").mkdir()
    assert by_stem(photos / "sea" / "best")["album-0"].author == "Ann"
    (photos / "photos.jsonl").unlink()
    with pytest.raises(UsageError, match="cut short"):
        by_stem(photos / "sea" / "best")


def test_a_fetch_that_was_cut_short_is_not_built_from(photos):
    (photos / "photos.jsonl").unlink()
    by_stem(photos)  # a folder like any other
    (photos / "fetch.journal").mkdir()
    with pytest.raises(UsageError, match="cut short"):
        by_stem(photos)


@pytest.mark.parametrize("line", ["{", "[]", '{"file": "a"}', '{"sha256": 1}', "\xff"])
def test_a_damaged_line_is_named(photos, line):
    with (photos / "photos.jsonl").open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    with pytest.raises(UsageError, match=r"photos\.jsonl:7 is damaged"):
        read_provenance(photos)


def test_what_is_no_file_and_what_an_editor_leaves_behind_do_no_harm(photos):
    with (photos / "photos.jsonl").open("ab") as file:
        file.write(b"\r\n\n")
    os.mkfifo(photos / "sea" / "photos.jsonl")
    (photos / "wood" / "photos.jsonl").mkdir(parents=True)
    assert len(read_provenance(photos)) == 6


def test_the_dataset_names_every_author_and_filters_by_licence(photos, tmp_path):
    (tmp_path / "r.toml").write_text(FOLDER)
    recipe = read_recipe(tmp_path / "r.toml")
    dataset = build(make_plan(recipe, photos), tmp_path / "out", quiet=True)
    records = list(dataset.records())
    assert sorted(record.photo.author for record in records) == sorted([*AUTHORS, ""])
    assert {record.photo.source for record in records} == {"album", "folder"}
    credits_ = (tmp_path / "out" / "ATTRIBUTION.md").read_text()
    assert {record.photo.title for record in records} == {"Sea 1", "Sea 3", "Sea 5", None}
    for text in (
        "| Ann |",
        "| Bo |",
        '| "Sea 1", <https://album.example/1> |',
        "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/)",
        "album.example/4>",
    ):
        assert text in credits_
    assert verify(dataset.path, pixels=True, quiet=True) == []
    chosen = make_plan(recipe, photos, licences="cc0,by").photos
    assert sorted(planned.photo.licence for planned in chosen) == ["CC BY 2.0", "CC BY 4.0", "CC0 1.0", "CC0 1.0"]


def test_lines_are_sorted_and_read_back(photos):
    known = read_provenance(photos)
    lines = [json.loads(line)["file"] for line in (photos / "photos.jsonl").read_text().splitlines()]
    assert lines == sorted(lines)
    write_provenance(photos, known.values())
    assert read_provenance(photos) == known


def test_an_online_source_is_no_source_of_a_recipe(tmp_path):
    (tmp_path / "r.toml").write_text(FOLDER.replace('"folder"', '"openverse"'))
    with pytest.raises(RecipeError, match=r"sources\.0\.source: photos of openverse are fetched before a build"):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("licence", "url", "expected"),
    [
        ("CC BY 2.0", "", ("CC BY 2.0", "2.0", "https://creativecommons.org/licenses/by/2.0/")),
        ("", "https://creativecommons.org/licenses/by-sa/4.0/", ("CC BY-SA 4.0", "4.0", None)),
        ("CC BY", "https://creativecommons.org/licenses/by/3.0/", ("CC BY", "3.0", None)),
        ("Pexels License", "https://www.pexels.com/license/", ("Pexels License", "", None)),
        ("", "", ("", "", "")),
    ],
)
def test_the_details_of_a_licence(licence, url, expected):
    text, version, address = licence_details(licence, url)
    assert (text, version, address) == (*expected[:2], url if expected[2] is None else expected[2])
