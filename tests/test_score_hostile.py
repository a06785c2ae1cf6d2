"""Scoring hostile files: whatever their names and contents, there is a number, or a line that says why not."""

import dataclasses
import os
import time
from pathlib import Path
from threading import Event

import pytest
from conftest import noise
from PIL import Image

import deblurbench
from deblurbench.errors import DeblurbenchError
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.protocol import Metric, find_protocol
from deblurbench.scoring.score import score_pairing


def folders(tmp_path, **pictures):
    """PREDS and SHARP with the same noise, and predictions of other names."""
    made = []
    for side, seed in (("preds", 1), ("sharp", 0)):
        folder = tmp_path / side
        folder.mkdir()
        Image.fromarray(noise(24, 24, seed=seed)).save(folder / "a.png")
        made.append(folder)
    return made


NAMES = ["line\nend.png", "\x1b[2Jclear.png", "turn\u202egnp.png"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_steers_the_terminal(tmp_path, cli, name):
    preds, sharp = folders(tmp_path)
    Image.fromarray(noise(24, 24)).save(sharp / name)
    Image.fromarray(noise(24, 24)).save(preds / f"x{name}")
    (sharp / f"{name}.txt").touch()
    for result in (cli("score", preds, sharp), cli("eval-py", sharp, preds)):
        assert result.code == 1
        assert all(line.isprintable() for line in result.err.splitlines())
        assert not any(line.startswith(("end", "Error: end")) for line in result.err.splitlines())


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path, cli):
    preds, sharp = folders(tmp_path)
    os.mkfifo(sharp / "pipe.png")
    (sharp / "gone.png").symlink_to("nowhere.png")
    (sharp / "zero.png").symlink_to("/dev/zero")
    (sharp / "round.png").symlink_to("round.png")
    for name in ("pipe.png", "gone.png", "zero.png", "round.png"):
        Image.fromarray(noise(24, 24)).save(preds / name)
    result = cli("score", preds, sharp)
    assert result.code == 1
    for name, why in (("pipe", "a pipe"), ("zero", "a pipe"), ("gone", "no such file"), ("round", "cannot be decoded")):
        assert any(line.startswith(f"{name}.png: ") and why in line for line in result.err.splitlines())
    assert "4 of 5 pictures" in cli("eval-py", sharp, preds).err


def test_a_result_that_is_a_link_to_nothing(tmp_path, cli):
    preds, sharp = folders(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    for target in (tmp_path / "loop", tmp_path / "loop" / "a.csv"):
        result = cli("score", preds, sharp, "--csv", target)
        assert result.code == 2
        assert "bug" not in result.err


def test_files_that_are_not_there_are_named_by_the_api_too(tmp_path):
    with pytest.raises(DeblurbenchError, match=r"b\.png cannot be decoded: no such file"):
        deblurbench.score([tmp_path / "a.png"], [tmp_path / "b.png"])


def test_a_scene_that_may_not_be_read_is_not_left_out(tmp_path, cli, monkeypatch):
    for side in ("preds", "sharp"):
        for scene in ("one", "two"):
            (tmp_path / side / scene).mkdir(parents=True)
            Image.fromarray(noise(24, 24, seed=len(side))).save(tmp_path / side / scene / "a.png")
    look = os.scandir

    def scandir(folder):
        if os.fspath(folder) == str(tmp_path / "sharp" / "two"):  # as for anybody but root after `chmod 0`
            raise PermissionError(13, "Permission denied", str(folder))
        return look(folder)

    assert cli("score", tmp_path / "preds", tmp_path / "sharp").code == 0
    monkeypatch.setattr(os, "scandir", scandir)
    result = cli("score", tmp_path / "preds", tmp_path / "sharp")
    assert result.code == 2
    assert "cannot look into" in result.err


def test_a_full_disk_is_said_with_the_files_name_and_leaves_nothing(tmp_path, cli, monkeypatch):
    preds, sharp = folders(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    for option in ("--csv", "--json", "--sheet"):
        result = cli("score", preds, sharp, option, tmp_path / "out.png")
        assert result.code == 1
        assert f"{tmp_path / 'out.png'}: No space left on device" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["preds", "sharp"]


def test_an_interrupted_run_ends_after_the_metric_at_hand(tmp_path, monkeypatch):
    preds, sharp = folders(tmp_path)
    Image.fromarray(noise(24, 24, seed=3)).save(preds / "b.png")
    Image.fromarray(noise(24, 24, seed=4)).save(sharp / "b.png")
    begun, computed = Event(), []

    def slow(pair):
        begun.set()
        time.sleep(0.3)
        computed.append(pair)
        return 1.0

    def interrupt(*_):
        begun.wait(10)
        raise KeyboardInterrupt

    metrics = (Metric("one", slow), Metric("two", slow), Metric("three", slow))
    protocol = dataclasses.replace(find_protocol("gnr638-eval"), metrics=metrics)
    monkeypatch.setattr("deblurbench.progress._Silent.step", interrupt)
    pairing = pair_folders(preds, sharp)
    first = dataclasses.replace(pairing.pairs[0], prediction=None)
    with pytest.raises(KeyboardInterrupt):
        score_pairing(dataclasses.replace(pairing, pairs=(first, *pairing.pairs)), [protocol], quiet=True)
    assert len(computed) <= 1
