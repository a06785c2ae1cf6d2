"""README.md, ATTRIBUTION.md and SHA256SUMS."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest
from conftest import ROOT
from description_kit import HOSTILE, make_small, photo, record
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.dataset.attribution import dataset_attribution
from deblurbench.dataset.card import CARDS, DatasetFacts, hub_split, write_cards
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.report import BuildReport, LeftOut, Shortfall
from deblurbench.dataset.summary import summarise
from deblurbench.dataset.sums import check_sums, write_sums
from deblurbench.places import Place
from deblurbench.sources.attribution import cell


@pytest.fixture
def small(tmp_path):
    return make_small(tmp_path / "small")


def header(text):
    """The YAML front matter, read by the library that the Hugging Face Hub's client uses."""
    yaml = pytest.importorskip("yaml", reason="it comes with the extra [dev]")
    start, front, _ = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(front)


def test_the_card_says_what_is_there(small):
    facts = small.with_facts(
        report=BuildReport(
            options="--limit 7",
            shortfalls={"train": Shortfall(made=3, wanted=10)},
            left_out=(LeftOut(name="bad|photo", reason="it cannot be read"),),
        ),
        about="# small\n\n**Known.** Nothing.\n",
    )
    write_cards(small.place, facts, small.records)
    text = small.place.read_text("README.md")
    assert "# small, version 2" in text
    assert facts.dataset_id in text
    assert "8 pairs of 6 photos in 6 scenes" in text
    assert "| train | 3 | gaussian (sigma 1.6, size 9) | stored | none |" in text
    assert "| test-g0.3 | 2 | gaussian (sigma 0.3, size 9) | stored | none |" in text
    assert "train: 3 pairs of the 10" in text
    assert "build-dataset DIR/recipe.toml --limit 7 " in text
    assert r"bad\|photo was left out: it cannot be read" in text
    assert "## About the recipe\n\n**Known.** Nothing.\n" in text
    assert 'name = "small"' in text
    assert "CC0 1.0 (7 pairs), CC BY 4.0 (1 pair)" in text
    assert {path.name for path in small.place.folder.iterdir()} >= set(CARDS)


def test_the_hub_can_read_the_header(small, tmp_path):
    write_cards(small.place, small.facts, small.records)
    front = header(small.place.read_text("README.md"))
    assert front["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert front["task_categories"] == ["image-to-image"]
    assert front["size_categories"] == ["n<1K"]
    assert front["viewer"] is False

    parquet = make_small(tmp_path / "parquet", "parquet")
    write_cards(parquet.place, parquet.facts, parquet.records)
    front = header(parquet.place.read_text("README.md"))
    files = front["configs"][0]["data_files"]
    assert [entry["split"] for entry in files] == ["train", "val", "test_g0.3", "test_g1"]
    for entry in files:  # each pattern finds its own split's shards, and no other's
        found = list(parquet.place.folder.glob(entry["path"]))
        assert [path.name for path in found] == [f"{entry['split'].replace('_', '-')}-00000.parquet"]
    assert [f["name"] for f in front["dataset_info"]["features"]] == ["name", "sharp", "blur", "record"]


LOAD = """
import json, sys
from datasets import load_dataset
loaded = load_dataset(sys.argv[1])
print(json.dumps({split: [len(rows), sorted(rows.features)] for split, rows in loaded.items()}))
"""


@pytest.mark.parametrize(("fmt", "column"), [("parquet", "sharp"), ("webdataset", "sharp.png")])
def test_hugging_face_datasets_loads_it_by_its_card(tmp_path, fmt, column):
    if find_spec("datasets") is None or find_spec("datasets").origin is None:
        pytest.skip("Hugging Face datasets is not installed")
    small = make_small(tmp_path / "small", fmt)
    write_cards(small.place, small.facts, small.records)
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", LOAD, str(small.place.folder)]
    done = subprocess.run(command, env=offline, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "dataset card" not in done.stderr  # where it warns of the card
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert {split: count for split, (count, _) in loaded.items()} == {
        "train": 3,
        "val": 1,
        "test_g0.3": 2,
        "test_g1": 2,
    }
    assert all(column in features for _, features in loaded.values())


@pytest.mark.parametrize(
    ("total", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (24_378, "10K<n<100K"), (1_000_000, "1M<n<10M")]
)
def test_size_categories(small, total, size):
    write_cards(small.place, small.with_facts(counts={"train": total}), small.records)
    assert header(small.place.read_text("README.md"))["size_categories"] == [size]


@given(st.from_regex(r"\A(train|val|test(-[A-Za-z0-9._]{1,12})?)\Z"))
def test_split_names_are_such_as_the_hub_allows(split):
    assert re.fullmatch(r"\w+(\.\w+)*", hub_split(split))


def test_starter_has_a_card(small):
    recipe = read_recipe(ROOT / "datasets" / "starter" / "recipe.toml")
    facts = DatasetFacts(recipe, "0" * 64, dict.fromkeys((split.name for split in recipe.splits), 0), "png")
    write_cards(small.place, facts, list)
    text = small.place.read_text("README.md")
    assert "| test-g1.2 | 0 |" in text
    assert header(text)["license"] == ["unknown"]


def test_ranges_are_said_as_ranges(small):
    def shot(i):
        blur = {
            "family": "shake",
            "light": "srgb" if i else "stored",
            "length": 5 + i,
            "size": 15 + 2 * i,
            "way": "ab"[i % 2],
        }
        return record(f"train/{i:03d}", photo(str(i)), blur=blur, camera={"noise": 1, "jpeg": 90} if i % 2 else None)

    split = summarise(shot(i) for i in range(40)).splits["train"]
    assert split.blurs() == "shake (length 5 .. 44, size 15 .. 93, way a or b)"
    assert split.lights() == "srgb: 39; stored: 1"
    assert split.cameras() == "noise, JPEG: 20; none: 20"


def test_the_constants_of_a_recipe_are_told_apart(small):
    """Three blurs of one family that a recipe lists are three, not a range."""

    def shot(i, **drawn):
        return record(f"train/{i:03d}", photo(str(i)), blur={"family": "g", "light": "stored", **drawn})

    course = summarise(shot(i, size=(3, 7, 11)[i % 3], sigma=(0.3, 1.0, 1.6)[i % 3]) for i in range(10)).splits["train"]
    assert course.blurs() == "g (sigma 0.3, size 3): 4; g (sigma 1, size 7): 3; g (sigma 1.6, size 11): 3"
    drawn = summarise(shot(i, size=13 + 2 * i, sigma=2.0 + i) for i in range(2)).splits["train"]
    assert drawn.blurs() == "g (sigma 2 .. 3, size 13 .. 15)"
    tiles = [
        record(f"train/{i}-{t}", photo(str(i)), blur={"family": "g", "sigma": 2.0 + i}) for i in (0, 1) for t in (0, 1)
    ]
    assert summarise(tiles).splits["train"].blurs() == "g (sigma 2 .. 3)"


def test_what_tells_a_reader_nothing_is_left_to_the_manifest(small):
    shake = {"family": "camera-shake", "length": 30.0, "exposure": 0.5, "expl": 0.005, "steps": 2000, "size": 64}
    drawn = {"saturation": 1.5, "colour": "a7r3", "bayer": "RGGB", "red_gain": 2.0, "blue_gain": 1.6}
    camera = drawn | {"noise_shot": 1e-4, "noise_read": 2e-5, "jpeg": 85, "jpeg_codec": "x 1", "odd": 1}
    split = summarise([record("train/a", photo("a"), blur=shake, camera=camera)]).splits["train"]
    assert split.blurs() == "camera-shake (exposure 0.5, length 30)"
    assert split.cameras() == "saturation, sensor colours, Bayer pattern, white balance, noise, JPEG, odd"


@pytest.mark.parametrize(("source", "needs"), [("folder", True), ("samples", False), ("of-somebody-else", True)])
def test_the_card_shows_the_commands_for_this_dataset(small, source, needs):
    recipe = small.facts.recipe
    table = recipe.sources[0].model_copy(update={"settings": {"source": source}})
    write_cards(small.place, small.with_facts(recipe=recipe.model_copy(update={"sources": (table,)})), small.records)
    text = small.place.read_text("README.md")
    assert ("verify-dataset DIR --rebuild 10 --photos PHOTOS" in text) is needs
    assert ("build-dataset DIR/recipe.toml --photos PHOTOS" in text) is needs
    assert "build-dataset DIR/recipe.toml" in text


def test_each_photo_has_one_row(small):
    lines = list(dataset_attribution("small", small.records()))
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert len(rows) == 6  # the two of test are in two splits
    assert all(row.replace(r"\|", "").count("|") == 5 for row in rows)
    assert any("[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)" in row for row in rows)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, _):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_hostile_authors_are_shown_not_obeyed():
    (row,) = list(dataset_attribution("small", [record("train/a", HOSTILE)]))[-1:]
    assert "\n" not in row
    assert "\u202e" not in row
    assert "<script" not in row
    assert r"\[l\](http&#58;//e.vil)" in row
    assert "<https://example.org" not in row  # a pipe would end the cell
    assert r"https&#58;//example.org/a\|b.jpg" in row


@given(st.text())
def test_a_cell_shows_its_text_and_nothing_else(text):
    shown = cell(text)
    assert "\n" not in shown
    assert "|" not in shown.replace(r"\|", "")
    reader = Tags()
    reader.feed(shown)
    reader.close()
    assert not reader.tags
    plain = "".join(char for char in text if char.isalnum())
    assert "".join(char for char in reader.text if char.isalnum()) == "".join(c for c in plain if cell(c))


def test_sums_are_such_as_sha256sum_checks(small):
    write_cards(small.place, small.facts, small.records)
    (small.place.folder / "odd name\n.txt").write_text("x")
    (small.place.folder / "build.journal").mkdir()
    (small.place.folder / "build.journal" / "plan").write_text("goes away")
    write_sums(small.place)
    command = ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"]
    done = subprocess.run(command, cwd=small.place.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(check_sums(small.place)) == []
    names = [line.partition("  ")[2] for line in small.place.read_text("SHA256SUMS").splitlines()]
    assert "README.md" in names
    assert not [name for name in names if "journal" in name or name in ("dataset.json", "SHA256SUMS")]
    assert names == sorted(names)


def test_damage_is_named(small):
    write_sums(small.place)
    first, second = [name for name in small.place.names() if name.endswith(".png")][:2]
    small.place.write_text(first, "changed")
    small.place.remove(second)
    sums = small.place.read_text("SHA256SUMS").splitlines()
    small.place.write_text("SHA256SUMS", "\n".join([*sums, "nonsense", f"{'0' * 64}  ../above"]) + "\n")
    assert sorted(check_sums(small.place)) == sorted(
        [
            f"SHA256SUMS:{len(sums) + 1}: is no line of `sha256sum`",
            f"{first}: its bytes are not those of SHA256SUMS",
            f"{second}: missing",
            "../above: '../above' is no name of a file in a dataset: names are relative, without `..`",
        ]
    )
    small.place.remove("SHA256SUMS")
    assert list(check_sums(small.place)) == ["SHA256SUMS: missing"]


def test_sums_of_some_files_only(small):
    write_sums(small.place, ["manifest.jsonl", "kernels.npz", "dataset.json"])
    assert [line[66:] for line in small.place.read_text("SHA256SUMS").splitlines()] == ["kernels.npz", "manifest.jsonl"]


def test_sums_in_a_place_that_is_a_url():
    fsspec = pytest.importorskip("fsspec", reason="it comes with the extra [dev]")
    place = Place("memory://sums")
    place.write_text("a/b.txt", "text")
    write_sums(place)
    assert list(check_sums(place)) == []
    place.write_text("a/b.txt", "other")
    assert list(check_sums(place)) == ["a/b.txt: its bytes are not those of SHA256SUMS"]
    fsspec.filesystem("memory").rm("/sums", recursive=True)


def test_memory_does_not_grow_with_pairs(small):
    """2,000 pairs of a photo each: what they add to the peak stays below 1 KiB for each."""

    def records(count):
        return (record(f"train/p{i:06d}", photo(str(i))) for i in range(count))

    def peak(count):
        tracemalloc.start()
        write_cards(small.place, small.facts, lambda: records(count))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(50)
    assert peak(2000) - peak(200) < 1800 * 200


def test_cards_are_the_same_every_time(small):
    write_cards(small.place, small.facts, small.records)
    first = [small.place.read_bytes(name) for name in CARDS]
    write_cards(small.place, small.facts, small.records)
    assert [small.place.read_bytes(name) for name in CARDS] == first
