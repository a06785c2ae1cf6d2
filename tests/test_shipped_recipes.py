"""The recipes that ship: each reads, has its card, and builds from pictures of the kind that it asks for."""

import cv2
import numpy as np
import pytest
from conftest import ROOT, noise, write_bmp

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.paths import find_recipes, recipe_file
from deblurbench.sources.deadleaves import draw

SHIPPED = sorted(p.parent.name for p in (ROOT / "datasets").glob("*/recipe.toml"))


def test_these_ship():
    assert set(SHIPPED) == {
        "starter", "gnr638", "pexels-128", "gopro", "gopro-256-npy", "gir-256", "gopro-style", "shake-mix",
        "swift", "swift-general",
    }  # fmt: skip
    assert set(find_recipes()) >= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_reads_and_says_what_is_known_and_what_is_our_choice(name):
    recipe = read_recipe(recipe_file(name))
    assert recipe.name == name
    card = (ROOT / "datasets" / name / "card.md").read_text()
    assert card.startswith(f"# {name}\n")
    for word in ("**Known.**", "**Our choice.**", "**Mind."):
        assert word in card
    for split in recipe.splits:
        lights = {blur.light for blur in recipe.open_blurs(split)}
        assert lights <= {"stored", "srgb", "gamma-2.2"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """20 scenes of two 448x256 pictures."""
    root = tmp_path_factory.mktemp("scenes")
    for scene in range(20):
        for frame in range(2):
            file = root / f"{scene:03d}" / f"{frame:08d}.png"
            file.parent.mkdir(exist_ok=True)
            write_png(file, noise(32, 56, seed=2 * scene + frame).repeat(8, axis=0).repeat(8, axis=1))
    return root


def test_gnr638_is_what_opencv_makes(scenes, tmp_path):
    plan = make_plan(read_recipe(recipe_file("gnr638")), scenes)
    built = build(plan, tmp_path / "out", workers=2, quiet=True)
    assert sum(built.splits.values()) == 40
    taps = {"train": {(3, 0.3), (7, 1.0), (11, 1.6)}, "val": {(3, 0.3), (7, 1.0), (11, 1.6)}, "test-g1.2": {(9, 1.2)}}
    by_scene = {}
    for record in built.records():
        size, sigma = record.blur["size"], record.blur["sigma"]
        assert (size, sigma) in taps[record.split]
        sharp, blurred = built.read(record, "sharp"), built.read(record, "blur")
        assert np.array_equal(blurred, cv2.GaussianBlur(sharp, (size, size), sigma))
        assert sharp.shape == (256, 448, 3)
        by_scene.setdefault(record.scene, set()).add(record.split)
    assert all(len(splits) == 1 for splits in by_scene.values()), "a scene was parted"
    assert len(by_scene) == 20
    originals = {f.read_bytes(): f for f in scenes.rglob("*.png")}
    assert len(originals) == 40
    kept = {read_rgb(f).tobytes() for f in scenes.rglob("*.png")}
    assert all(built.read(r, "sharp").tobytes() in kept for r in built.records()), "448x256 was resized"


def test_gnr638_on_real_photographs(shared, tmp_path):
    for i, file in enumerate(sorted((shared / "photos" / "test").glob("*.png"))[:20]):
        (tmp_path / "photos" / f"{i:03d}").mkdir(parents=True)
        (tmp_path / "photos" / f"{i:03d}" / "0.png").symlink_to(file)
    plan = make_plan(read_recipe(recipe_file("gnr638")), tmp_path / "photos")
    built = build(plan, tmp_path / "out", quiet=True)
    assert built.splits["test-g1.2"] > 0
    for record in built.records("test-g1.2"):
        blurred = cv2.GaussianBlur(built.read(record, "sharp"), (9, 9), 1.2)
        assert np.array_equal(built.read(record, "blur"), blurred)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Thirty drawn photos of 600x560."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(30):
        write_bmp(root / f"p{i}.bmp", draw(4, i, 140, 150).repeat(4, axis=0).repeat(4, axis=1))
    return root


@pytest.mark.parametrize("name", ["gir-256", "pexels-128", "shake-mix"])
def test_recipes_for_photos(photos, tmp_path, name, cli):
    result = cli("build-dataset", name, "--photos", photos, "--out", tmp_path / "out", "--workers", 2)
    assert result.code == 0, result.err
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []
    if name == "pexels-128":
        assert "shortfall: train has" in result.err
        assert "of the 21,000 pairs" in result.err
    assert "leak" not in result.err
    assert "Warning" not in result.err
    assert f"# {name}" in (tmp_path / "out" / "README.md").read_text()


def test_the_tiles_of_gir_256_go_together_again(photos, tmp_path, cli):
    out = tmp_path / "out"
    assert cli("build-dataset", "gir-256", "--photos", photos, "--out", out, "--quiet").code == 0
    result = cli("stitch", out, "test-motion", out / "test-motion" / "sharp", tmp_path / "whole")
    assert result.code == 0, result.err
    wholes = sorted((tmp_path / "whole").glob("*.png"))
    assert wholes
    originals = {p.stem: p for p in photos.glob("*.bmp")}
    for whole in wholes:
        assert np.array_equal(read_rgb(whole), read_rgb(originals[whole.name.partition("-")[0]]))
    refused = cli("stitch", out, "train", out / "train" / "sharp", tmp_path / "w2")
    assert refused.code == 2
    assert "was not cut by a grid" in refused.err


@pytest.fixture
def gopro_large(tmp_path):
    for split, sequence in (("train", "GOPR0372_07_00"), ("test", "GOPR0384_11_00")):
        for kind in ("blur", "blur_gamma", "sharp"):
            folder = tmp_path / "GOPRO_Large" / split / sequence / kind
            folder.mkdir(parents=True)
            for i in range(2):
                write_png(folder / f"{i:06d}.png", noise(36, 64, seed=len(kind) + i + len(split)))
    return tmp_path / "GOPRO_Large"


def test_gopro_keeps_its_split_and_its_pixels(gopro_large, tmp_path, cli):
    result = cli("build-dataset", "gopro", "--photos", gopro_large, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    assert "shortfall: train has 2 of the 2,103 pairs" in result.err
    for kind, side in (("blur_gamma", "blur"), ("sharp", "sharp")):
        for split in ("train", "test"):
            theirs = {read_rgb(p).tobytes() for p in gopro_large.glob(f"{split}/*/{kind}/*.png")}
            ours = {read_rgb(p).tobytes() for p in (tmp_path / "out" / split / side).glob("*.png")}
            assert ours == theirs


def test_gopro_256_npy(gopro_large, tmp_path, cli):
    result = cli("build-dataset", "gopro-256-npy", "--photos", gopro_large, "--out", tmp_path / "out", "--quiet")
    assert result.code == 0, result.err
    arrays = [np.load(p) for p in (tmp_path / "out").rglob("*.npy")]
    assert len(arrays) == 8
    assert {(a.shape, a.dtype.name) for a in arrays} == {((256, 256, 3), "uint8")}
    assert "The resize changes the task" in (tmp_path / "out" / "README.md").read_text()


def test_gopro_style_from_real_frames(shared, tmp_path, cli):
    """`blur` is exactly (2 * sum + n) // (2 n), and the folders are GoPro's."""
    frames = shared / "frames"
    result = cli("build-dataset", "gopro-style", "--photos", frames, "--out", tmp_path / "out", "--workers", 2)
    assert result.code == 0, result.err
    sequences = [p for p in (tmp_path / "out").glob("t*/*") if p.is_dir()]
    assert {p.name[:-6] for p in sequences} == {"reds027_x4_sharp", "sam2_coffee_30fps", "sam2_juggle_24fps"}
    for sequence in sequences:
        count = int(sequence.name[-5:-3])
        assert 7 <= count <= 13
        source = sorted((frames / sequence.name[:-6]).glob("*.png"))
        names = sorted(p.name for p in (sequence / "sharp").iterdir())
        assert names == sorted(p.name for p in (sequence / "blur").iterdir())
        assert names == sorted(p.name for p in (sequence / "blur_gamma").iterdir())
        assert len(names) == len(source) // count
        for k, name in enumerate(names):
            window = np.stack([read_rgb(p) for p in source[k * count : (k + 1) * count]]).astype(np.int64)
            assert np.array_equal(read_rgb(sequence / "sharp" / name), window[count // 2])
            assert np.array_equal(read_rgb(sequence / "blur" / name), (2 * window.sum(axis=0) + count) // (2 * count))
            ideal = 255 * ((window / 255) ** 2.2).mean(axis=0) ** (1 / 2.2)
            gamma = read_rgb(sequence / "blur_gamma" / name)
            assert np.abs(gamma - ideal).max() < 0.51
