"""Plans: scenes stay whole, filters and losses move nobody else, counts are kept, memory is small."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import noise

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import Part, make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import RecipeError, UsageError
from deblurbench.images.codec import write_png
from deblurbench.sources.photo import Photo, Source

MANY = ["sources.0.count=200"]


def shares(plan):
    return {p.photo.name: p.share for p in plan.photos}


def names(plan, split="train"):
    table = next(s for s in plan.recipe.splits if s.name == split)
    return [p.photo.name for p in plan.photos_of(table)]


class Licensed(Source):
    """200 photos of three licences."""

    source = "licensed"

    def photos(self, seed):
        kinds = ["CC0-1.0", "CC BY 4.0", ""]
        return [Photo("licensed", str(i), f"p{i}", f"scene{i}", f"{i:064x}", "", kinds[i % 3]) for i in range(200)]

    def read(self, photo):
        return noise(8, 8, seed=int(photo.key))


@pytest.fixture
def licensed(monkeypatch, tiny_recipe):
    recipe = read_recipe(tiny_recipe)
    monkeypatch.setattr(type(recipe), "open_sources", lambda *_: [Licensed()])
    return recipe


def test_a_licence_filter_moves_nobody_else(licensed):
    every, some = make_plan(licensed), make_plan(licensed, licences="cc0,by")
    assert 120 < len(some.photos) < 140
    assert shares(some).items() <= shares(every).items()
    assert {p.photo.licence for p in some.photos} == {"CC0-1.0", "CC BY 4.0"}
    assert len(some.left_out) == len(every.photos) - len(some.photos)
    assert "its licence is unknown, not one of cc0,by" in {left.reason for left in some.left_out}
    with pytest.raises(UsageError, match="cco"):
        make_plan(licensed, licences="cco")


def test_a_count_takes_a_draw_and_losing_a_photo_moves_no_other_out(tiny_recipe):
    recipe = read_recipe(tiny_recipe, [*MANY, "splits.0.count=40"])
    chosen = names(make_plan(recipe))
    assert len(chosen) == 20  # two blurs each
    fewer = names(make_plan(recipe, limit=190))
    lost = set(chosen) - set(names(make_plan(read_recipe(tiny_recipe, MANY), limit=190)))
    assert set(chosen) - set(fewer) == lost


def test_a_count_of_a_grid_is_refused(tiny_recipe):
    with pytest.raises(RecipeError, match="a split cut by a grid of tiles has no count"):
        read_recipe(tiny_recipe, ["splits.0.count=40", "splits.0.tiles={size='8x8'}"])


def test_parts_are_disjoint_and_complete(tiny_recipe):
    recipe = read_recipe(tiny_recipe, MANY)
    whole = names(make_plan(recipe))
    parts = [names(make_plan(recipe, part=Part(i, 3))) for i in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == whole
    assert all(parts)
    assert {make_plan(recipe, part=Part(i, 3)).hash() for i in (1, 2)} == {make_plan(recipe).hash()}


FOLDER = """
schema = 1
name = "mine"
version = 1
summary = "My photos."
seed = 1
near_duplicates = 4
[[sources]]
source = "folder"
scenes = { train = 1, test = 1 }
[[splits]]
name = "train"
blurs = [{ family = "gaussian", sigma = 1.0 }]
[[splits]]
name = "test"
blurs = [{ family = "gaussian", sigma = 1.0 }]
"""


def test_near_duplicates_are_one_scene(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(12):  # each picture, and the same a little brighter
        picture = noise(8, 9, seed=i).repeat(8, axis=0).repeat(8, axis=1) // 2
        write_png(photos / f"a{i}.png", picture)
        write_png(photos / f"b{i}.png", picture + 3)
    (tmp_path / "mine.toml").write_text(FOLDER)
    (tmp_path / "apart.toml").write_text(FOLDER.replace("near_duplicates = 4", ""))
    joined = make_plan(read_recipe(tmp_path / "mine.toml"), photos, quiet=True)
    apart = make_plan(read_recipe(tmp_path / "apart.toml"), photos, quiet=True)
    for plan, whole in ((joined, True), (apart, False)):
        by_stem = {p.photo.stem: p.share for p in plan.photos}
        assert all(by_stem[f"a{i}"] == by_stem[f"b{i}"] for i in range(12)) is whole
        assert set(by_stem.values()) == {"train", "test"}
    # The photo that stands for a cluster keeps its own place: the other one joins it.
    alone = {p.photo.raw_sha256: p.share for p in apart.photos}
    for p in joined.photos:
        twins = [q.photo.raw_sha256 for q in joined.photos if q.photo.scene == p.photo.scene]
        assert p.share == alone[min(twins)]


def test_equal_files_count_once_and_are_reported(tmp_path):
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    write_png(photos / "a.png", noise(9, 9))
    write_png(photos / "sub" / "b.png", noise(9, 9))
    (tmp_path / "mine.toml").write_text(FOLDER)
    plan = make_plan(read_recipe(tmp_path / "mine.toml"), photos, quiet=True)
    assert [p.photo.stem for p in plan.photos] == ["a"]
    assert [left.reason[:24] for left in plan.left_out] == ["has the same bytes as a-"]


def test_of_two_photos_of_one_name_the_first_stays(licensed, monkeypatch):
    def photos(self, seed):
        return [Photo("licensed", "0", "p", f"s{end}", "a" * 8 + end * 56, "", "") for end in "10"]

    monkeypatch.setattr(Licensed, "photos", photos)
    plan = make_plan(licensed)
    assert [p.photo.raw_sha256[-1] for p in plan.photos] == ["0"]
    assert [left.reason for left in plan.left_out] == ["another photo has the same name; rename its file"]


def test_scenes_must_go_somewhere(tmp_path):
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "a.png", noise(9, 9))
    (tmp_path / "mine.toml").write_text(FOLDER.replace("scenes = { train = 1, test = 1 }", ""))
    with pytest.raises(RecipeError, match=r"sources.0.scenes: this key is missing"):
        make_plan(read_recipe(tmp_path / "mine.toml"), tmp_path / "photos", quiet=True)


TWO = """
schema = 1
name = "mine"
version = 1
summary = "Photos of two folders."
seed = 1
[[sources]]
source = "folder"
path = "{0}/one"
scene = "{1}"
scenes = {{ train = 1 }}
[[sources]]
source = "folder"
path = "{0}/two"
scene = "{1}"
scenes = {{ test = 1 }}
[[splits]]
name = "train"
blurs = [{{ family = "gaussian", sigma = 1.0 }}]
[[splits]]
name = "test"
blurs = [{{ family = "gaussian", sigma = 1.0 }}]
"""


def plan_of_two(tmp_path, scene="file", *settings):
    (tmp_path / "two.toml").write_text(TWO.format(tmp_path, scene))
    plan = make_plan(read_recipe(tmp_path / "two.toml", settings), quiet=True)
    return {p.photo.stem: p.share for p in plan.photos}, {left.name[:-9]: left.reason for left in plan.left_out}


def blocks(seed):
    return noise(8, 9, seed=seed).repeat(8, axis=0).repeat(8, axis=1) // 2


def test_no_scene_is_divided_between_two_sources(tmp_path):
    for folder, names in {"one/v1": "ab", "two/v1": "c", "two/v2": "d"}.items():
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            write_png(tmp_path / folder / f"{name}.png", blocks(ord(name)))
    shares, left_out = plan_of_two(tmp_path, "folder")
    assert shares == {"a": "train", "b": "train", "d": "test"}
    assert "its scene is in train, where a-" in left_out["c"]


def test_near_duplicates_and_copies_of_two_sources_are_not_divided(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    write_png(tmp_path / "one" / "a.png", blocks(1))
    write_png(tmp_path / "two" / "brighter.png", blocks(1) + 3)
    write_png(tmp_path / "two" / "copy.png", blocks(1))
    write_png(tmp_path / "two" / "other.png", blocks(2))
    shares, left_out = plan_of_two(tmp_path, "file", "near_duplicates=4")
    assert shares == {"a": "train", "other": "test"}
    assert left_out.keys() == {"brighter", "copy"}
    assert "has the same bytes as a-" in left_out["copy"]
    shares, left_out = plan_of_two(tmp_path)  # without that key, another picture is another scene
    assert shares == {"a": "train", "brighter": "test", "other": "test"}


def test_a_scene_of_another_encoding_has_a_name(tmp_path):
    folder = os.fsencode(tmp_path / "photos") + b"/caf\xe9"
    os.makedirs(folder)
    write_png(tmp_path / "p.png", noise(9, 9))
    os.rename(tmp_path / "p.png", folder + b"/\xe9.png")
    with open(folder + b"/b\xe9d.png", "w") as file:
        file.write("no picture")
    (tmp_path / "mine.toml").write_text(
        FOLDER.replace("train = 1, test", "test").replace('"folder"', '"folder"\nscene = "folder"')
    )
    plan = make_plan(read_recipe(tmp_path / "mine.toml"), tmp_path / "photos", quiet=True)
    built = build(plan, tmp_path / "out", quiet=True)
    assert [record.scene for record in built.records()] == ["caf\\udce9"]
    report = json.loads((built.path / "build-report.json").read_text())
    assert [left["reason"].partition(" is")[0] for left in report["left_out"]] == ["caf\\udce9/b\\udce9d.png"]


def test_all_that_the_manifest_says_of_photos_is_part_of_the_plan(licensed, monkeypatch):
    photo = Photo("licensed", "0", "p", "scene", "a" * 64, "author", "CC0-1.0", "http://x", frames=("b" * 64,))
    changes = [{}, {"scene": "s"}, {"author": ""}, {"licence": "by"}, {"url": ""}, {"frames": ("c" * 64,)}]
    hashes = set()
    for change in changes:
        found = [replace(photo, share="train", **change)]
        monkeypatch.setattr(Licensed, "photos", lambda *_, found=found: found)
        hashes.add(make_plan(licensed).hash())
    assert len(hashes) == len(changes)
    monkeypatch.setattr(Licensed, "photos", lambda *_: [replace(photo, share="train", key="elsewhere")])
    assert make_plan(licensed).hash() in hashes  # where it lies is not


MEMORY = """
import resource, sys
from pathlib import Path
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
make_plan(read_recipe(Path(sys.argv[1]), ["sources.0.count=1000"]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
plan = make_plan(read_recipe(Path(sys.argv[1]), [f"sources.0.count={sys.argv[2]}"]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 // (len(plan.photos) - 1000))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")
def test_planning_100_000_photos_takes_less_than_1_kib_each(tiny_recipe):
    command = [sys.executable, "-c", MEMORY, str(tiny_recipe), "100000"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert int(done.stdout) < 1024, f"{done.stdout} bytes per photo at the peak"
