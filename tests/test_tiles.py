"""Tiles: a grid covers the picture and goes together again; random tiles are drawn, turned and flipped alike."""

import json
import shutil

import numpy as np
import pytest
from conftest import TINY, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.config import parse
from deblurbench.dataset import commit
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.stitch import stitch_split
from deblurbench.dataset.tiles import Tiles, stitch
from deblurbench.draws import Draws
from deblurbench.errors import DeblurbenchError, PictureError, RecipeError, UsageError
from deblurbench.images.codec import read_rgb, write_png


def draws(purpose="tiles"):
    return Draws(3, "train/a", purpose)


@given(st.integers(8, 40), st.integers(8, 40))
@settings(deadline=None, max_examples=40)
def test_a_grid_goes_together_again(height, width):
    picture = noise(height, width, seed=height * width)
    tiles = list(Tiles(size="8x8").cut(picture, 255 - picture, draws()))
    assert len({tile.suffix for tile in tiles}) == len(tiles)
    for side in ("sharp", "blurred"):
        whole = stitch(((t.place["y"], t.place["x"], getattr(t, side)) for t in tiles), f"{width}x{height}")
        assert np.array_equal(whole, picture if side == "sharp" else 255 - picture)


def test_overlaps_become_their_mean_halves_up():
    one, two = np.full((2, 2, 3), 10, np.uint8), np.full((2, 2, 3), 13, np.uint8)
    whole = stitch([(0, 0, one), (0, 1, two)], "3x2")
    assert whole[0, :, 0].tolist() == [10, 12, 13]


def test_what_does_not_cover_the_picture_is_refused():
    tile = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(PictureError, match="do not cover"):
        stitch([(0, 0, tile)], "3x2")
    with pytest.raises(PictureError, match="reaches beyond"):
        stitch([(1, 0, tile)], "2x2")


def test_random_tiles_come_from_where_they_say():
    tiles = Tiles(size="6x6", mode="random", count=40, flips=True, rotations=True)
    picture = noise(20, 30)
    cut = list(tiles.cut(picture, picture, draws()))
    assert [t.suffix for t in cut] == [f"t{i}" for i in range(40)]
    assert {t.place["turns"] for t in cut} == {0, 1, 2, 3}
    assert {t.place["flip"] for t in cut} == {True, False}
    for tile in cut:
        y, x = tile.place["y"], tile.place["x"]
        part = np.rot90(picture[y : y + 6, x : x + 6], tile.place["turns"])
        assert np.array_equal(tile.sharp, part[:, ::-1] if tile.place["flip"] else part)
        assert np.array_equal(tile.blurred, tile.sharp)
    again = list(tiles.cut(picture, picture, draws()))
    assert [t.place for t in again] == [t.place for t in cut]


def test_zoom_is_drawn_within_its_range():
    tiles = Tiles(size="4x4", zoom=(0.5, 1.0))
    widths = {tiles.zoomed(noise(40, 80), Draws(1, f"train/{i}", "zoom")).shape[1] for i in range(30)}
    assert 40 <= min(widths) < 55 < 65 < max(widths) <= 80
    assert Tiles(size="4x4").zoomed(noise(5, 5), draws()).shape == (5, 5, 3)


def test_a_small_picture_is_refused_by_size():
    with pytest.raises(PictureError, match="5 x 9 pixels, a tile has 6 x 6"):
        list(Tiles(size="6x6").cut(noise(9, 5), noise(9, 5), draws()))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"size": "8x8", "mode": "random"}, "random tiles have a count"),
        ({"size": "8x8", "count": 3}, "random tiles have a count"),
        ({"size": "8x8", "flips": True}, "neither flipped nor turned"),
        ({"size": "8x6", "mode": "random", "count": 1, "rotations": True}, "only square tiles"),
        ({"size": "8x8", "zoom": [2.0, 1.0]}, "zoom"),
        ({"size": "8"}, "a size is WIDTHxHEIGHT"),
    ],
)
def test_wrong_tables_are_refused(table, message):
    with pytest.raises(RecipeError, match=message):
        parse(Tiles, table, "r.toml", "splits.0.tiles")


SPLITS = """
[[splits]]
name = "train"
blurs = [{ family = "box", width = 3 }, { family = "box", width = 5 }]
tiles = { size = "20x16", mode = "grid" }
[[splits]]
name = "test"
blurs = [{ family = "box", width = 3 }]
tiles = { size = "20x16", mode = "random", count = 12 }
"""


@pytest.fixture
def cut(tmp_path):
    """A dataset of tiles, of pictures of 130x20."""
    head = TINY.partition("[[splits]]")[0].replace("48x40", "130x20").replace("val = 1, ", "")
    (tmp_path / "r.toml").write_text(head + SPLITS)
    return build(make_plan(read_recipe(tmp_path / "r.toml")), tmp_path / "cut", quiet=True)


def test_tiles_are_made_in_the_order_of_their_ids(cut, tmp_path, monkeypatch):
    """`x100` comes before `x20`, `t10` before `t2`: a manifest that comes in order is written without memory."""
    names = [record.name for record in cut.records()]
    assert any(name.endswith("x110") for name in names)
    assert any(name.endswith("t11") for name in names)
    calls = []
    real = commit._write_ordered
    monkeypatch.setattr(commit, "_write_ordered", lambda *given: calls.append(1) or real(*given))
    again = build(make_plan(read_recipe(tmp_path / "r.toml")), tmp_path / "again", quiet=True)
    assert (again.id, len(calls)) == (cut.id, 1)


def test_a_split_of_tiles_is_stitched(cut, tmp_path):
    assert stitch_split(cut.path, "train", cut.path / "train" / "blur", tmp_path / "whole", quiet=True) == 6
    for file in (tmp_path / "whole").iterdir():
        whole = read_rgb(file)
        assert whole.shape == (20, 130, 3)
        tile = read_rgb(cut.path / "train" / "blur" / f"{file.stem}-y4x20.png")
        assert np.array_equal(whole[4:16, 20:40], tile[:12])


def edit_tile(dataset, tile):
    file = dataset.path / "manifest.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        if line["split"] == "train":
            line["tile"] = tile
            break
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    "tile",
    [
        None,
        {},
        {"x": -1, "y": 0, "of": "130x20"},
        {"x": "0", "y": 0, "of": "130x20"},
        {"x": 0, "y": 0, "of": 7},
        {"x": 10**30, "y": 0, "of": "130x20"},
        {"x": 0, "y": 0, "of": "65535x65535"},
    ],
)
def test_a_hostile_place_of_a_tile_is_refused(cut, tmp_path, tile):
    edit_tile(cut, tile)
    with pytest.raises(DeblurbenchError):
        stitch_split(cut.path, "train", cut.path / "train" / "blur", tmp_path / "whole", quiet=True)


def test_tiles_of_another_size_are_refused(cut, tmp_path):
    tiles = tmp_path / "predictions"
    shutil.copytree(cut.path / "train" / "blur", tiles)
    victim = sorted(tiles.iterdir())[3]
    write_png(victim, noise(18, 20))  # it would still cover the picture
    with pytest.raises(PictureError, match=rf"{victim.name} has 20 x 18 pixels, a tile 20x16"):
        stitch_split(cut.path, "train", tiles, tmp_path / "whole", quiet=True)
    with pytest.raises(UsageError, match="was not cut by a grid"):
        stitch_split(cut.path, "test", tiles, tmp_path / "whole", quiet=True)
    with pytest.raises(UsageError, match="did you mean 'train'"):
        stitch_split(cut.path, "trian", tiles, tmp_path / "whole", quiet=True)
