"""`realblur-ecc` and `rsblur-ecc`: the published values, what alignment undoes, what it refuses, remembered warps."""

import csv
import json

import cv2
import numpy as np
import pytest
from conftest import noise
from PIL import Image

from deblurbench.errors import PictureError
from deblurbench.scoring.alignment import align as alignment
from deblurbench.scoring.alignment import ecc_loops, warps
from deblurbench.scoring.alignment.align import align, find_warp
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.score import score_pairing
from deblurbench.sources import deadleaves

BOTH = [find_protocol("realblur-ecc"), find_protocol("rsblur-ecc")]
PINNED = [
    {"psnr_db": 30.162446055258776, "ssim": 0.9133006179000014},
    {"psnr_db": 30.163428408348626, "ssim": 0.913245050401164},
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEBLURBENCH_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "warps"


def leaves(height=96, width=120, seed=4):
    return np.asarray(deadleaves.draw(seed, 0, height, width))


def softened(picture):
    """A mean over 3 x 3 of integers, cut by one pixel all around: the same on every machine."""
    rows = sum(picture[i : len(picture) - 2 + i].astype(int) for i in range(3))
    return (sum(rows[:, i : rows.shape[1] - 2 + i] for i in range(3)) // 9).astype(np.uint8)


def moved():
    """A sharp picture, and a softer, darker prediction whose content lies 3 px to the right and 2 px up."""
    scene = leaves(110, 140)
    return (softened(scene)[8:88, 5:105] * 0.9).astype(np.uint8), scene[7:87, 9:109]


def values(prediction, sharp):
    pair = Compared(prediction, sharp)
    return [{m.name: m.function(pair) for m in protocol.metrics} for protocol in BOTH]


def golden(shared):
    with (shared / "protocol_vectors" / "expected.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["protocol"] in ("realblur-ecc", "rsblur-ecc"):
                yield row["pair"], row["protocol"], row["metric"], float(row["value"])


def test_published_values(shared):
    """With places rounded to 1/32 pixel even the script's digits vary by processor, most where PSNR is high."""
    expected, seen = {key[:3]: key[3] for key in golden(shared)}, 0
    for file in sorted((shared / "protocol_vectors" / "pred").glob("*.png")):
        prediction, sharp = (np.asarray(Image.open(f)) for f in (file, file.parents[1] / "sharp" / file.name))
        for protocol, ours in zip(BOTH, values(prediction, sharp), strict=True):
            psnr, ssim = (expected[file.stem, protocol.name, metric] for metric in ("psnr", "ssim"))
            assert ours["psnr_db"] == pytest.approx(psnr, abs=0.03 if psnr < 40 else 0.2), file.stem
            assert ours["ssim"] == pytest.approx(ssim, abs=5e-4), file.stem
            seen += 1
    assert seen == 22


def test_pinned_values():
    real, rs = values(*moved())
    assert real == pytest.approx(PINNED[0], abs=1e-6)
    assert rs == pytest.approx(PINNED[1], abs=1e-6)


def test_equal_pictures():
    real, rs = values(leaves(), leaves())
    assert real == rs == {"psnr_db": np.inf, "ssim": 1.0}


def test_shift_and_gain_are_undone():
    prediction, sharp = moved()
    plain = Compared(prediction, sharp)
    ours = values(prediction, sharp)[0]
    assert ours["psnr_db"] > plain.psnr() + 10
    assert ours["ssim"] > plain.gaussian_ssim() + 0.2
    warp = find_warp(prediction / 255, sharp / 255)
    assert warp == pytest.approx(np.array([[1, 0, 3], [0, 1, -2], [0, 0, 1]]), abs=0.1)
    assert alignment.gain(prediction / 255 / 2, sharp / 255) == pytest.approx(
        2 * alignment.gain(prediction / 255, sharp / 255), rel=1e-6
    )


def test_only_what_overlaps_counts():
    prediction, sharp = moved()
    aligned = align(prediction, sharp)
    assert aligned.inside.shape == (80, 100)
    assert not aligned.inside[:2].any()
    assert not aligned.inside[:, 97:].any()
    assert aligned.inside.mean() == pytest.approx(78 * 97 / 8000, abs=0.01)
    assert not aligned.prediction[~aligned.inside].any()
    assert not aligned.sharp[~aligned.inside].any()
    assert np.array_equal(aligned.sharp[aligned.inside], (sharp / np.float32(255)).astype(np.float64)[aligned.inside])


def test_the_mask_goes_by_the_nearest_pixel():
    for shift, lost in ((3.4, 3), (3.6, 4), (-3.4, 3), (0.0, 0)):
        inside = ecc_loops.inside(20, 30, np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1]]))
        assert np.count_nonzero(~inside) == 20 * lost


def opencvs_warp(prediction, sharp):
    greys = (cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY) for picture in (sharp, prediction))
    ends = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 0
    _, warp = cv2.findTransformECC(
        *greys, np.eye(3, dtype=np.float32), cv2.MOTION_HOMOGRAPHY, ends, inputMask=None, gaussFiltSize=5
    )
    return warp.astype(np.float64)


def test_the_steps_are_opencvs_where_places_are_not_rounded():
    """OpenCV 5 reads at exact places; ours with 20 bits do, nearly."""
    prediction, sharp = (picture / 255 for picture in moved())
    ours, theirs = find_warp(prediction, sharp, bits=20), opencvs_warp(prediction, sharp)
    corners = np.array([[0, 0, 1], [99, 0, 1], [0, 79, 1], [99, 79, 1]])
    ends = [corners @ m.T / (corners @ m.T)[:, 2:] for m in (ours, theirs)]
    assert ends[0] == pytest.approx(ends[1], abs=2e-3)


@pytest.mark.parametrize("contrast", [0.01, 0.002])
def test_faint_pictures_stay_where_they_are(contrast):
    """OpenCV's equations of a step are singular to it where the slopes are small: of small or nearly black pictures."""
    sharp = cv2.GaussianBlur(noise(20, 30) / 255, (0, 0), 2) * contrast
    prediction = cv2.GaussianBlur(sharp, (0, 0), 1)
    assert np.array_equal(opencvs_warp(prediction, sharp), np.eye(3))
    assert np.array_equal(find_warp(prediction, sharp), np.eye(3))
    for steps in (opencvs_warp, find_warp):
        with pytest.raises((cv2.error, PictureError)):
            steps(contrast - prediction, sharp)


def test_the_warp_is_opencvs_bicubic():
    picture = noise(20, 30).astype(np.float64) / 255
    m = np.array([[1, 0, 10 / 32], [0, 1, -75 / 32], [0, 0, 1]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    theirs = cv2.warpPerspective(picture.astype(np.float32), m, (30, 20), flags=flags, borderMode=cv2.BORDER_REFLECT)
    assert ecc_loops.warp_cubic(picture, m, 5) == pytest.approx(theirs, abs=1e-5)


def test_rsblur_clips_what_realblur_does_not():
    sharp = leaves().copy()
    prediction = (sharp * 0.8).astype(np.uint8)
    sharp[40:50, 40:50] = prediction[40:50, 40:50] = 255  # times a gain above 1
    real, rs = values(prediction, sharp)
    assert align(prediction, sharp).prediction.max() > 1
    assert rs["psnr_db"] > real["psnr_db"]


def test_both_align_once(monkeypatch):
    calls = []
    find = alignment.find_warp
    monkeypatch.setattr(alignment, "find_warp", lambda *pair: calls.append(1) or find(*pair))
    monkeypatch.setattr(warps, "remembered", lambda pictures, version, find: find())
    values(*moved())
    assert len(calls) == 1


def test_floats_and_alpha_are_aligned_too():
    prediction, sharp = moved()
    floats = values(prediction / 255, sharp / 255)[0]
    assert floats == pytest.approx(values(prediction, sharp)[0], abs=1e-6)
    alpha = np.full((80, 100, 1), 255, np.uint8)
    assert values(np.dstack([prediction, alpha]), np.dstack([sharp, alpha]))[0]["psnr_db"] > 20


@pytest.mark.parametrize(
    ("prediction", "why"),
    [
        (np.full((96, 120, 3), 90, np.uint8), "no detail"),
        (np.zeros((96, 120, 3), np.uint8), "black"),
        (255 - leaves(), "unlike"),
    ],
)
def test_what_cannot_be_aligned(prediction, why):
    with pytest.raises(PictureError, match=f"cannot be aligned.*{why}"):
        align(prediction, leaves())


def test_a_failure_is_a_line(tmp_path):
    for folder, pictures in (("p", (leaves(), noise(96, 120) * 0)), ("s", (leaves(), leaves()))):
        (tmp_path / folder).mkdir()
        for name, picture in zip("ab", pictures, strict=True):
            Image.fromarray(picture).save(tmp_path / folder / f"{name}.png")
    report = score_pairing(pair_folders(tmp_path / "p", tmp_path / "s"), BOTH, quiet=True)
    assert report.n == 1
    assert report.failures[0].startswith("b.png: the prediction cannot be aligned")


def test_detail_along_one_axis_stays_in_place():
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], (50, 1, 3))
    assert np.array_equal(find_warp(ramp / 255, ramp / 255), np.eye(3))


def test_grey_and_tiny_pairs_have_no_value():
    for channels in (None, 1, 2):
        assert values(*[noise(30, 30, channels)] * 2)[0] == {"psnr_db": None, "ssim": None}
    tiny = values(leaves()[:10, :30], leaves()[:10, :30])[0]
    assert tiny == {"psnr_db": np.inf, "ssim": None}


def test_a_warp_is_found_once(cache, monkeypatch):
    first = values(*moved())
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(alignment, "find_warp", lambda *_: pytest.fail("it was known"))
    assert values(*moved()) == first


def test_another_pair_or_version_is_another_warp(cache):
    a, b = leaves(40, 40), leaves(40, 40, seed=5)
    for pictures, version in (((a, b), 1), ((b, a), 1), ((a, b), 2), ((a.reshape(20, 80, 3), b), 1)):
        warps.remembered(pictures, version, lambda: np.eye(3))
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", "{}", '{"warp": 3}', '{"warp": [1, 2]}', '{"warp": [[1, NaN, 0]]}', '{"warp": [["a"]]}', "\0"],
)
def test_damaged_entries_are_found_again(cache, damaged):
    known = warps.remembered([leaves(20, 20)], 1, lambda: np.eye(3))
    (entry,) = cache.iterdir()
    entry.write_text(damaged)
    assert np.array_equal(warps.remembered([leaves(20, 20)], 1, lambda: known), known)
    assert json.loads(entry.read_text())["warp"] == np.eye(3).tolist()


def test_a_cache_that_cannot_be_written_does_no_harm(cache, tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    assert np.array_equal(warps.remembered([leaves(20, 20)], 1, lambda: np.eye(3)), np.eye(3))


def test_a_remembered_warp_of_which_a_digit_changed_is_computed_again(cache):
    picture = leaves(20, 20)
    warps.remembered([picture], 1, lambda: np.eye(3))
    (entry,) = cache.iterdir()
    entry.write_text(entry.read_text().replace("[[1.0,0.0,0.0]", "[[1.0,0.0,9.0]"))
    assert np.array_equal(warps.remembered([picture], 1, lambda: 2 * np.eye(3)), 2 * np.eye(3))
