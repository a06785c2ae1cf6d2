"""Tiles: a grid covers the picture and goes together again; random tiles are drawn, turned and flipped alike."""

import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.config import parse
from deblurbench.dataset.tiles import Tiles, stitch
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, RecipeError


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
