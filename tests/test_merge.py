"""Parts join to what one machine would have made, whatever falls to each; damaged parts are refused by name."""

import json
import pickle
import shutil

import numpy as np
import pytest
from conftest import noise, write_bmp
from kill_kit import tree

from deblurbench.dataset.build import build
from deblurbench.dataset.merge import merge
from deblurbench.dataset.plan import Part, make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DatasetError, DeblurbenchError

RECIPE = """
schema = 1
name = "mine"
version = 1
summary = "My photos."
seed = 1
[[sources]]
source = "folder"
scenes = { train = 1, test = 1 }
[[splits]]
name = "train"
blurs = [{ family = "linear-motion", length = [3.0, 9.0], angle = [0.0, 180.0] }]
[[splits]]
name = "test-a"
tiles = { size = "8x8" }
blurs = [{ family = "box", width = 3 }]
[[splits]]
name = "test-b"
tiles = { size = "8x8" }
blurs = [{ family = "defocus", radius = [1.0, 3.0] }]
"""


@pytest.fixture
def photos(tmp_path):
    """Four of them, one too small for tiles, and one that is no picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(4):
        write_bmp(folder / f"p{i}.bmp", noise(12, 110, seed=i))
    write_bmp(folder / "small.bmp", noise(5, 5, seed=13))
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.fixture
def plan(tmp_path, photos):
    """The plan, or that of a part."""
    (tmp_path / "mine.toml").write_text(RECIPE)
    return lambda part=None: make_plan(read_recipe(tmp_path / "mine.toml"), photos, part=part, quiet=True)


def build_parts(plan, folder, count, fmt="png"):
    parts = [folder / f"part{i}" for i in range(1, count + 1)]
    for i, part in enumerate(parts, 1):
        build(plan(Part(i, count)), part, fmt=fmt, quiet=True)
    return parts


@pytest.mark.parametrize("fmt", ["png", "lmdb", "parquet"])
def test_more_parts_than_photos(tmp_path, plan, fmt):
    parts = build_parts(plan, tmp_path, 9, fmt)
    assert 0 in {sum(open_dataset(part).splits.values()) for part in parts}
    for part in parts:
        assert verify(part, pixels=True, quiet=True) == []
    merged = merge(parts[::-1], tmp_path / "merged", quiet=True)
    whole = build(plan(), tmp_path / "whole", fmt=fmt, quiet=True)
    assert (merged.id, merged.splits) == (whole.id, whole.splits)
    assert verify(tmp_path / "merged", pixels=True, quiet=True) == []
    if fmt != "parquet":  # its files have other borders
        assert tree(tmp_path / "merged") == tree(tmp_path / "whole")


def test_a_photo_that_two_splits_leave_out_is_named_once(tmp_path, photos):
    (tmp_path / "mine.toml").write_text(RECIPE.replace("train = 1, test = 1", "test = 1"))
    built = build(make_plan(read_recipe(tmp_path / "mine.toml"), photos, quiet=True), tmp_path / "out", quiet=True)
    report = json.loads((built.path / "build-report.json").read_text())
    names = [entry["name"].partition("-")[0] for entry in report["left_out"]]
    assert sorted(names) == ["bad", "small"]


def test_merging_again_changes_nothing_and_sees_what_is_lost(tmp_path, plan, capsys):
    parts = build_parts(plan, tmp_path, 2)
    merge(parts, tmp_path / "out", quiet=True)
    before = tree(tmp_path / "out")
    merge(parts, tmp_path / "out")
    assert "already merged" in capsys.readouterr().err
    assert tree(tmp_path / "out") == before
    next((tmp_path / "out").glob("train/blur/*.png")).unlink()
    with pytest.raises(DatasetError, match="has lost 1 files, such as train/blur/"):
        merge(parts, tmp_path / "out", quiet=True)
    with pytest.raises(DatasetError, match="holds another dataset"):
        merge(parts, build(plan(), tmp_path / "other", fmt="npy", quiet=True).path, quiet=True)


def test_no_build_takes_merged_shards_for_its_own(tmp_path, plan):
    merge(build_parts(plan, tmp_path, 2, "webdataset"), tmp_path / "out", quiet=True)
    with pytest.raises(DatasetError, match="other settings"):
        build(plan(), tmp_path / "out", fmt="webdataset", quiet=True)


def edit(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_line(part, **changes):
    file = part / "manifest.jsonl"
    first, *rest = file.read_text().splitlines()
    file.write_text("\n".join([json.dumps(json.loads(first) | changes), *rest]) + "\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda part: edit(part / "dataset.json", part="1/99999999999"), "part"),
        (lambda part: edit(part / "dataset.json", part="x"), "part"),
        (lambda part: edit(part / "build-report.json", left_out=[{"name": 3}]), "build-report"),
        (lambda part: edit(part / "build-report.json", left_out=7), "build-report"),
        (lambda part: (part / "build-report.json").write_text("[]"), "build-report"),
        (lambda part: (part / "kernels.npz").write_bytes(pickle.dumps({"a": 1})), "kernels.npz"),
        (lambda part: (part / "kernels.npz").write_bytes(b"PK"), "kernels.npz"),
        (lambda part: np.savez(part / "kernels.npz", **{"../evil": np.ones((1, 1), np.int32)}), "missing"),
        (lambda part: edit_line(part, kernels=["0" * 64]), "missing"),
        (lambda part: edit_line(part, pair="test-a/../../x"), "manifest.jsonl:1 is damaged"),
        (lambda part: edit_line(part, photo={"source": "x"}), "manifest.jsonl:1 is damaged"),
        (lambda part: (part / "recipe.toml").unlink(), "recipe.toml"),
        (lambda part: shutil.rmtree(part / "train"), "is missing: build that part again"),
    ],
)
def test_a_damaged_part_is_refused_by_name(tmp_path, plan, damage, message):
    parts = build_parts(plan, tmp_path, 1)
    damage(parts[0])
    with pytest.raises(DeblurbenchError) as raised:
        merge(parts, tmp_path / "out", quiet=True)
    assert message in str(raised.value)
    assert not (tmp_path / "out" / "dataset.json").exists()
