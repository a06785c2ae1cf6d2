"""The command line as people meet it: help, names, wrong input, exit codes."""

import json
import os
import subprocess
import sys

import pytest
from conftest import noise

from deblurbench import __version__
from deblurbench.images.codec import write_png

COMMANDS = ["build-dataset", "verify-dataset", "run-baseline", "predict", "score", "leaderboard", "list", "demo"]


def test_help_shows_every_command_and_the_exit_codes(cli):
    result = cli("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert f"  {command} " in result.out
    assert "130 interrupted" in result.out


@pytest.mark.parametrize("command", [*COMMANDS, "leaderboard add", "leaderboard build"])
def test_every_command_has_help_with_an_example(cli, command):
    result = cli(*command.split(), "--help")
    assert result.code == 0
    assert "Example: deblurbench " + command.split()[0] in " ".join(result.out.split())


@pytest.mark.parametrize("command", [[], ["leaderboard"]])
def test_no_command_shows_the_help(cli, command):
    result = cli(*command)
    assert result.code == 2
    assert result.out.startswith("Usage: deblurbench")
    assert result.err == ""


def test_version_and_python_m(cli):
    assert cli("--version").out == f"deblurbench {__version__}\n"
    shown = subprocess.run(
        [sys.executable, "-m", "deblurbench", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"deblurbench {__version__}\n"


def test_list(cli):
    baselines = {row["name"]: row for row in json.loads(cli("list", "baselines", "--json", "-").out)}
    assert {"name", "version", "origin", "parameters", "trainable"} <= baselines["unet"].keys()
    assert (baselines["unet"]["parameters"], baselines["unet"]["trainable"]) == (7_763_491, 7_761_827)
    assert baselines["cnn"]["parameters"] == 83_715
    assert baselines["wiener"]["parameters"] is None
    protocols = json.loads(cli("list", "protocols", "--json", "-").out)
    assert {"basicsr-rgb@1", "gnr638-eval@1", "matlab-gopro@1"} <= {p["id"] for p in protocols}
    for kind, name in [("datasets", "starter"), ("blurs", "gaussian-opencv"), ("sources", "deadleaves")]:
        rows = json.loads(cli("list", kind, "--json", "-").out)
        assert name in {row["name"] for row in rows}
        assert all({"name", "version", "origin"} <= row.keys() for row in rows)
        assert name in cli("list", kind).out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["scroe"], "no command 'scroe'; did you mean 'score'?"),
        (["score"], "Missing argument 'PREDS'"),
        (["score", "a", "b", "--protocl", "x"], "Did you mean '--protocol'?"),
        (["build-dataset", "startr"], "unknown recipe 'startr': did you mean 'starter'?"),
        (
            ["build-dataset", "--set", "sources.0.cuont=3"],
            "recipe.toml:sources.0.cuont: unknown key, did you mean 'count'?",
        ),
        (["build-dataset", "--workers", "0"], "--workers"),
        (["build-dataset", "--out", "file.txt"], "cannot write to file.txt"),
        (["build-dataset", "--photos", "."], "takes no photos from a folder"),
        (["verify-dataset", "none"], "no dataset folder none"),
        (["run-baseline", "unnet"], "unknown baseline 'unnet': did you mean 'unet'?"),
        (["run-baseline", "unet", "--data", "none"], "no dataset folder none"),
        (["predict", "winer", "photos", "out"], "did you mean 'wiener'?"),
        (["predict", "unet", "photos", "out"], "unet ships without weights"),
        (["predict", "wiener", "none", "out"], "no file or folder none"),
        (["predict", "wiener", "empty", "out"], "no pictures in empty"),
        (["predict", "wiener", "photos", "photos"], "lies inside the input"),
        (["predict", "wiener", "photos", "photos/out"], "lies inside the input"),
        (["predict", "wiener", "photos/a.png", "out.jpg"], "results are PNG files"),
        (["predict", "wiener", "photos/a.png", "photos/a.png"], "photos/a.png is the input itself"),
        (["predict", "wiener", "photos/a.png", "photos/a.png", "--overwrite"], "photos/a.png is the input itself"),
        (["predict", "wiener", "photos/a.png", "photos"], "photos is the folder of the input"),
        (["predict", "wiener", "photos/a.png", "more/a.png"], "more/a.png is there already"),
        (["score", "photos", "more", "--csv", "more/a.png"], "lies inside the input"),
        (["score", "photos", "more", "--json", "photos/s.json"], "lies inside the input"),
        (["build-dataset", "a" * 300], "File name too long"),
        (["build-dataset", "--set", "splits.0.blurs.0.sigma=1e-300"], "splits.0.blurs.0.sigma: "),
        (["predict", "wiener", "photos", "out", "--device", "gpu"], "unknown device 'gpu'"),
        (["leaderboard", "build", "--board", "empty"], "no submissions in empty"),
        (["leaderboard", "add", "empty", "--board", "b"], "empty is no run folder"),
        (["list", "baseline"], "'baseline' is not one of"),
    ],
)
def test_wrong_input_is_one_clear_line_and_exit_2(cli, tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos").mkdir()
    for folder in ("photos", "more"):
        (tmp_path / folder).mkdir(exist_ok=True)
        write_png(tmp_path / folder / "a.png", noise(8, 8))
    result = cli(*arguments)
    assert result.code == 2, result.err
    assert result.err.startswith("Error: ")
    assert text in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_a_corrupt_picture_fails_with_exit_1_and_keeps_what_is_done(cli, tmp_path):
    (tmp_path / "in").mkdir()
    write_png(tmp_path / "in" / "a.png", noise(8, 8))
    (tmp_path / "in" / "b.png").write_bytes((tmp_path / "in" / "a.png").read_bytes()[:60])
    result = cli("predict", "identity", tmp_path / "in", tmp_path / "out", "--quiet")
    assert result.code == 1
    assert result.err.startswith("Error: ")
    assert "b.png" in result.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.png"]


def test_a_dataset_that_is_none_fails_with_exit_1(cli, tmp_path):
    result = cli("verify-dataset", tmp_path)
    assert result.code == 1
    assert "no finished dataset" in result.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_place_is_exit_2(cli, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    result = cli("build-dataset", "--out", tmp_path / "locked" / "d")
    assert result.code == 2
    assert "cannot write to" in result.err


def test_an_unwritable_out_is_exit_2_for_anybody(cli, tmp_path):
    (tmp_path / "file").touch()
    for arguments in (
        ["build-dataset", "--out", tmp_path / "file" / "d"],
        ["predict", "identity", _picture(tmp_path), tmp_path / "file" / "x"],
    ):
        result = cli(*arguments)
        assert result.code == 2
        assert "cannot write to" in result.err


def _picture(folder):
    write_png(folder / "p.png", noise(4, 4))
    return folder / "p.png"


def test_debug_shows_the_traceback(capsys):
    from deblurbench.cli.main import main

    with pytest.raises(SystemExit) as stop:
        main(["verify-dataset", "none", "--debug"])
    assert stop.value.code == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_one_line(cli, monkeypatch, tmp_path):
    from deblurbench.dataset import verify

    def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(verify, "verify", broken)
    result = cli("verify-dataset", tmp_path)
    assert result.code == 1
    assert result.err == (
        "Error: this is a bug in deblurbench (ZeroDivisionError: oops); please report it with the output of --debug\n"
    )


def test_interruption_is_130(cli, monkeypatch, tmp_path):
    from deblurbench.dataset import verify

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(verify, "verify", interrupted)
    result = cli("verify-dataset", tmp_path)
    assert result.code == 130
    assert "interrupted" in result.err


def test_output_into_a_closed_pipe_is_quiet():
    shown = subprocess.run(
        f"{sys.executable} -m deblurbench list baselines | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in shown.stderr
