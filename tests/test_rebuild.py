"""`verify-dataset --rebuild`: pairs of every kind come out again, and all that the manifest says of them is true."""

import json
import shutil

import numpy as np
import pytest
from conftest import noise

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.rebuild import rebuild
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import UsageError
from deblurbench.images.codec import write_png

HEAD = """
schema = 1
name = "mine"
version = 1
summary = "A recipe for tests."
seed = 1
"""

TILES = """
near_duplicates = 4
[[sources]]
source = "folder"
path = "{0}/one"
scenes = {{ train = 1, test = 1 }}
[[sources]]
source = "folder"
path = "{0}/two"
scenes = {{ train = 1, test = 1 }}
prepare = {{ crop = "1:1" }}
[[splits]]
name = "train"
draw = 2
tiles = {{ size = "8x8", mode = "random", count = 3, flips = true, rotations = true, zoom = [0.8, 1.2] }}
blurs = [
    {{ family = "measured", path = "{0}/k.npy", orientation = "as-is" }},
    {{ family = "box", width = 3, camera = {{ noise = true, jpeg = [60, 90] }} }},
    {{ family = "linear-motion", length = [3.0, 9.0], angle = [0.0, 180.0], light = "srgb" }},
]
[[splits]]
name = "test"
tiles = {{ size = "8x8" }}
blurs = [{{ family = "spatially-varying", rows = 1, columns = 2, blur = {{ family = "camera-shake", length = 9.0 }} }}]
"""

FRAMES = """
[[sources]]
source = "frames"
path = "{0}/frames"
window = 3
step = 1
scenes = {{ train = 1 }}
[[splits]]
name = "train"
tiles = {{ size = "8x8", mode = "random", count = 1, zoom = 1.5 }}
blurs = [{{ family = "frame-average", light = "gamma-2.2" }}]
"""

PAIRS = """
[[sources]]
source = "pairs"
path = "{0}/GOPRO"
layout = "gopro"
variant = "blur_gamma"
[[splits]]
name = "train"
tiles = {{ size = "8x8", zoom = 0.5 }}
blurs = [{{ family = "recorded" }}]
[[splits]]
name = "test"
blurs = [{{ family = "recorded", camera = {{ noise = true }} }}]
"""


@pytest.fixture
def inputs(tmp_path):
    """Photos, one of them in both folders' shape only; frames that stand still; pairs, two with one sharp picture."""
    for i in range(6):
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_png(tmp_path / folder / f"p{i}.png", noise(24, 30, seed=i + 10 * (folder == "two")))
    np.save(tmp_path / "k.npy", np.eye(3) + 1)
    (tmp_path / "frames").mkdir()
    for i in range(7):
        write_png(tmp_path / "frames" / f"{i}.png", noise(20, 20, seed=min(i, 3)))
    for split, scene in (("train", "GOPR0001_11_00"), ("test", "GOPR0002_11_00")):
        for side in ("sharp", "blur", "blur_gamma"):
            folder = tmp_path / "GOPRO" / split / scene / side
            folder.mkdir(parents=True)
            for i in range(3):
                seed = min(i, 1) if side == "sharp" else i + len(side)
                write_png(folder / f"{i:06d}.png", noise(20, 24, seed=seed))
    return tmp_path


def make(inputs, text):
    (inputs / "r.toml").write_text(HEAD + text.format(inputs))
    return build(make_plan(read_recipe(inputs / "r.toml"), quiet=True), inputs / "out", quiet=True)


@pytest.mark.parametrize("text", [TILES, FRAMES, PAIRS], ids=["tiles", "frames", "pairs"])
def test_all_kinds_come_out_again(inputs, text):
    built = make(inputs, text)
    count = sum(built.splits.values())
    assert count >= 5
    assert rebuild(built.path, count, quiet=True) == []


def test_a_photo_that_two_sources_have_is_found_for_each(inputs):
    """Not for a source that takes equal bytes once; frames and pairs may well have one sharp picture twice."""
    built = make(inputs, PAIRS)
    raw = [record.photo.raw_sha256 for record in built.records() if record.split == "test"]
    assert len(raw) == 3 > len(set(raw))
    shutil.rmtree(inputs / "GOPRO" / "train")
    (inputs / "GOPRO" / "test" / "GOPR0002_11_00" / "blur_gamma" / "000002.png").unlink()
    (inputs / "GOPRO" / "test" / "GOPR0002_11_00" / "sharp" / "000002.png").unlink()
    problems = rebuild(built.path, 99, quiet=True)
    gone = [problem for problem in problems if problem.startswith("test/GOPR0002_11_00-000002")]
    assert len(gone) == 1
    assert all(problem.startswith("train/") for problem in problems if problem not in gone)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("blur", {"family": "box", "light": "stored", "width": 3}),
        ("kernels", ["0" * 64]),
        ("seed", 2),
        ("tile", {"x": 1, "y": 0, "of": "30x24"}),
        ("camera", {"noise": "none"}),
        ("preparation", {"filter": "bicubic", "crop": "1:2"}),
    ],
)
def test_a_lie_in_the_manifest_is_named(inputs, key, value):
    built = make(inputs, TILES)
    file = built.path / "manifest.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[0][key] = value
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = f"{lines[0]['pair']}: its line in manifest.jsonl is not what comes out ({key})"
    assert rebuild(built.path, 999, quiet=True) == [said]


def test_near_duplicates_are_not_looked_for(inputs, monkeypatch):
    built = make(inputs, TILES)
    monkeypatch.setattr("deblurbench.dataset.plan.photo_hashes", None)
    assert rebuild(built.path, 2, quiet=True) == []


def test_an_engine_is_known_before_all_photos_are_read(inputs):
    built = make(inputs, FRAMES)
    shutil.rmtree(inputs / "frames")
    with pytest.raises(UsageError, match="no engine 'fast'"):
        rebuild(built.path, 2, engine="fast", quiet=True)
