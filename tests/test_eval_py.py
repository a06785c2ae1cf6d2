"""`eval-py` prints what the course's script prints, byte for byte, and errors where the script has a traceback."""

import gc
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from PIL import Image


def script(sharp: Path, predictions: Path) -> str:
    """What the script does, in our words: no order, no check, scikit-image's PSNR without a range."""
    from skimage.io import imread
    from skimage.metrics import peak_signal_noise_ratio

    names = [name for name in os.listdir(sharp) if name.endswith((".jpg", ".png"))]
    found = [peak_signal_noise_ratio(imread(sharp / name), imread(predictions / name)) for name in names]
    return f"{len(found)}\nAverage PSNR between corresponding images: {sum(found) / len(found)} dB\n"


@pytest.fixture
def folders(tmp_path):
    """Twelve pairs of several kinds and sizes; returns SHARP and PREDS."""
    sharp, predictions = tmp_path / "sharp", tmp_path / "preds"
    for folder in (sharp, predictions):
        folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(12):
        name = f"{random.integers(1 << 30):08x}.{'png' if i % 3 else 'jpg'}"
        picture = noise(20 + i, 31, None if i == 4 else 3, seed=i)
        near = np.clip(picture + random.normal(0, 3 + i, picture.shape), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(sharp / name)
        Image.fromarray(near).save(predictions / name)
    return sharp, predictions


def test_the_two_lines_are_those_of_the_script(cli, folders):
    result = cli("eval-py", *folders)
    assert (result.code, result.out, result.err) == (0, script(*folders), "")


@pytest.mark.parametrize("kind", ["alpha", "16 bits", "palette", "one bit"])
def test_other_kinds_of_pictures_have_the_digits_of_the_script(cli, folders, kind):
    for i, folder in enumerate(folders):
        if kind == "palette":
            picture = Image.fromarray(noise(40, 30, seed=i)).quantize(16)
        elif kind == "one bit":
            picture = Image.fromarray(noise(40, 30, None, seed=i) > 128)
        else:
            wide = noise(1200, 2000, None, seed=i).astype(np.uint16) * 201 + np.uint16(i)
            picture = Image.fromarray(noise(40, 30, 4, seed=i) if kind == "alpha" else wide)
        picture.save(folder / "odd.png")
    assert cli("eval-py", *folders).out == script(*folders)


def test_equal_pictures_print_inf_as_the_script_does(cli, folders):
    for folder in folders:
        Image.fromarray(noise(9, 9)).save(folder / "same.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the script's
        expected = script(*folders)
    result = cli("eval-py", *folders)
    assert result.out == expected
    assert result.out.endswith(": inf dB\n")
    assert "same.png" in result.err


def test_what_the_script_is_silent_about_is_said_beside_the_lines(cli, folders):
    sharp, predictions = folders
    expected = script(*folders)
    for name in ("upper.PNG", "b.jpeg", "notes.txt"):
        (sharp / name).touch()
    Image.fromarray(noise(9, 9)).save(predictions / "more.png")
    result = cli("eval-py", *folders)
    assert result.out == expected
    assert "b.jpeg, notes.txt, upper.PNG" in result.err
    assert "no sharp picture for more.png" in result.err


@pytest.mark.filterwarnings("ignore")  # of the script, which leaves files open
@pytest.mark.parametrize("fault", ["missing", "size", "grey", "damaged", "empty", "folder"])
def test_where_the_script_has_a_traceback_there_is_one_line_and_no_number(cli, folders, fault):
    sharp, predictions = folders
    Image.fromarray(noise(9, 9)).save(sharp / "bad.png")
    bad = predictions / "bad.png"
    if fault == "size":
        Image.fromarray(noise(9, 8)).save(bad)
    elif fault == "grey":
        Image.fromarray(noise(9, 9, None)).save(bad)
    elif fault == "damaged":
        bad.write_bytes((sharp / "bad.png").read_bytes()[:100])
    elif fault == "empty":
        bad.touch()
    elif fault == "folder":
        bad.mkdir()
    with pytest.raises(Exception):  # noqa: B017, PT011 - of whatever kind
        script(*folders)
    gc.collect()  # here, where warnings of the files that it leaves open are ignored
    result = cli("eval-py", *folders)
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "1 of 13 pictures cannot be scored, so no average: bad.png: " in result.err


def test_folders_that_cannot_be_scored_are_refused(cli, folders, tmp_path):
    sharp, predictions = folders
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.PNG").touch()
    for arguments, text in [
        ((sharp, sharp), "are the same folder"),
        ((sharp, sharp / ".." / "sharp"), "are the same folder"),
        ((tmp_path / "none", predictions), "no pictures in"),
        ((tmp_path / "gone", predictions), "no folder"),
        ((sharp, tmp_path / "gone"), "no folder"),
    ]:
        result = cli("eval-py", *arguments)
        assert (result.code, result.out) == (2, "")
        assert text in result.err
