"""Published datasets' layouts: pairs by name, what is wrong is named, the true root is found."""

import os
import shutil
import string

import cv2
import numpy as np
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st
from layout_kit import TREES, custom_test, dpdd, gopro, hide, levin, put, realblur, reds, rsblur
from PIL import Image

from deblurbench.errors import PictureError, UsageError
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.sources.layouts.dpdd_names import official_targets
from deblurbench.sources.layouts.find import LAYOUTS, find_pairs, layout_named, variant_named
from deblurbench.sources.layouts.read import bits_per_sample, read_picture


def found(name, root, variant=""):
    return find_pairs(LAYOUTS[name], root, variant)


def sides(found):
    return {(p.split, p.name, p.scene, p.sharp, p.blur) for p in found.pairs}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_tree_is_found_whole(tmp_path, name):
    result = found(name, TREES[name](tmp_path / "tree"))
    assert result.pairs
    assert not result.problems
    assert result.published == LAYOUTS[name].published
    for pair in result.pairs:
        assert (tmp_path / "tree" / pair.sharp).is_file()
        assert (tmp_path / "tree" / pair.blur).is_file()
    names = [(p.split, p.name) for p in result.pairs]
    assert names == sorted(set(names))


def test_published_counts_are_those_of_the_papers():
    totals = {name: sum(layout.published.values()) for name, layout in LAYOUTS.items()}
    assert totals == {
        "gopro": 3214,
        "reds": 27000,
        "hide": 8422,
        "realblur-j": 4738,
        "realblur-r": 4738,
        "rsblur": 13358,
        "dpdd": 500,
        "levin": 32,
        "custom-test": 150,
    }


def test_gopro(tmp_path):
    root = gopro(tmp_path)
    result = found("gopro", root, "blur_gamma")
    assert ("train", "GOPR0372_07_00-000047", "GOPR0372_07_00") in {s[:3] for s in sides(result)}
    assert {p.scene: p.facts for p in result.pairs} == {
        "GOPR0372_07_00": {"frames": 7},
        "GOPR0384_11_00": {"frames": 11},
    }
    assert all("/blur_gamma/" in p.blur for p in result.pairs)
    assert all("/blur/" in p.blur for p in found("gopro", root).pairs)


@pytest.mark.parametrize(("there", "asked"), [("blur", "blur_gamma"), ("blur_gamma", "blur"), ("blur_gamma", "")])
def test_gopro_never_takes_one_variant_for_the_other(tmp_path, there, asked):
    root = gopro(tmp_path, variants=(there,))
    with pytest.raises(UsageError, match=f"only `{there}`") as error:
        found("gopro", root, asked)
    assert f"--variant {there}" in error.value.hint


def test_gopro_of_unknown_sequence_names_has_no_frame_count(tmp_path):
    root = put(tmp_path, "train/car/sharp/1.png", "train/car/blur/1.png")
    result = found("gopro", root)
    assert [dict(p.facts) for p in result.pairs] == [{}]
    assert "GOPRxxxx_yy_zz" in result.notes[0]


def compare(root, variant="blur"):
    return LAYOUTS["gopro"].compare(root, found("gopro", root, variant).pairs, variant)


@pytest.mark.parametrize("variant", ["blur", "blur_gamma"])
def test_gopro_variants_are_compared_with_numbers(tmp_path, variant):
    root = gopro(tmp_path)
    assert compare(root, variant) == []
    for sequence in root.glob("*/*"):  # swap them
        (sequence / "blur").rename(sequence / "x")
        (sequence / "blur_gamma").rename(sequence / "blur")
        (sequence / "x").rename(sequence / "blur_gamma")
    assert "20.00 grey levels darker" in compare(root, variant)[0]
    assert "swapped" in compare(root, variant)[0]
    for sequence in root.glob("*/*"):  # copy one over the other
        shutil.rmtree(sequence / "blur")
        shutil.copytree(sequence / "blur_gamma", sequence / "blur")
    assert "are the same picture" in compare(root, variant)[0]


def test_gopro_of_one_variant_has_nothing_to_compare(tmp_path):
    assert compare(gopro(tmp_path, variants=("blur",))) == []


def test_reds(tmp_path):
    root = reds(tmp_path)
    result = found("reds", root)
    assert [(p.split, p.name, p.scene) for p in result.pairs][-1] == ("val", "000-00000001", "val-000")
    assert len(result.pairs) == 6
    assert any("test/test_blur" in note and "left out" in note for note in result.notes)
    assert [p.sharp for p in found("reds", root, "blur_bicubic").pairs] == ["val/val_sharp_bicubic/X4/000/00000000.png"]
    assert all("_blur_comp/" in p.blur for p in found("reds", root, "blur_comp").pairs)
    with pytest.raises(UsageError, match="no `blur_jpeg` frames, only `blur`, `blur_comp`, `blur_bicubic`"):
        found("reds", root, "blur_jpeg")


def test_reds_unpacked_without_the_outer_folder(tmp_path):
    root = put(tmp_path, "train_sharp/239/00000099.png", "train_blur/239/00000099.png")
    assert [p.name for p in found("reds", root).pairs] == ["239-00000099"]


def test_reds_with_jpeg_on_one_side(tmp_path):
    root = put(tmp_path, "val/val_sharp/000/00000000.png", "val/val_blur_jpeg/000/00000000.jpg")
    assert [p.blur for p in found("reds", root, "blur_jpeg").pairs] == ["val/val_blur_jpeg/000/00000000.jpg"]


def test_reds_half_a_split_is_a_problem(tmp_path):
    root = reds(tmp_path)
    shutil.rmtree(root / "val" / "val_sharp")
    assert found("reds", root).problems == ("val/val_blur is there, but no val_sharp",)


def test_hide(tmp_path):
    root = hide(tmp_path)
    pairs = {p.name: p for p in found("hide", root).pairs}
    assert {name: (p.split, p.scene, p.facts) for name, p in pairs.items()} == {
        "1fromGOPR1096": ("train", "GOPR1096", {}),
        "3fromGOPR0950": ("test", "GOPR0950", {"shot": "close-up"}),
        "9fromGOPR1087": ("test", "GOPR1087", {"shot": "long-shot"}),
    }
    (root / "GT" / "9fromGOPR1087.MP4.png").rename(root / "GT" / "9fromGOPR1087.png")  # some copies have it so
    assert found("hide", root).problems == ()
    put(root, "test/test-close-ups/1fromGOPR1096.png", "GT/5fromGOPR1096.png")
    assert len(found("hide", root).problems) == 2


@pytest.mark.parametrize("kind", ["J", "R"])
def test_realblur(tmp_path, kind):
    root = realblur(tmp_path, kind)
    result = found(f"realblur-{kind.lower()}", root)
    assert [(p.split, p.name, p.scene) for p in result.pairs] == [
        ("test", "scene230-10", "scene230"),
        ("test", "scene230-2", "scene230"),
        ("train", "scene183-10", "scene183"),
        ("train", "scene183-2", "scene183"),
    ]
    assert all(p.sharp.endswith(p.blur.rsplit("_", 1)[1]) for p in result.pairs)


def test_realblur_from_the_folder_of_pictures_itself(tmp_path):
    root = next(realblur(tmp_path).glob("RealBlur-J*/"))
    assert len(found("realblur-j", root).pairs) == 4
    assert all(p.sharp.startswith("scene") for p in found("realblur-j", root).pairs)


def test_realblur_lists(tmp_path):
    root = realblur(tmp_path)
    extra = put(next(root.glob("RealBlur-J*/")), "scene001/gt/gt_1.png", "scene001/blur/blur_1.png")
    assert "2 pictures are in no list" in found("realblur-j", root).notes[0]
    (extra / "scene183" / "blur" / "blur_2.png").unlink()
    with (root / "RealBlur_J_test_list.txt").open("a") as file:
        file.write("\none\n/etc/hosts ../hosts\n")
        file.write(f"{extra.name}/scene230/gt/gt_2.png {extra.name}/scene230/blur/blur_10.png\n")
        file.write(f"{extra.name}/scene001/gt/gt_1.png {extra.name}/scene183/blur/blur_10.png\n")
    problems = found("realblur-j", root).problems
    assert f"{extra.name}/scene183/blur/blur_2.png (RealBlur_J_train_list.txt:1) is not there" in problems
    assert "RealBlur_J_test_list.txt:3 is no line of two paths" in problems
    assert "/etc/hosts (RealBlur_J_test_list.txt:4) is not there" in problems
    assert "../hosts (RealBlur_J_test_list.txt:4) is not there" in problems
    assert sum("listed twice" in p for p in problems) == 2
    (root / "RealBlur_J_train_list.txt").unlink()
    assert "no RealBlur_J_train_list.txt: the train pairs are not known" in found("realblur-j", root).problems
    (root / "RealBlur_J_test_list.txt").unlink()
    with pytest.raises(UsageError, match="no list of its splits"):
        found("realblur-j", root)


def test_realblur_line_that_pairs_two_numbers(tmp_path):
    root = realblur(tmp_path)
    file = root / "RealBlur_J_test_list.txt"
    file.write_text(
        file.read_text().replace("blur_2.", "blur_x.").replace("blur_10.", "blur_2.").replace("blur_x.", "blur_10.")
    )
    problems = found("realblur-j", root).problems
    assert len(problems) == 2
    assert all("are not sceneNNN/gt/gt_N" in p for p in problems)


def test_rsblur(tmp_path):
    root = rsblur(tmp_path)
    result = found("rsblur", root)
    assert {(p.split, p.name, p.scene) for p in result.pairs} >= {
        ("test", "0001-000022", "0001-001"),
        ("val", "0001-000042", "0001-002"),
        ("train", "0001-000123", "0001-006"),
    }
    assert all("/real_blur/" in p.blur for p in result.pairs)
    assert all("/avg65_img/avg_blur.png" in p.blur for p in found("rsblur", root, "avg65_img").pairs)


def test_dpdd_pairs_by_the_official_names(tmp_path):
    root = dpdd(tmp_path)
    assert {(p.split, p.sharp[-8:-4], p.blur[-8:-4]) for p in found("dpdd", root).pairs} == {
        ("train", "0891", "0890"),
        ("train", "0893", "0892"),
        ("val", "0982", "0983"),
        ("test", "0916", "0917"),
    }
    assert all("_l/source/" in p.blur and "_c/target/" in p.sharp for p in found("dpdd", root, "l").pairs)
    with pytest.raises(UsageError, match="no `r` pictures"):
        found("dpdd", root, "r")
    (root / "train_c" / "target" / "1P0A0891.png").unlink()  # 0890 lost its picture: 0892 must keep its own
    result = found("dpdd", root)
    assert result.problems == ("train_c/source/1P0A0890.png has no sharp counterpart",)
    assert ("train_c/target/1P0A0893.png", "train_c/source/1P0A0892.png") in {(p.sharp, p.blur) for p in result.pairs}


def test_dpdd_copy_with_one_name_for_both(tmp_path):
    root = put(tmp_path, *(f"test_c/{side}/{n}.png" for side in ("source", "target") for n in ("1P0A0917", "office")))
    result = found("dpdd", root)
    assert {(p.name, p.sharp[-12:]) for p in result.pairs} == {("1P0A0917", "1P0A0917.png"), ("office", "t/office.png")}
    assert not result.problems
    assert "office.png is not in the official list" in result.notes[0]


def test_dpdd_names():
    splits = {split: official_targets(split) for split in ("train", "val", "test")}
    assert {split: len(names) for split, names in splits.items()} == {"train": 350, "val": 74, "test": 76}
    numbers = [n for names in splits.values() for pair in names.items() for n in pair]
    assert len(set(numbers)) == 1000  # no picture has two roles
    for names in splits.values():  # the authors' code sorts both sides and pairs by position: the same pairs
        assert list(zip(sorted(names), sorted(names.values()), strict=True)) == sorted(names.items())


def test_levin(tmp_path):
    result = found("levin", levin(tmp_path / "a"))
    assert {(p.name, p.scene, p.facts["kernel"], p.sharp) for p in result.pairs} == {
        (f"im{i}-k{k}", f"im{i}", k, f"gt/im{i}.png") for i in (1, 2) for k in (1, 8)
    }
    other = put(tmp_path / "b", "im1_sharp.png", "im1_k2_blur.png", "im3_k2_blur.png", "im4_sharp.png", "cat.png")
    result = found("levin", other)
    assert [p.name for p in result.pairs] == ["im1-k2"]
    assert [p.split()[0] for p in result.problems] == ["cat.png", "im3_k2_blur.png", "im4_sharp.png"]


def test_custom_test(tmp_path):
    assert {(p.name, p.scene) for p in found("custom-test", custom_test(tmp_path / "flat")).pairs} == {
        ("02800000071", "028"),
        ("00600000043", "006"),
    }
    tree = put(tmp_path / "tree", *(f"{side}/028/{n}.png" for side in ("blur", "sharp") for n in ("1", "2")))
    assert {(p.name, p.scene) for p in found("custom-test", tree).pairs} == {("028-1", "028"), ("028-2", "028")}


# Wrong trees


def test_missing_and_extra_files_are_named(tmp_path):
    root = gopro(tmp_path)
    scene = root / "train" / "GOPR0372_07_00"
    (scene / "sharp" / "000047.png").unlink()
    put(scene, "sharp/000099.png")
    result = found("gopro", root)
    assert result.problems == (
        "train/GOPR0372_07_00/sharp/000099.png has no blurred counterpart",
        "train/GOPR0372_07_00/blur/000047.png has no sharp counterpart",
    )
    assert len(result.pairs) == 3
    shutil.rmtree(scene / "blur")
    assert found("gopro", root).problems == ("train/GOPR0372_07_00/blur/, the blurred pictures, is not there",)


def test_pairs_are_never_made_by_order(tmp_path):
    """As many sharp as blurred, shifted by one: order would pair them all, and wrongly."""
    names = [f"sharp/{i}.png" for i in range(5)] + [f"blur/{i}.png" for i in range(1, 6)]
    result = found("custom-test", put(tmp_path, *names))
    assert [(p.sharp[-5], p.blur[-5]) for p in result.pairs] == [(str(i), str(i)) for i in range(1, 5)]
    assert len(result.problems) == 2


def test_case_suffixes_and_strays(tmp_path):
    root = put(tmp_path, "sharp/a.png", "blur/a.PNG", "sharp/B.png", "blur/b.png", "sharp/._a.png", "sharp/c.jpg")
    put(root, "sharp/c.png", "blur/c.png")
    (root / "sharp" / "Thumbs.db").write_bytes(b"x")
    result = found("custom-test", root)
    assert [(p.sharp, p.blur) for p in result.pairs] == [("sharp/a.png", "blur/a.PNG")]
    assert "sharp/c.jpg and sharp/c.png have one name (c): keep one of them" in result.problems
    assert "sharp/B.png has no blurred counterpart (there is one that differs in case: b)" in result.problems


def test_links_are_followed_and_broken_ones_named(tmp_path):
    true = gopro(tmp_path / "true")
    (tmp_path / "link").symlink_to(true)
    assert sides(found("gopro", tmp_path / "link")) == sides(found("gopro", true))
    sharp = true / "test" / "GOPR0384_11_00" / "sharp"
    (sharp / "000047.png").unlink()
    (sharp / "000047.png").symlink_to(tmp_path / "nowhere")
    assert found("gopro", true).problems[0] == "test/GOPR0384_11_00/sharp/000047.png is a link to nothing"


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are Unicode there")
def test_names_that_are_no_unicode_are_problems(tmp_path):
    root = custom_test(tmp_path)
    os.rename(root / "blur" / "02800000071.png", os.fsencode(root / "blur") + b"/\xff.png")
    problems = found("custom-test", root).problems
    assert any("cannot be written down" in p for p in problems)


@pytest.mark.parametrize("name", ["gopro", "hide", "dpdd", "reds", "levin"])
def test_a_parent_or_a_child_is_told_the_true_root(tmp_path, name):
    root = TREES[name](tmp_path / "unpacked" / "data" / "tree")
    with pytest.raises(UsageError) as error:
        found(name, root.parent)
    assert error.value.hint == f"it seems to be {root}: give that"
    with pytest.raises(UsageError) as error:
        found(name, root.parent.parent)
    assert error.value.hint == f"it seems to be {root}: give that"
    inner = next(p for p in sorted(root.rglob("*")) if p.is_dir() and not any(q.is_dir() for q in p.iterdir()))
    with pytest.raises(UsageError) as error:
        found(name, inner)
    assert error.value.hint.startswith(f"it seems to be {root}")


def test_another_dataset_and_another_case_are_recognised(tmp_path):
    with pytest.raises(UsageError) as error:
        found("hide", gopro(tmp_path / "a"))
    assert "it looks like GOPRO_Large" in error.value.hint
    put(tmp_path / "b", "Train/GOPR0372_07_00/Sharp/000001.png")
    with pytest.raises(UsageError) as error:
        found("gopro", tmp_path / "b")
    assert "unlike Train" in error.value.hint


@pytest.mark.parametrize("name", LAYOUTS)
def test_nothing_and_emptiness_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="no folder"):
        found(name, tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="no folder"):
        found(name, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="does not look like") as error:
        found(name, tmp_path / "empty")
    assert LAYOUTS[name].tree in error.value.hint


def test_folders_without_pictures_are_refused(tmp_path):
    for side in ("sharp", "blur"):
        (tmp_path / side).mkdir()
    with pytest.raises(UsageError, match="holds no pair"):
        found("custom-test", tmp_path)


def test_names():
    assert layout_named("RealBlur_J").name == "realblur-j"
    assert layout_named("custom_test").name == "custom-test"
    with pytest.raises(UsageError, match="did you mean 'gopro'"):
        layout_named("goprp")
    with pytest.raises(UsageError, match="did you mean 'blur_gamma'"):
        variant_named(LAYOUTS["gopro"], "blur_gama")


@given(st.sets(st.text(string.ascii_letters + string.digits + "_- ", min_size=1, max_size=8), max_size=8), st.data())
def test_matching_is_the_intersection_of_the_names(tmp_path_factory, names, data):
    blurred = data.draw(st.sets(st.sampled_from(sorted(names) or ["x"]))) | {"always"}
    root = tmp_path_factory.mktemp("names")
    for side, some in (("sharp", names | {"always"}), ("blur", blurred)):
        (root / side).mkdir()
        for name in some:
            (root / side / f"{name}.png").touch()
    result = found("custom-test", root)
    both = (names | {"always"}) & blurred
    assert {p.sharp for p in result.pairs} == {f"sharp/{name}.png" for name in both}
    assert all(p.sharp.removeprefix("sharp") == p.blur.removeprefix("blur") for p in result.pairs)
    assert len(result.problems) == len((names | {"always"}) ^ blurred)


# Reading


def test_16_bits_become_8_by_the_stated_rule(tmp_path):
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rgb = np.stack([levels, levels[::-1], levels[:, ::-1]], axis=2)
    for name in ("a.png", "a.tif"):
        cv2.imwrite(str(tmp_path / name), rgb[:, :, ::-1])
        assert bits_per_sample(tmp_path / name) == 16
        picture = read_picture(tmp_path / name, sixteen_bit=True)
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, np.rint(rgb / 65535 * 255))  # no tie: 65535 is odd
        with pytest.raises(PictureError, match="more than 8 bits"):
            read_picture(tmp_path / name)
    cv2.imwrite(str(tmp_path / "grey.png"), levels)
    assert np.array_equal(read_picture(tmp_path / "grey.png", sixteen_bit=True)[:, :, 1], np.rint(levels / 257))
    cv2.imwrite(str(tmp_path / "alpha.png"), np.dstack([rgb, levels]))
    with pytest.raises(PictureError, match="4 channels"):
        read_picture(tmp_path / "alpha.png", sixteen_bit=True)


def test_8_bits_stay_as_they_are(tmp_path):
    write_png(tmp_path / "a.png", noise(6, 8))
    assert np.array_equal(read_picture(tmp_path / "a.png", sixteen_bit=True), read_rgb(tmp_path / "a.png"))
    Image.fromarray(noise(6, 8, None)).save(tmp_path / "grey.png")
    grey = read_picture(tmp_path / "grey.png")
    assert grey.shape == (6, 8, 3)
    assert np.array_equal(grey[:, :, 0], grey[:, :, 2])
    Image.fromarray(noise(6, 8)).save(tmp_path / "a.tif")
    assert bits_per_sample(tmp_path / "a.tif") == 8


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"II*\0", b"\x89PNG\r\n\x1a\n" + b"\0" * 16 + b"\x10"])
def test_damaged_files_are_picture_errors(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    for sixteen in (False, True):
        with pytest.raises(PictureError, match=r"a\.png"):
            read_picture(tmp_path / "a.png", sixteen_bit=sixteen)
    with pytest.raises(PictureError, match="does not exist"):
        read_picture(tmp_path / "b.png")


# Real pictures


def test_real_samples_in_true_trees(shared, tmp_path):
    """GoPro, REDS and Levin samples, linked into the trees that they come from."""
    samples = shared / "real_blur_pairs"
    for file in sorted((samples / "gopro").glob("*_*.png")):
        number, side = file.stem.split("_")
        link(file, tmp_path / "gopro" / "test" / "GOPR0384_11_00" / side / f"0000{number[2:]}.png")
    for file in sorted((samples / "reds_small").glob("train*.png")):
        scene, frame, side = file.stem.removeprefix("train").split("_")
        link(file, tmp_path / "reds" / "train" / f"train_{side}" / scene / f"00000{frame}.png")
    assert len(found("gopro", tmp_path / "gopro").pairs) == 3
    assert len(found("reds", tmp_path / "reds").pairs) == 8
    assert len(found("levin", samples / "levin_grey").pairs) == 32
    assert not found("levin", samples / "levin_grey").problems
    for name, root in (("gopro", tmp_path / "gopro"), ("reds", tmp_path / "reds"), ("levin", samples / "levin_grey")):
        for pair in found(name, root).pairs:  # a blurred picture is smoother than the sharp one that it is paired with
            assert roughness(root / pair.blur) < roughness(root / pair.sharp)


def link(file, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(file)


def roughness(file):
    picture = read_picture(file).astype(np.int64)
    return np.abs(np.diff(picture, axis=0)).mean() + np.abs(np.diff(picture, axis=1)).mean()
