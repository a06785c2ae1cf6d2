"""Restoring in tiles, by turns, by several models: the whole picture's result, where that is what it should be."""

import itertools
import math

import numpy as np
import pytest
import torch
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deblurbench.config import parse
from deblurbench.errors import RecipeError, RunError, UsageError
from deblurbench.runs import composed as composed_module
from deblurbench.runs.composed import Composed, compose
from deblurbench.runs.inference import WHOLE, FloatRestorer, Inference
from deblurbench.runs.tiles import Grid, restore_in_tiles, to_levels
from deblurbench_baselines.inference import restorer as restorer_module
from deblurbench_baselines.inference.memory import SIDE, bytes_per_pixel
from deblurbench_baselines.inference.restorer import NetworkRestorer
from deblurbench_baselines.networks.settings.cnn import CNNSettings
from deblurbench_baselines.networks.settings.swift import SwiftSettings
from deblurbench_baselines.networks.settings.unet import UNetSettings
from deblurbench_baselines.tensors import place

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


class Affine:
    """A restorer of one's own that gives floats: each level times a factor plus a term."""

    multiple = 1

    def __init__(self, factor=1.0, term=0.0, room=math.inf):
        self.factor, self.term, self.room, self.calls = factor, term, room, []

    def __call__(self, picture):
        return to_levels(self.floats([picture])[0], picture)

    def floats(self, pictures):
        self.calls.append((len(pictures), *pictures[0].shape[:2]))
        levels = np.stack(pictures)
        return (levels / np.float32(np.iinfo(levels.dtype).max) * self.factor + self.term).astype(np.float32)

    def has_room(self, count, height, width):
        return count * height * width <= self.room


def network(settings, seed=0, dtype=torch.float32):
    """A network that shows in its output what it sees: no channel is dead."""
    torch.manual_seed(seed)
    built = settings.build()
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.1, 0.6)
    return NetworkRestorer(place(built, CPU), CPU, multiple=settings.multiple, dtype=dtype)


def unrounded(restorer, picture, grid, batch=1):
    """What tiles blend to, before it is rounded."""
    rows = []

    def keep(floats, like):
        rows.append(floats.copy())
        return np.zeros(floats.shape, like.dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deblurbench.runs.tiles.to_levels", keep)
        restore_in_tiles(restorer.floats, picture, grid, batch)
    return np.concatenate(rows)


def near_seams(grid, size, reach):
    """Whether each pixel of an axis lies within `reach` of where one tile's part ends or blends with the next."""
    near = np.zeros(size, bool)
    for (start, stop), weight in zip(grid.spans(size), grid.weights(size), strict=True):
        used = np.flatnonzero(weight) + start
        if start > 0:
            near[used[0] : start + reach] = True
        if stop < size:
            near[stop - reach : used[-1] + 1] = True
    return near


# Half of their receptive fields, and more: 1 + 1 + 2 pixels of the CNN; the U-Net's 2 levels see 22.
@pytest.mark.parametrize(
    ("settings", "reach"), [(CNNSettings(widths=(8, 8)), 4), (UNetSettings(widths=(4, 6, 8), batch_norm=("e2",)), 24)]
)
@pytest.mark.parametrize("size", [(131, 173), (64, 150), (150, 40), (64, 64), (65, 129)])
@pytest.mark.parametrize("overlap", [16, 40])
def test_tiles_are_the_whole_picture_away_from_seams(settings, reach, size, overlap):
    restorer, picture = network(settings), noise(*size)
    grid = Grid(64, overlap, restorer.multiple)
    whole = restorer.floats([picture])[0]
    apart = np.abs(unrounded(restorer, picture, grid) - whole).max(axis=2)
    near = near_seams(grid, size[0], reach)[:, None] | near_seams(grid, size[1], reach)
    assert whole.std(axis=(0, 1)).min() > 0.01
    assert apart[~near].size
    assert apart[~near].max() < 1e-5
    assert apart.max() < 0.02  # of what lies near them, too, most has been seen


@pytest.mark.parametrize("settings", [CNNSettings(widths=(8, 8)), UNetSettings(widths=(4, 6, 8), batch_norm=("e2",))])
def test_with_enough_overlap_tiles_are_the_whole_picture_everywhere(settings):
    """The border of a tile is not used, and a tile begins where pooling begins in the whole picture."""
    restorer, picture = network(settings), noise(157, 203)
    whole = restorer.floats([picture])[0]
    assert np.abs(unrounded(restorer, picture, Grid(160, 112, restorer.multiple)) - whole).max() < 1e-5
    assert np.array_equal(Composed([restorer], Inference(tile=160, overlap=112))(picture), restorer(picture))


def test_another_phase_of_pooling_would_be_seen():
    """What the test above would say of tiles that begin anywhere."""
    restorer, picture = network(UNetSettings(widths=(4, 6, 8), batch_norm=("e2",))), noise(157, 203)
    whole = restorer.floats([picture])[0]
    assert np.abs(unrounded(restorer, picture, Grid(158, 112, multiple=1)) - whole).max() > 1e-3


@given(st.integers(1, 400), st.integers(16, 120), st.integers(0, 119), st.sampled_from([1, 2, 4, 16]))
def test_tiles_cover_an_axis_and_sum_to_one(size, tile, overlap, multiple):
    if overlap >= tile or (overlap and (tile - overlap) < multiple):
        return
    grid = Grid(tile, overlap, multiple)
    spans, total = grid.spans(size), np.zeros(size)
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    for (start, stop), weight in zip(spans, grid.weights(size), strict=True):
        assert 0 < stop - start <= tile
        assert not overlap or start % multiple == 0
        total[start:stop] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    for one, other in itertools.pairwise(spans):
        assert one[0] < other[0]
        assert one[1] - other[0] >= overlap
    assert overlap or all(stop - start == min(tile, size) for start, stop in spans)


def test_the_blend_is_that_of_the_middle_half():
    (first, second) = Grid(64, 32).weights(96)
    assert first[:40].tolist() == [1] * 40
    assert first[56:].tolist() == [0] * 8
    places = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(first[40:56], np.cos(np.pi / 2 * places) ** 2, atol=1e-6)
    np.testing.assert_allclose(second[8:24], np.sin(np.pi / 2 * places) ** 2, atol=1e-6)


def test_crops_side_by_side_are_what_each_crop_is_restored_to():
    restorer, picture = network(UNetSettings(widths=(4, 6, 8), batch_norm=("e2",))), noise(128, 192)
    stitched = Composed([restorer], Inference(tile=64, overlap=0))(picture)
    for top in (0, 64):
        for left in (0, 64, 128):
            crop = np.ascontiguousarray(picture[top : top + 64, left : left + 64])
            assert np.array_equal(stitched[top : top + 64, left : left + 64], restorer(crop))


def test_a_crop_that_is_moved_in_becomes_the_mean_with_what_it_covers():
    class Corner(Affine):
        def floats(self, pictures):
            value = sum(int(p[0, 0, 0]) for p in pictures) / 255
            return np.full((1, *pictures[0].shape), value, np.float32)

    picture = np.zeros((64, 100, 3), np.uint8)
    picture[0, 36] = 100
    stitched = Composed([Corner()], Inference(tile=64, overlap=0))(picture)
    assert stitched[5, [0, 35, 36, 63, 64, 99], 0].tolist() == [0, 0, 50, 50, 100, 100]


def test_tiles_of_one_width_go_together():
    restorer = Affine()
    Composed([restorer], Inference(tile=16, overlap=0, batch=3))(noise(30, 90))
    assert restorer.calls == [(3, 16, 16), (3, 16, 16)] * 2
    picture = noise(16, 90)
    unet = network(UNetSettings(widths=(4, 6), batch_norm=()))
    one, three = (unrounded(unet, picture, Grid(32, 16, 2), batch) for batch in (1, 3))
    np.testing.assert_allclose(one, three, atol=1e-6)


def test_memory_does_not_grow_with_the_height():
    import tracemalloc

    def peak(height):
        picture = np.zeros((height, 64, 3), np.uint8)
        composed = Composed([Affine()], Inference(tile=64, overlap=16))
        tracemalloc.start()
        composed(picture)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most - picture.nbytes  # the result

    assert peak(6400) < peak(640) + 0.1 * 5760 * 64 * 3


def test_auto_takes_tiles_where_there_is_no_room_and_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(composed_module, "_SIDES", (512, 128, 64))
    monkeypatch.setattr(composed_module, "_LEAST", 8)
    restorer, said = Affine(room=2 * 130 * 130), []
    composed = Composed([restorer], Inference(tile="auto", batch=2))
    small, large = noise(100, 100), noise(300, 200)
    assert np.array_equal(composed(small), small)
    assert restorer.calls == [(1, 100, 100)]
    assert np.array_equal(composed.restore([large], said.append)[0], large)
    assert composed.grid(1, 300, 200) == Grid(128, 16)
    assert said == ["tile 2/6", "tile 4/6", "tile 6/6"]
    assert Composed([Affine(room=1)], Inference(tile="auto")).grid(1, 300, 200) == Grid(64, 8)


def turned_back(restore, picture):
    """The mean over the group of the square, by its definition."""
    results = []
    for k in range(4):
        for flip in (False, True):
            turned = np.rot90(np.fliplr(picture) if flip else picture, k)
            back = np.rot90(restore(np.ascontiguousarray(turned)), -k)
            results.append(np.fliplr(back) if flip else back)
    return np.mean(results, axis=0)


def test_the_ensemble_is_the_mean_of_all_turns_before_it_is_rounded():
    restorer, picture = network(UNetSettings(widths=(4, 6), batch_norm=())), noise(20, 34)
    expected = turned_back(lambda turned: restorer.floats([turned])[0].astype(np.float64), picture)
    composed = Composed([restorer], Inference(ensemble=True))
    np.testing.assert_allclose(composed.floats([picture])[0], expected, atol=1e-6)
    assert np.array_equal(composed(picture), np.rint(np.clip(expected, 0, 1) * 255).astype(np.uint8))
    # The mean of a restorer that knows no direction is that restorer.
    assert np.array_equal(Composed([Affine(0.4)], Inference(ensemble=True))(picture), Affine(0.4)(picture))


def test_the_ensemble_takes_restorers_of_8_bits():
    def smear(picture):  # to the right: no two turns agree
        return np.maximum(picture, np.roll(picture, 1, axis=1))

    picture = noise(9, 14)
    composed = Composed([smear], Inference(ensemble=True))
    expected = turned_back(lambda turned: smear(turned).astype(np.float64), picture)
    assert np.abs(composed(picture) - expected).max() <= 0.5 + 1e-4
    assert not composed.has_16_bits


def test_several_models_become_their_mean_before_it_is_rounded():
    picture = np.full((20, 30, 3), 100, np.uint8)
    # 100.4, 100.4 and 101.4: their mean is 100.73; that of what each is rounded to, 100.33
    models = [Affine(term=0.4 / 255), Affine(term=0.4 / 255), Affine(term=1.4 / 255)]
    assert (Composed(models, WHOLE)(picture) == 101).all()
    assert (Composed(models, Inference(tile=16, overlap=4))(picture) == 101).all()
    mixed = Composed([Affine(term=3 / 255), lambda levels: levels + 1], Inference(ensemble=True))
    assert (mixed(picture) == 102).all()
    assert not mixed.has_16_bits
    assert Composed([Affine(), network(UNetSettings(widths=(4, 6), batch_norm=()))], WHOLE).multiple == 2


def test_a_single_model_that_nothing_is_asked_of_stays_itself():
    restorer = Affine()
    assert compose([restorer], WHOLE) is restorer
    assert compose([restorer], Inference(precision="bfloat16")) is restorer
    assert isinstance(compose([restorer], Inference(batch=2)), Composed)
    assert isinstance(restorer, FloatRestorer)
    assert isinstance(network(CNNSettings(widths=(2, 2))), FloatRestorer)
    assert isinstance(Composed([restorer], WHOLE), FloatRestorer)


def test_16_bits_go_through_as_floats():
    restorer = NetworkRestorer(UNetSettings(widths=(4, 6), batch_norm=(), residual=True).build(), CPU)  # the identity
    deep = np.random.default_rng(1).integers(0, 65536, (21, 30, 3), dtype=np.uint16)
    for inference in (WHOLE, Inference(ensemble=True), Inference(tile=16, overlap=4)):
        restored = Composed([restorer], inference)(deep)
        assert restored.dtype == np.uint16
        assert np.abs(restored.astype(int) - deep).max() <= 1  # float32 has 24 bits
    assert np.array_equal(restorer(deep), deep)


def test_a_network_that_reads_rounding_is_given_8_bits_and_the_rest_is_added():
    class Half(nn.Module):
        def forward(self, batch):
            assert torch.allclose(batch * 255, (batch * 255).round(), atol=1e-4)
            return batch * 0.5

    deep = np.array([[[0, 257 * 10, 257 * 10 + 100], [257 * 200 - 100, 65535, 1]]], np.uint16)
    restored = NetworkRestorer(Half(), CPU, reads_rounding=True)(deep)
    assert restored.tolist() == [[[0, 1285, 1285 + 100], [257 * 100 - 100, 32768, 1]]]
    assert SwiftSettings().reads_rounding
    assert not UNetSettings().reads_rounding


def test_levels_are_clipped_and_rounded():
    floats = np.array([-9.0, -0.001, 0.4999 / 255, 0.5001 / 255, 254.5001 / 255, 1.2], np.float32)
    assert to_levels(floats.copy(), np.zeros(1, np.uint8)).tolist() == [0, 0, 0, 1, 255, 255]
    assert to_levels(np.array([0.5, 1.0], np.float32), np.zeros(1, np.uint16)).tolist() == [32768, 65535]


def test_bfloat16_is_near_and_is_not_float32():
    settings = UNetSettings(widths=(4, 6, 8), batch_norm=("e2",))
    picture = noise(40, 40)
    exact, mixed = (network(settings, dtype=dtype).floats([picture])[0] for dtype in (torch.float32, torch.bfloat16))
    assert mixed.dtype == np.float32
    assert 1e-5 < np.abs(exact - mixed).max() < 0.03


def test_wrong_ways_are_refused():
    with pytest.raises(UsageError, match=r"too small.*steps of 16 pixels: use tiles of 48 or more"):
        Composed([network(UNetSettings())], Inference(tile=40, overlap=32))
    with pytest.raises(RecipeError, match="leaves nothing"):
        parse(Inference, {"tile": 64, "overlap": 64}, "here")
    for wrong in ({"tile": 8}, {"tile": "some"}, {"batch": 0}, {"precision": "float16"}):
        with pytest.raises(RecipeError):
            parse(Inference, wrong, "here")


@pytest.mark.parametrize("wrong", [lambda p: p[:-1], lambda p: p.astype(np.float32), lambda p: None])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(RunError, match="a restorer keeps type and shape"):
        Composed([wrong], Inference(ensemble=True))(noise(8, 8))


def test_labels_say_what_was_done():
    assert WHOLE.label == "none: whole pictures"
    assert Inference(tile=256, overlap=0).label == "256 px, side by side"
    assert Inference(tile=256, ensemble=True, precision="bfloat16").label == (
        "256 px, 32 px blended, x8 ensemble, bfloat16"
    )
    assert "auto" in Inference(tile="auto").label


class Wide(nn.Module):
    """64 channels made of 3, twice, the first kept until the end."""

    def forward(self, batch):
        wide = batch.repeat(1, 64, 1, 1)
        return batch + (wide + 1).mean(1, keepdim=True) + wide[:, :3]


def test_memory_is_that_of_all_tensors_alive():
    # 3 * 64 channels, and as many again: both are there when `wide + 1` has been made.
    assert bytes_per_pixel(Wide(), CPU) == pytest.approx(2 * 192 * 4, rel=0.05)
    assert SIDE**2 < restorer_module._SMALL


def test_there_is_room_as_long_as_memory_is_free(monkeypatch):
    monkeypatch.setattr(restorer_module, "_SMALL", 1000)
    restorer = NetworkRestorer(Wide(), CPU)
    per_pixel = 2 * 192 * 4 * restorer_module._MARGIN / restorer_module._SHARE
    for free, room in ((0.9, False), (1.1, True)):
        monkeypatch.setattr(restorer_module, "free_bytes", lambda _, free=free: per_pixel * 200 * 300 * free)
        assert restorer.has_room(1, 200, 300) is room
        assert restorer.has_room(2, 200, 150) is room
        assert restorer.has_room(1, 20, 50)
