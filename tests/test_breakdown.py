"""Scores of a dataset's splits, in any format, and what they are made of."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import TINY

from deblurbench.blur.kernel import quantise
from deblurbench.dataset.build import build
from deblurbench.dataset.export import export
from deblurbench.dataset.kernels import opened_kernels
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import PictureError, UsageError
from deblurbench.files import sha256_text
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.runs.breakdown import break_down, break_down_dataset, breakdown_text
from deblurbench.runs.dataset_pairs import dataset_pairs, score_dataset
from deblurbench.runs.severity import kernel_radii, rms_radius, severity
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.protocols.gnr638 import GNR638_EVAL
from deblurbench.scoring.reports.sheet import score_sheet
from deblurbench.scoring.score import ImageScore, ProtocolScores, score_pairing

MOTION = '{ family = "linear-motion", length = [3, 9], angle = [0, 180] }'
MIX = f"""{TINY}
[[splits]]
name = "test-mix"
blurs = [
    {{ family = "defocus", radius = 3.0 }},
    {{ family = "gaussian", sigma = 0.8, light = "gamma-2.2" }},
    {{ family = "spatially-varying", rows = 1, columns = 2, blur = {MOTION} }},
]
"""
PROTOCOLS = [find_protocol("gnr638-eval")]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "recipe.toml").write_text(MIX)
    return build(make_plan(read_recipe(folder / "recipe.toml")), folder / "data", quiet=True)


@pytest.fixture
def preds(mixed, tmp_path):
    """For each test split the blurred pictures, and in their first rows the sharp ones."""
    for split in mixed.test_splits:
        for pair in mixed.pairs(split):
            picture = read_rgb(pair.blur)
            picture[:20] = read_rgb(pair.sharp)[:20]
            (tmp_path / "preds" / split).mkdir(parents=True, exist_ok=True)
            write_png(tmp_path / "preds" / split / f"{pair.name}.png", picture)
    return tmp_path / "preds"


def test_all_test_splits_are_scored_each_by_its_folder(mixed, preds):
    pairs = dataset_pairs(mixed, preds)
    report = score_dataset(pairs, PROTOCOLS, quiet=True)
    assert list(pairs.folders) == ["test-g1.2", "test-mix"]
    assert report.n == len(pairs) == 12
    folders = [
        score_pairing(pair_folders(preds / s, mixed.folder(s, "sharp"), mixed.folder(s, "blur")), PROTOCOLS, quiet=True)
        for s in mixed.test_splits
    ]
    expected = [image.values for of in folders for image in of.protocols[0].images]
    assert [image.values for image in report.protocols[0].images] == expected
    before = [image.values for of in folders for image in of.protocols[0].blurred]
    assert [image.values for image in report.protocols[0].blurred] == before
    assert [image.name for image in report.protocols[0].images][:2] == [f"{r.pair}.png" for r in pairs.records()][:2]


def test_one_split_needs_no_folder_of_its_own(mixed, preds):
    pairs = dataset_pairs(mixed, preds / "test-mix", ["test-mix"])
    assert pairs.folders == {"test-mix": preds / "test-mix"}
    assert score_dataset(pairs, PROTOCOLS, with_blur=False, quiet=True).protocols[0].blurred is None
    assert dataset_pairs(mixed, preds, ["test-mix"]).folders == pairs.folders
    assert list(dataset_pairs(mixed, preds, ["test", "test-mix"]).folders) == mixed.test_splits


def test_what_cannot_be_found_is_said(mixed, preds):
    with pytest.raises(UsageError, match=r"no folder of predictions for test-g1\.2, test-mix"):
        dataset_pairs(mixed, preds / "test-mix")
    with pytest.raises(UsageError, match="has no split 'tset'"):
        dataset_pairs(mixed, preds, ["tset"])
    with pytest.raises(UsageError, match="no folder"):
        dataset_pairs(mixed, preds / "nowhere")
    with pytest.raises(UsageError, match="has no pairs in a test split"):
        dataset_pairs(replace(mixed, splits={"train": 3}), preds)


def test_missing_extra_and_other_kinds_of_predictions(mixed, preds):
    names = sorted(file.name for file in (preds / "test-mix").iterdir())
    (preds / "test-mix" / names[0]).unlink()
    other = preds / "test-mix" / names[1]
    floats = read_rgb(other).astype(np.float32) / 255
    other.unlink()
    np.save(other.with_suffix(".npy"), floats)
    write_png(preds / "test-mix" / "foreign.png", np.zeros((4, 4, 3), np.uint8))
    report = score_dataset(dataset_pairs(mixed, preds, ["test-mix"]), PROTOCOLS, quiet=True)
    assert report.failures == (f"test-mix/{names[0]}: the prediction is missing",)
    assert report.extra == ("test-mix/foreign.png",)
    assert report.n == 8


def test_a_dataset_in_shards_gives_the_same(mixed, preds, tmp_path):
    shards = export(mixed.place, tmp_path / "shards", "webdataset", quiet=True)
    expected = score_dataset(dataset_pairs(mixed, preds), PROTOCOLS, quiet=True)
    pairs = dataset_pairs(shards, preds)
    report = score_dataset(pairs, PROTOCOLS, workers=2, quiet=True)
    assert report.protocols == expected.protocols
    assert break_down_dataset(report.protocols[0], pairs) == break_down_dataset(
        expected.protocols[0], dataset_pairs(mixed, preds)
    )
    name = report.protocols[0].images[0].name
    of = [replace(r.protocols[0], images=r.protocols[0].images[:1]) for r in (report, expected)]
    sheets = [
        score_sheet(scores, source.finder([name]))
        for scores, source in zip(of, (pairs, dataset_pairs(mixed, preds)), strict=True)
    ]
    assert np.array_equal(*sheets)


def test_pieces_are_small_where_pictures_are_decoded(mixed, preds, tmp_path, monkeypatch):
    monkeypatch.setattr("deblurbench.runs.dataset_pairs._DECODED", 2)
    shards = export(mixed.place, tmp_path / "shards", "webdataset", quiet=True)
    pieces = list(dataset_pairs(shards, preds).pairings())
    assert max(len(piece.pairs) for piece in pieces) == 2
    assert sum(len(piece.pairs) for piece in pieces) == 12
    report = score_dataset(dataset_pairs(shards, preds), PROTOCOLS, quiet=True)
    assert report.protocols == score_dataset(dataset_pairs(mixed, preds), PROTOCOLS, quiet=True).protocols


def test_a_damaged_dataset_is_no_bad_prediction(mixed, preds, tmp_path):
    npy = export(mixed.place, tmp_path / "npy", "npy", quiet=True)
    next((tmp_path / "npy").rglob("test-mix/sharp/*.npy")).write_bytes(b"")
    with pytest.raises(PictureError, match=r"\.npy"):
        score_dataset(dataset_pairs(npy, preds), PROTOCOLS, quiet=True)


def test_groups_are_means_over_their_pictures(mixed, preds):
    pairs = dataset_pairs(mixed, preds)
    scores = score_dataset(pairs, PROTOCOLS, quiet=True).protocols[0]
    groups = break_down_dataset(scores, pairs)
    by = {(g.split, g.by, g.name): g for g in groups}
    records = list(pairs.records())
    values = {image.name: image.values["psnr_db"] for image in scores.images}
    before = {image.name: image.values["psnr_db"] for image in scores.blurred}
    for family in ("defocus", "gaussian", "spatially-varying"):
        names = [f"{r.pair}.png" for r in records if r.split == "test-mix" and r.blur["family"] == family]
        group = by["test-mix", "family", family]
        assert group.n == len(names) == 3
        assert group.mean["psnr_db"] == pytest.approx(np.mean([values[n] for n in names]))
        assert group.blurred_mean["psnr_db"] == pytest.approx(np.mean([before[n] for n in names]))
        assert group.gain["psnr_db"] == pytest.approx(group.mean["psnr_db"] - group.blurred_mean["psnr_db"])
    for split in mixed.test_splits:
        for fact in ("light", "family", "severity", "kernel", "scene"):
            assert sum(g.n for g in groups if (g.split, g.by) == (split, fact)) == by[split, "split", split].n
    assert {g.name for g in groups if (g.split, g.by) == ("test-mix", "light")} == {"stored", "gamma-2.2"}
    assert by["test-g1.2", "kernel", "ff59ff55 sigma 1.2, size 9"].n == 3
    assert sum("+1 " in g.name for g in groups if g.by == "kernel") == 3  # two kernels each
    assert by["test-mix", "severity", "RMS radius 2 .. 4 px"].n >= 3  # 3 / 1.41
    assert set(groups[0].as_dict()) == {"split", "by", "group", "n", "mean", "blurred_mean", "gain"}


def record_of(mixed, **changes):
    return next(mixed.records("test-g1.2")).model_copy(update=changes)


def test_the_radius_of_known_kernels(mixed):
    delta, line = np.zeros((5, 5)), np.ones((1, 12))
    delta[1, 3] = 1  # off the centre: a shift is no blur
    assert rms_radius(quantise(delta).taps) == 0
    assert rms_radius(quantise(line).taps) == pytest.approx(math.sqrt((12**2 - 1) / 12), abs=1e-3)
    y, x = np.mgrid[-60:61, -60:61]
    assert rms_radius(quantise(np.exp(-(x**2 + y**2) / (2 * 9**2))).taps) == pytest.approx(9 * math.sqrt(2), rel=0.01)
    assert rms_radius(quantise(x**2 + y**2 <= 50**2).taps) == pytest.approx(50 / math.sqrt(2), rel=0.01)
    radii = kernel_radii(mixed, mixed.records("test-g1.2"))
    assert list(radii.values()) == [pytest.approx(1.2 * math.sqrt(2), abs=0.03)]
    with opened_kernels(mixed.place, "kernels.npz") as kernels:
        assert set(radii) <= set(kernels)


@pytest.mark.parametrize(
    ("radius", "band"),
    [(0, "below 0.5"), (0.5, "0.5 .. 1"), (1.99, "1 .. 2"), (7.9, "4 .. 8"), (8, "8 and more")],
)
def test_bands(mixed, radius, band):
    one = record_of(mixed, kernels=("k",))
    assert severity(one, {"k": radius})[1] == f"RMS radius {band} px"
    both = record_of(mixed, kernels=("k", "l"))
    assert severity(both, {"k": 3.0, "l": 4.0}) == severity(one, {"k": math.sqrt(12.5)})


def test_without_a_kernel_the_blurred_picture_tells(mixed):
    plain = record_of(mixed, kernels=())
    bands = [severity(plain, {}, value) for value in (40.0, 27.0, 19.0)]
    assert bands == sorted(bands)  # from mild to severe
    assert [name.removeprefix("no kernel, blurred PSNR ") for _, name in bands] == [
        "35 and more dB",
        "25 .. 30 dB",
        "below 20 dB",
    ]
    assert severity(plain, {})[1] == "no kernel"


def synthetic(mixed, scenes, light=None):
    """Records and scores of one split with so many scenes, a picture each or two."""
    records, images = [], []
    for i in range(2 * scenes):
        blur = {"family": "gaussian", "sigma": 1.0, "light": "stored" if light is None or i % 2 else light}
        records.append(
            record_of(mixed, pair=f"test/p{i:02}", split="test", scene=f"s{i // 2:02}", blur=blur, kernels=())
        )
        images.append(ImageScore(f"test/p{i:02}.png", {"psnr_db": 20.0 + i, "ssim": 0.5}))
    before = tuple(ImageScore(image.name, {"psnr_db": 18.0, "ssim": 0.25}) for image in images)
    return records, ProtocolScores(GNR638_EVAL, tuple(images), before)


def test_the_table_to_the_letter(mixed):
    records, scores = synthetic(mixed, 2, light="gamma-2.2")
    text = breakdown_text(scores, break_down(scores, records, {}))
    assert text.splitlines()[:12] == [
        "gnr638-eval@1  n    PSNR  blurred    gain    SSIM  blurred     gain",
        "test           4  21.500   18.000  +3.500  0.5000   0.2500  +0.2500",
        "  by light",
        "    gamma-2.2  2  21.000   18.000  +3.000  0.5000   0.2500  +0.2500",
        "    stored     2  22.000   18.000  +4.000  0.5000   0.2500  +0.2500",
        "  family: gaussian",
        "  severity: no kernel, blurred PSNR below 20 dB",
        "  kernel: none",
        "  by scene",
        "    s00        2  20.500   18.000  +2.500  0.5000   0.2500  +0.2500",
        "    s01        2  22.500   18.000  +4.500  0.5000   0.2500  +0.2500",
        "",
    ]
    assert text.splitlines()[12].startswith("severity: the kernel's RMS radius")


def test_scenes_that_are_hashes_are_shown_as_in_names(mixed):
    records, scores = synthetic(mixed, 2)
    hashed = [record.model_copy(update={"scene": sha256_text(record.scene)}) for record in records]
    groups = break_down(scores, hashed, {})
    lines = breakdown_text(scores, groups).splitlines()
    assert any(line.startswith(f"    {sha256_text('s00')[:8]} ") for line in lines)
    assert sha256_text("s00") in [group.name for group in groups]


def test_of_many_groups_the_ends_are_shown(mixed):
    records, scores = synthetic(mixed, 30)
    lines = breakdown_text(scores, break_down(scores, records, {})).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("  by scene"))
    assert lines[start] == "  by scene: the 5 lowest and the 5 highest of 30"
    shown = [line.split()[0] for line in lines[start + 1 : start + 12]]
    assert shown == ["s00", "s01", "s02", "s03", "s04", "...", "s25", "s26", "s27", "s28", "s29"]
    alone = [record.model_copy(update={"scene": f"only {i}"}) for i, record in enumerate(records)]
    assert "  scene: each picture has its own" in breakdown_text(scores, break_down(scores, alone, {})).splitlines()


def test_without_blurred_pictures_and_with_failures(mixed):
    records, scores = synthetic(mixed, 2)
    part = replace(scores, images=scores.images[:3], blurred=None)
    groups = break_down(part, records, {})
    assert [(g.name, g.n) for g in groups if g.by == "scene"] == [("s00", 2), ("s01", 1)]
    assert "blurred" not in breakdown_text(part, groups).splitlines()[0]
    assert "gain" not in groups[0].as_dict()


def test_a_table_of_a_dataset_compares_by_split_and_by_the_manifests_scenes(cli, mixed, preds, tmp_path):
    ours, plain = tmp_path / "ours.csv", tmp_path / "plain.csv"
    assert cli("score", preds, mixed.path, "--csv", ours, "--quiet").code == 0
    assert ours.read_text().startswith("protocol,split,name,psnr_db,")
    plain.write_text(ours.read_text())
    result = cli("compare", ours, plain, "--dataset", mixed.path, "--metric", "psnr_db", "--json", "-")
    assert result.code == 0, result.err
    found = json.loads(result.out)["comparisons"]
    assert [comparison["split"] for comparison in found] == mixed.test_splits
    assert all("folders" not in comparison["scene_source"] for comparison in found)


@pytest.mark.parametrize("where", ["test-mix", "test-mix/sharp"])
def test_a_split_and_its_sharp_pictures_are_scored_as_the_dataset_that_they_lie_in(cli, mixed, preds, where):
    whole = cli("score", preds, mixed.path, "--split", "test-mix", "--json", "-", "--quiet")
    part = cli("score", preds / "test-mix", mixed.path / where, "--json", "-", "--quiet")
    assert (part.code, part.out) == (0, whole.out)
    assert cli("score", preds, mixed.path / where, "--split", "test-mix").code == 2
    inside = cli("score", preds, mixed.path / where, "--csv", mixed.path / "train" / "x.csv")
    assert inside.code == 2
    assert "lies inside" in inside.err


def test_folders_within_a_dataset_are_folders_where_others_are_meant(cli, mixed, preds, tmp_path):
    sharp = mixed.path / "test-mix" / "sharp"
    beside = cli("score", preds / "test-mix", sharp, "--blur", sharp.parent / "blur", "--quiet")
    assert "by family" in beside.out
    elsewhere = cli("score", preds / "test-mix", sharp, "--blur", preds / "test-mix", "--quiet")
    assert "gain" in elsewhere.out
    assert "family" not in elsewhere.out
    assert "the same folder" in cli("score", sharp, sharp).err
    (tmp_path / "dataset.json").write_text("somebody else's")
    for side in (sharp, preds / "test-mix"):
        shutil.copytree(side, tmp_path / "test" / (side.name if side is sharp else "preds"))
    assert cli("score", tmp_path / "test" / "preds", tmp_path / "test" / "sharp", "--quiet").code == 0
