"""The sheet of worst, median and best pictures: which ones, which part of them, and in which colours."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from conftest import noise
from PIL import Image

from deblurbench.errors import UsageError
from deblurbench.scoring.pictures.pairing import Pair
from deblurbench.scoring.protocol import Metric
from deblurbench.scoring.protocols.gnr638 import GNR638_EVAL
from deblurbench.scoring.reports.error_map import coloured, error_map, scale_bar, scale_for, worst_part
from deblurbench.scoring.reports.picks import pick
from deblurbench.scoring.reports.sheet import SIDE, score_sheet, write_score_sheet
from deblurbench.scoring.score import ImageScore, ProtocolScores

TOP, LEFT, STEP = 78, 18, 274  # of the first picture on a sheet, and from one column to the next


def scores_of(values, blurred=None):
    images = tuple(ImageScore(name, {"psnr_db": value}) for name, value in values.items())
    before = tuple(ImageScore(name, {"psnr_db": value}) for name, value in (blurred or {}).items()) or None
    return ProtocolScores(GNR638_EVAL, images, before)


def named(scores, count):
    return {group.kind: [image.name for image in group.images] for group in pick(scores, count)}


def save(folder, name, picture):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".npy"):
        np.save(file, picture)
    else:
        Image.fromarray(picture).save(file)
    return file


def cell(sheet, column, height=SIDE, width=SIDE, top=TOP):
    left = LEFT + column * STEP
    return sheet[top : top + height, left : left + width]


def test_worst_median_best_without_repeats():
    scores = scores_of({f"{i}": float(i) for i in range(12)})
    assert named(scores, 2) == {"worst": ["0", "1"], "median": ["5", "6"], "best": ["10", "11"]}
    assert named(scores_of({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}), 2) == {
        "worst": ["a"],
        "median": ["c"],
        "best": ["e"],
    }
    assert named(scores_of({"b": 2.0, "a": 1.0}), 2) == {"worst": ["a"], "best": ["b"]}
    assert named(scores_of({"a": 1.0}), 2) == {"only": ["a"]}


def test_ties_go_by_name_and_infinity_is_best():
    assert named(scores_of({"c": 1.0, "b": 1.0, "a": float("inf")}), 1) == {
        "worst": ["b"],
        "median": ["c"],
        "best": ["a"],
    }


def test_errors_are_worst_where_they_are_largest_and_what_has_no_value_is_left_out():
    protocol = replace(GNR638_EVAL, metrics=(Metric("mse", lambda _: None, lower_is_better=True),))
    images = [ImageScore("a", {"mse": 1.0}), ImageScore("b", {"mse": 9.0}), ImageScore("c", {})]
    assert named(ProtocolScores(protocol, tuple(images)), 1) == {"worst": ["b"], "best": ["a"]}
    with pytest.raises(UsageError, match="no picture has a mse"):
        named(ProtocolScores(protocol, (images[2],)), 1)


def test_the_error_is_the_mean_absolute_difference():
    prediction, sharp = noise(9, 7, seed=1), noise(9, 7, seed=2)
    expected = np.abs(prediction.astype(int) - sharp.astype(int)).mean(axis=2)
    assert np.allclose(error_map(prediction, sharp), expected, atol=1e-4)
    assert np.allclose(error_map(prediction / 255, sharp / 255), expected, atol=1e-3)
    assert np.array_equal(error_map(prediction[..., 0], sharp[..., 0]), error_map(sharp[..., :1], prediction[..., :1]))


@pytest.mark.parametrize("shape", [(64, 88), (61, 83), (40, 90), (90, 33)])
def test_the_worst_part_is_the_worst(shape):
    errors = np.random.default_rng(3).gamma(0.3, 20, shape).astype(np.float32)
    rows, columns = worst_part(errors, 40, 40)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (min(40, shape[0]), min(40, shape[1]))
    tops = {min(top, max(0, shape[0] - 40)) for top in range(0, max(1, shape[0] - 32), 8)}
    lefts = {min(left, max(0, shape[1] - 40)) for left in range(0, max(1, shape[1] - 32), 8)}
    best = max((np.square(errors[t : t + 40, x : x + 40]).sum(), t, x) for t in tops for x in lefts)
    assert np.square(errors[rows, columns]).sum() >= 0.97 * best[0]  # a last part that leans on the border counts less


def test_the_middle_where_nothing_is_wrong():
    assert worst_part(np.zeros((100, 60), np.float32), 20, 80) == (slice(40, 60), slice(0, 60))


def test_colours_are_those_of_magma():
    errors = np.linspace(0, 40, 256, dtype=np.float32)[None]
    ours = coloured(errors, 32)[0].astype(int)
    theirs = np.rint(mpl.colormaps["magma"](np.clip(errors[0] / 32, 0, 1))[:, :3] * 255)
    assert np.abs(ours - theirs).max() <= 3
    assert ours[0].sum() <= 8  # none is black


def test_the_scale_covers_what_is_usual():
    flat = np.full((50, 50), 20, np.float32)
    flat[0, :20] = 200  # less than two in a hundred
    assert scale_for([flat]) == 24
    assert scale_for([np.zeros((5, 5), np.float32)]) == 4
    assert scale_for([np.full((5, 5), 255, np.float32)]) == 255
    bar = scale_bar(24, 200)
    assert bar.shape[1] == 200
    assert np.array_equal(bar[0, -1], coloured(np.full((1, 1), 24, np.float32), 24)[0, 0])
    assert (bar[14:] < 128).any()  # numbers


def test_the_sheet_shows_the_worst_part_at_full_scale(tmp_path):
    sharp, blurred = noise(400, 500), noise(400, 500, seed=1)
    prediction = sharp.copy()
    prediction[300:390, 400:490] = sharp[300:390, 400:490] ^ 64  # each sample is 64 away
    pair = Pair(
        "a.png", save(tmp_path, "s.png", sharp), save(tmp_path, "p.png", prediction), save(tmp_path, "b.png", blurred)
    )
    sheet = score_sheet(scores_of({"a.png": 20.0}, {"a.png": 10.0}), {"a.png": pair}.__getitem__)
    for column, picture in enumerate((blurred, prediction, sharp)):
        assert np.array_equal(cell(sheet, column), picture[136:392, 240:496]), column
    errors = cell(sheet, 3)
    bad, good = errors[300 - 136 : 390 - 136, 400 - 240 : 490 - 240], errors[:160]
    assert np.array_equal(np.unique(bad.reshape(-1, 3), axis=0), [coloured(np.array([[64.0]]), 64)[0, 0]])
    assert np.array_equal(np.unique(good.reshape(-1, 3), axis=0), [coloured(np.array([[0.0]]), 64)[0, 0]])
    assert (cell(sheet, 1, height=40, top=TOP + SIDE) < 128).any()  # its caption


def test_without_blurred_pictures_there_are_three_columns(tmp_path):
    pair = Pair("a.png", save(tmp_path, "s.png", noise(20, 30)), save(tmp_path, "p.png", noise(20, 30, seed=1)))
    sheet = score_sheet(scores_of({"a.png": 20.0}), {"a.png": pair}.__getitem__)
    assert sheet.shape[1] == LEFT + 3 * STEP
    enlarged = noise(20, 30).repeat(8, axis=0).repeat(8, axis=1)  # 8 x 30 is all that fits
    assert np.array_equal(cell(sheet, 1, 160, 240), enlarged)
    assert (cell(sheet, 1)[:160, 240:] == 255).all()


def test_floats_grey_alpha_and_long_names(tmp_path):
    name = "x" * 180
    floats = np.clip(noise(260, 260) / 255.0, 0, 0.9).astype(np.float32) + np.float32(0.3)  # some above 1
    pairs = {
        name: Pair(name, save(tmp_path, "s.png", noise(260, 260)), save(tmp_path, "p.npy", floats)),
        "g": Pair("g", save(tmp_path, "gs.png", noise(9, 300, None)), save(tmp_path, "gp.png", noise(9, 300, None, 1))),
        "t": Pair("t", save(tmp_path, "ts.png", noise(300, 9, 4)), save(tmp_path, "tp.png", noise(300, 9, 4, 1))),
    }
    sheet = score_sheet(scores_of({name: 1.0, "g": 2.0, "t": 3.0}), pairs.__getitem__)
    shown = np.rint(np.clip(floats, 0, 1) * 255).astype(np.uint8)
    rows, columns = worst_part(error_map(shown, noise(260, 260)), SIDE, SIDE)
    assert np.array_equal(cell(sheet, 0), shown[rows, columns])
    grey = cell(sheet, 1, 9, top=TOP + SIDE + 4 + 3 * 16 + 18 + 26)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert any(np.array_equal(grey[..., 0], noise(9, 300, None)[:, x : x + SIDE]) for x in range(45))


def test_a_sheet_is_of_six_pictures_at_most_and_written(tmp_path):
    sharp = save(tmp_path, "s.png", noise(300, 300))
    pair = Pair("", sharp, save(tmp_path, "p.png", noise(300, 300, seed=1)), sharp)
    values = {f"{i}": float(i) for i in range(30)}
    write_score_sheet(tmp_path / "sheet.png", scores_of(values, values), lambda _: pair, "preds")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == LEFT + 4 * STEP
        assert 6 * SIDE < sheet.height < 2500
