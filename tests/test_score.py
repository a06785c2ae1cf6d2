"""`score`: the number of the course's loop on any 8-bit folder, and one clear line for everything else."""

import csv
import json
import math
import shutil

import numpy as np
import pytest
from conftest import noise
from PIL import Image
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio


def near(array, seed=1):
    """A picture a few grey levels away."""
    return np.clip(
        array.astype(int) + noise(*array.shape[:2], None, seed)[..., *[None] * (array.ndim - 2)] % 9, 0, 255
    ).astype(np.uint8)


def save(file, array, mode=None, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(file, **options)


@pytest.fixture
def folders(tmp_path):
    """Three pairs of RGB PNG files."""
    for i in range(3):
        sharp = noise(24, 31, seed=i)
        save(tmp_path / "sharp" / f"{i}.png", sharp)
        save(tmp_path / "preds" / f"{i}.png", near(sharp))
    return tmp_path / "preds", tmp_path / "sharp"


def course_loop(preds, sharp):
    """What the course's script does, file by file."""
    names = sorted(p.name for p in sharp.iterdir())
    return sum(peak_signal_noise_ratio(imread(sharp / n), imread(preds / n)) for n in names) / len(names)


def scored(cli, *args):
    result = cli("score", *args, "--quiet", "--json", "-")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_the_mean_is_that_of_the_courses_loop(cli, tmp_path):
    """RGB, grey, alpha, CMYK, palette, turned by EXIF; PNG, JPEG, WebP, TIFF, BMP."""
    preds, sharp = tmp_path / "preds", tmp_path / "sharp"
    rgb, grey, alpha = noise(30, 41), noise(30, 41, None), noise(30, 41, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    for folder, change in ((sharp, lambda a: a), (preds, near)):
        save(folder / "rgb.png", change(rgb))
        save(folder / "grey.png", change(grey))
        save(folder / "grey_alpha.png", change(alpha), "LA")
        save(folder / "alpha.png", change(alpha))
        save(folder / "palette.png", change(rgb), "P")
        save(folder / "turned.jpg", change(rgb), exif=exif, quality=95)
        save(folder / "cmyk.jpg", change(rgb), "CMYK", quality=95)
        save(folder / "grey.jpg", change(grey), quality=90)
        save(folder / "rgb.webp", change(rgb), lossless=True)
        save(folder / "alpha.webp", change(alpha), lossless=True)
        save(folder / "rgb.tif", change(rgb))
        save(folder / "cmyk.tiff", change(rgb), "CMYK")
        save(folder / "rgb.bmp", change(rgb))
        save(folder / "RGB2.JPEG", change(rgb), format="JPEG")
    assert imread(sharp / "cmyk.jpg").shape == (30, 41, 4)
    assert imread(sharp / "turned.jpg").shape == (30, 41, 3)
    result = scored(cli, preds, sharp)
    assert result["schema"] == 1
    assert result["n"] == 14
    (protocol,) = result["protocols"]
    assert protocol["id"] == "gnr638-eval@1"
    assert protocol["mean"]["psnr_db"] == pytest.approx(course_loop(preds, sharp), abs=1e-9)
    assert protocol["added"] == ["ssim"]
    assert [i["name"] for i in protocol["images"]] == sorted(p.name for p in sharp.iterdir())


def test_equal_pictures_are_infinite_and_so_is_the_mean(cli, folders):
    preds, sharp = folders
    shutil.copy(sharp / "1.png", preds / "1.png")
    (protocol,) = scored(cli, preds, sharp)["protocols"]
    assert [i["psnr_db"] == "inf" for i in protocol["images"]] == [False, True, False]
    assert protocol["mean"]["psnr_db"] == "inf"
    assert "inf" in cli("score", preds, sharp).out


def test_an_infinite_loss_is_no_infinite_gain(cli, folders, tmp_path):
    preds, sharp = folders
    shutil.copytree(sharp, tmp_path / "blur")
    (protocol,) = scored(cli, preds, sharp, "--blur", tmp_path / "blur")["protocols"]
    assert (protocol["blurred_mean"]["psnr_db"], protocol["gain"]["psnr_db"]) == ("inf", "-inf")


def test_predictions_nearer_to_the_blur_are_named_one_by_one(cli, tmp_path):
    for i, weight in enumerate((0.2, 0.8, 0.4, 0.9)):
        sharp, blur = noise(60, 70, seed=i), noise(60, 70, seed=9)
        save(tmp_path / "s" / f"{i}.png", sharp)
        save(tmp_path / "b" / f"{i}.png", blur)
        save(tmp_path / "p" / f"{i}.png", np.rint(weight * sharp + (1 - weight) * blur).astype(np.uint8))
    folders = tmp_path / "p", tmp_path / "s", "--blur", tmp_path / "b"
    assert scored(cli, *folders)["nearer_blur"] == ["0.png", "2.png"]
    assert (
        "nearer to the blurred picture than to the sharp one: 2 of 4 predictions: 0.png, 2.png"
        in cli("score", *folders).out
    )
    assert "nearer_blur" not in scored(cli, *folders[:2])
    assert scored(cli, tmp_path / "s", tmp_path / "p", "--blur", tmp_path / "b")["nearer_blur"] == []


def test_csv_holds_every_digit(cli, folders, tmp_path):
    preds, sharp = folders
    (protocol,) = scored(cli, preds, sharp, "--csv", tmp_path / "new" / "s.csv")["protocols"]
    rows = list(csv.DictReader((tmp_path / "new" / "s.csv").read_text().splitlines()))
    assert [(r["name"], float(r["psnr_db"]), float(r["ssim"])) for r in rows] == [
        (i["name"], i["psnr_db"], i["ssim"]) for i in protocol["images"]
    ]
    assert {r["protocol"] for r in rows} == {"gnr638-eval@1"}


def test_ssim_is_left_out_where_it_is_not_defined(cli, tmp_path):
    save(tmp_path / "s" / "a.png", noise(8, 40))
    save(tmp_path / "p" / "a.png", near(noise(8, 40)))
    (protocol,) = scored(cli, tmp_path / "p", tmp_path / "s")["protocols"]
    assert protocol["mean"].keys() == {"psnr_db"}


def test_pairs_are_matched_by_name_and_never_by_order(cli, folders):
    preds, sharp = folders
    (preds / "0.png").rename(preds / "0.bmp")  # the suffix may differ
    whole = scored(cli, preds, sharp)
    assert whole["n"] == 3
    (preds / "0.bmp").rename(preds / "zebra.png")
    result = cli("score", preds, sharp, "--quiet")
    assert result.code == 1
    assert "0.png: the prediction is missing" in result.err
    assert "no sharp picture for zebra.png" in result.err


def test_scenes_in_subfolders(cli, tmp_path):
    for scene in ("a", "b"):
        save(tmp_path / "s" / scene / "0.png", noise(12, 12))
        save(tmp_path / "p" / scene / "0.png", near(noise(12, 12)))
    (protocol,) = scored(cli, tmp_path / "p", tmp_path / "s")["protocols"]
    assert [i["name"] for i in protocol["images"]] == ["a/0.png", "b/0.png"]


def _missing(preds):
    (preds / "1.png").unlink()


def _corrupt(preds):
    (preds / "1.png").write_bytes((preds / "1.png").read_bytes()[:100])


def _empty_file(preds):
    (preds / "1.png").write_bytes(b"")


def _other_size(preds):
    save(preds / "1.png", noise(24, 32))


def _grey(preds):
    save(preds / "1.png", noise(24, 31, None))


def _alpha(preds):
    save(preds / "1.png", noise(24, 31, 4))


def _one_bit(preds):
    save(preds / "1.png", noise(24, 31, None), "1")


def _sixteen_bit(preds):
    save(preds / "1.png", noise(24, 31, None).astype(np.uint16) * 100)


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (_missing, "1.png: the prediction is missing"),
        (_corrupt, "cannot be decoded"),
        (_empty_file, "cannot be decoded"),
        (_other_size, "1.png: the prediction is 32x24 with 3 channels, the sharp picture 31x24 with 3 channels"),
        (_grey, "1.png: the prediction is 31x24 with 1 channel, the sharp picture 31x24 with 3 channels"),
        (_alpha, "1.png: the prediction is 31x24 with 4 channels"),
        (_one_bit, "is a 1-bit picture"),
        (_sixteen_bit, "is a uint16 picture"),
    ],
)
def test_what_cannot_be_scored_is_named_and_there_is_no_mean(cli, folders, harm, line):
    preds, sharp = folders
    harm(preds)
    result = cli("score", preds, sharp, "--quiet", "--json", "-")
    assert result.code == 1
    assert result.out == ""
    first, last = result.err.strip().splitlines()
    assert "1.png: " in first
    assert line in first
    assert last.startswith("Error: 1 of 3 predictions cannot be scored")
    partial = scored(cli, preds, sharp, "--allow-missing")
    assert partial["n"] == 2
    assert len(partial["failures"]) == 1
    assert "not rankable" in cli("score", preds, sharp, "--allow-missing").out


def test_extra_predictions_are_a_warning(cli, folders):
    preds, sharp = folders
    for i in range(5):
        save(preds / f"x{i}.png", noise(4, 4))
    result = cli("score", preds, sharp, "--quiet")
    assert result.code == 0
    assert "Warning: no sharp picture for x0.png, x1.png, x2.png and 2 more" in result.err


def test_more_kinds_and_files_that_are_no_pictures(cli, folders):
    preds, sharp = folders
    for suffix in ("ppm", "gif", "tga"):
        for folder in folders:
            shutil.copy(folder / "0.png", folder / "copy.png")
            Image.open(folder / "copy.png").save(folder / f"more_{suffix}.{suffix}")
            (folder / "copy.png").unlink()
    expected = course_loop(preds, sharp)
    (sharp / "notes.txt").touch()
    result = cli("score", preds, sharp, "--quiet", "--json", "-")
    assert json.loads(result.out)["protocols"][0]["mean"]["psnr_db"] == pytest.approx(expected, abs=1e-9)
    assert result.err == "Warning: not scored, since no picture by its suffix: notes.txt\n"


def test_a_result_that_cannot_be_written_is_said_before_the_work(cli, folders, tmp_path):
    (tmp_path / "file").touch()
    for option in ("--json", "--csv"):
        for target in (tmp_path / "file" / "x.json", tmp_path):
            result = cli("score", *folders, option, target)
            assert result.code == 2
            assert "cannot write" in result.err
            assert result.err.count("\n") == 1


def test_wrong_folders(cli, folders, tmp_path):
    preds, sharp = folders
    (tmp_path / "empty").mkdir()
    for arguments, text in [
        ((tmp_path / "none", sharp), "no folder"),
        ((preds, tmp_path / "none"), "no folder"),
        ((tmp_path / "empty", sharp), "no pictures in"),
        ((preds, tmp_path / "empty"), "no pictures in"),
        ((sharp, sharp), "same folder"),
        ((sharp / ".." / "sharp", sharp), "same folder"),
        ((preds, sharp, "--protocol", "gnr638-evil"), "did you mean 'gnr638-eval'"),
        ((preds, sharp, "--protocol", "gnr638-eval@9"), "this program has gnr638-eval@1"),
    ]:
        result = cli("score", *arguments)
        assert result.code == 2, arguments
        assert result.err.startswith("Error: ")
        assert text in result.err
        assert result.err.count("\n") == 1


def test_nothing_scorable_is_an_error_even_when_missing_is_allowed(cli, folders):
    preds, sharp = folders
    for file in preds.iterdir():
        file.write_text("x")
    result = cli("score", preds, sharp, "--allow-missing", "--quiet")
    assert result.code == 1
    assert "3 of 3" in result.err


def test_the_readable_table(cli, folders):
    out = cli("score", *folders, "--quiet").out.splitlines()
    assert out[0].split() == ["protocol", "n", "psnr_db", "ssim"]
    name, count, psnr, ssim = out[1].split()
    assert (name, count) == ("gnr638-eval@1", "3")
    assert math.isfinite(float(psnr))
    assert ssim.endswith("+")
    assert "added by deblurbench" in out[3]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--csv", "x", "--json", "./x"), "--csv and --json name the same file"),
        (("--csv", "-"), "--csv - names no file"),
        (("--csv", ""), "--csv '' names no file"),
        (("--sheet", "x.jpg"), "x.jpg does not end in .png"),
    ],
)
def test_results_go_where_they_are_looked_for(cli, folders, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    result = cli("score", *folders, *options)
    assert (result.code, result.out) == (2, "")
    assert told in result.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["preds", "sharp"]
