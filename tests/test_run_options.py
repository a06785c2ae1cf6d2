"""What a trained run is asked for: time limits, training alone, features, several processes, what may be removed."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from acme_kit import STATE, acme, files, installed_fixture, once_fixture, run_fixture, torchrun_fixture  # noqa: F401

from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.runs import processes
from deblurbench.runs.baseline import WEIGHTS, Resources
from deblurbench.runs.device import choose_device
from deblurbench.runs.record import read_run, read_scores
from deblurbench.runs.request import Request, resolve
from deblurbench.runs.run import carry_out, run_baseline
from deblurbench_baselines import unet


def test_a_time_limit_ends_resumable_and_unscored(run, tmp_path):
    first = run("--max-minutes", 5)
    assert first.code == 0
    assert first.out == f"{tmp_path / 'run'}\n"
    assert first.err == "time is up before all is trained: the same command goes on\n"
    assert files(tmp_path / "run") == {"run.json", STATE, "acme-log/epoch-1.txt"}
    second = run("--max-minutes", 5)
    assert second.err == ""
    assert "test-g1.2" in second.out
    assert (tmp_path / "run" / STATE).read_text() == "epoch\n" * 2
    assert read_scores(tmp_path / "run")


def test_what_continues_after_retrain_is_said(run):
    assert "the same command without --retrain goes on" in run("--max-minutes", 5, "--retrain").err
    assert "the same command without --overwrite goes on" in run("--max-minutes", 5, "--overwrite").err


@pytest.mark.parametrize("minutes", ["0", "-1", "nan"])
def test_a_time_that_is_none_is_refused(run, minutes):
    result = run("--max-minutes", minutes)
    assert result.code == 2
    assert not acme.calls


def test_resources_reach_the_training(run, once, tmp_path):
    run("--feed", "loader", "--workers", 3, "--tensorboard", "--device", "cpu", "--max-minutes", 7)
    assert acme.calls == [Resources("cpu", "loader", 3, 7.0, None, True, True)]
    run_baseline("acme", once, tmp_path / "other", resources=Resources(feed="device"), quiet=True)
    assert acme.calls[1] == Resources("cpu", "device", quiet=True)


def test_resources_are_no_part_of_what_a_run_is(run):
    assert run("--feed", "memory").code == 0
    assert run("--feed", "device", "--workers", 2, "--tensorboard").code == 0


def test_train_only_needs_no_test_split_and_is_finished_by_the_command_without(run, once, tmp_path):
    result = run("--train-only")
    assert result.code == 0
    assert result.out == f"{tmp_path / 'run'}\nweights {tmp_path / 'run' / WEIGHTS}\n"
    assert not (tmp_path / "run" / "predictions").exists()
    assert run().out.splitlines()[-1].startswith("test-g1.2")
    assert (tmp_path / "run" / STATE).read_text() == "epoch\n" * 2
    without = replace(once, splits={name: n for name, n in once.splits.items() if not name.startswith("test")})
    assert carry_out(Request("acme", train_only=True), without, tmp_path / "none").finished
    with pytest.raises(UsageError, match="--train-only"):
        carry_out(Request("acme"), without, tmp_path / "again")


@pytest.mark.parametrize(
    "option", ["--train-only", "--retrain", "--seeds=2", "--folds=2", "--seed=3", f"--vgg={__file__}"]
)
def test_what_only_training_gives_a_meaning_is_refused_of_wiener(run, tmp_path, option):
    result = run(option, name="wiener")
    assert result.code == 2
    assert f"wiener draws nothing and needs no training: leave {option.partition('=')[0]} out" in result.err
    assert not (tmp_path / "run").exists()


def test_where_crops_come_from_is_nothing_to_wiener(run):
    assert run("--feed", "device", "--max-minutes", 1, name="wiener").code == 0


def test_retrain_discards_our_own_files_alone(run, tmp_path):
    folder = tmp_path / "run"
    run()
    (folder / STATE).write_text("epoch\n" * 2 + "of another time\n")
    (folder / "acme-log" / "epoch-99.txt").touch()
    (folder / "thesis.txt").write_text("mine")
    (folder / "predictions" / "notes.txt").write_text("mine")
    assert run("--retrain").code == 0
    assert (folder / STATE).read_text() == "epoch\n" * 2
    assert not (folder / "acme-log" / "epoch-99.txt").exists()
    assert (folder / "thesis.txt").read_text() == (folder / "predictions" / "notes.txt").read_text() == "mine"
    assert len(acme.calls) == 2


def test_retrain_takes_no_other_settings(run, tmp_path):
    run()
    result = run("--retrain", "--set", "training.epochs=3")
    assert result.code == 1
    assert "other settings" in result.err
    assert (tmp_path / "run" / WEIGHTS).is_file()


def test_overwriting_knows_the_files_of_the_baseline_before(run, tmp_path):
    run()
    assert run("--overwrite", name="identity").code == 0
    assert not files(tmp_path / "run") & {STATE, WEIGHTS}
    (tmp_path / "run" / STATE).touch()  # nothing that identity would leave
    assert "holds other files (acme-state.txt)" in run("--overwrite", name="identity").err


def test_vgg_chooses_the_preset_and_pins_the_file(run, tmp_path):
    weights = tmp_path / "vgg.pth"
    weights.write_bytes(b"weights")
    assert run("--vgg", weights).code == 0
    record = read_run(tmp_path / "run")
    assert (record.preset, record.label) == ("vgg", "acme (vgg)")
    assert record.config["training"]["perceptual"] == {"sha256": sha256_file(weights), "random": False}
    assert str(weights) not in (tmp_path / "run" / "run.json").read_text()
    assert acme.calls[0].features == weights
    weights.rename(tmp_path / "moved.pth")
    assert run("--features", tmp_path / "moved.pth", "--preset", "vgg").code == 0  # the same run
    (tmp_path / "moved.pth").write_bytes(b"others")
    assert "other settings" in run("--vgg", tmp_path / "moved.pth").err


def test_the_default_folder_names_the_preset_that_vgg_chose(cli, once, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vgg.pth").touch()
    result = cli("run-baseline", "acme", "--vgg", "vgg.pth", "--data", once.path, "--quiet")
    assert result.out.splitlines()[0] == "runs/acme-vgg-tiny"


def test_seed_and_features_are_no_part_of_a_name(once, tmp_path):
    """Of changed recipes neither: two seeds of one are called alike."""
    (tmp_path / "vgg.pth").touch()
    both = ("training.losses.perceptual=1.0", "training.perceptual.arch='vgg19'")
    labels = set()
    for seed in (1, 2):
        (tmp_path / "vgg.pth").write_text(str(seed))
        resources = Resources(features=tmp_path / "vgg.pth")
        request = Request("unet", None, (*both, f"training.seed={seed}"), resources)
        labels.add(resolve(request).record(once).label)
    assert len(labels) == 1
    assert re.fullmatch(r"unet \(changed [0-9a-f]{6}\)", labels.pop())
    assert resolve(Request("unet", None, ("training.epochs=7",))).record(once).label.startswith("unet (changed ")
    assert resolve(Request("unet", None, ("training.seed=7",))).record(once).label == "unet"


def test_table_without_a_hash_takes_the_files(tmp_path):
    """Set whole, the table of features says nothing about their file."""
    file = tmp_path / "vgg.pth"
    file.write_bytes(b"weights")
    table = 'training.perceptual={ arch = "vgg16", layer = "conv3_3" }'
    resolved = resolve(Request("gan", settings=[table], resources=Resources("cpu", features=file, quiet=True)))
    assert resolved.config.training.perceptual.sha256 == sha256_file(file)
    assert resolved.config.preset == "vgg"


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("acme", ["--preset", "vgg"], "acme (vgg) compares features of a network"),
        ("acme", ["--preset", "vgg"], "--vgg PATH; nothing is downloaded"),
        ("acme", ["--preset", "vgg", "--set", f"training.perceptual.sha256={'0' * 64}"], "--vgg PATH"),
        ("acme", ["--preset", "small", "--vgg", "vgg.pth"], "acme (small) compares no features of a file"),
        ("acme", ["--preset", "random", "--vgg", "vgg.pth"], "acme (random) compares no features of a file"),
        ("acme-plain", ["--vgg", "vgg.pth"], "acme-plain compares no features of a file: leave --vgg out"),
        ("unet", ["--vgg", "vgg.pth"], "unet compares no features of a file"),
        ("acme", ["--vgg", "none.pth"], "no file of features none.pth"),
        ("acme", ["--vgg", "."], "no file of features ."),
        ("acme", ["--vgg", "vgg.pth", "--set", "training.perceptual.sha256='12'"], "is not the file that --set"),
    ],
)
def test_features_that_are_missing_or_of_no_use(run, tmp_path, monkeypatch, name, arguments, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vgg.pth").touch()
    result = run(*arguments, name=name)
    assert result.code == 2
    assert text in result.err
    assert not (tmp_path / "run").exists()


def test_shipped_baselines_say_when_they_need_features():
    assert not unet.needs_features(unet.configure())
    both = ["training.losses.perceptual=1.0", "training.perceptual.arch='vgg19'"]
    assert unet.needs_features(unet.configure(None, both))
    assert not unet.needs_features(unet.configure(None, [*both, "training.perceptual.random=true"]))


def test_one_process_without_torchrun(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert (processes.rank(), processes.world_size(), processes.is_first()) == (0, 1, True)
    monkeypatch.setenv("RANK", "3")  # of some other program: nothing says that there are several
    assert processes.is_first()
    assert processes.device_of_process("cuda") == "cuda"


def test_each_process_has_a_gpu_of_its_own(torchrun):
    torchrun(5, 8, LOCAL_RANK=1, LOCAL_WORLD_SIZE=4)
    assert (processes.rank(), processes.world_size(), processes.local_size()) == (5, 8, 4)
    assert processes.device_of_process("cuda") == "cuda:1"
    assert processes.device_of_process("cpu") == "cpu"
    with pytest.raises(UsageError, match="one GPU for 8 processes"):
        processes.device_of_process("cuda:0")


@pytest.mark.parametrize(("name", "text"), [("WORLD_SIZE", "two"), ("RANK", "-1"), ("LOCAL_WORLD_SIZE", "0")])
def test_an_environment_that_makes_no_sense_is_named(torchrun, name, text):
    torchrun(1, **{name: text})
    with pytest.raises(UsageError, match=f"{name}='{text}'"):
        resolve(Request("acme"))


def test_the_first_process_does_all_and_says_how_many_there_were(run, tmp_path, torchrun):
    torchrun(0)
    result = run("--workers", 4)
    assert "test-g1.2" in result.out
    assert read_run(tmp_path / "run").processes == 2
    assert acme.calls[0].workers == 2


def test_the_others_train_and_leave_quietly(run, once, tmp_path, torchrun):
    torchrun(1)
    (tmp_path / "run").mkdir()  # acme writes as if it were alone
    result = run()
    assert (result.code, result.out, result.err) == (0, "", "")
    assert len(acme.calls) == 1
    assert acme.calls[0].quiet
    assert files(tmp_path / "run") == {STATE, WEIGHTS, "acme-log/epoch-1.txt", "acme-log/epoch-2.txt"}
    assert run(name="identity").code == 0  # nothing is left to them
    assert "run.json" not in files(tmp_path / "run")


def test_processes_are_no_part_of_what_a_run_is(run, tmp_path, torchrun, monkeypatch):
    run()
    assert "processes" not in json.loads((tmp_path / "run" / "run.json").read_text())
    torchrun(0)
    assert run().code == 0


def test_several_processes_build_no_dataset(cli, torchrun, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torchrun(0)
    result = cli("run-baseline", "acme", "--quiet")
    assert result.code == 2
    assert "build it first, and name it with --data" in result.err


def test_two_processes_retrain_together_whichever_is_early(run, once, tmp_path):
    """The one that is not first comes first, and finds a finished training, which is about to be discarded."""
    small = ["--set", "training.epochs=1", "--set", "training.crop=16", "--set", "training.crops_per_pair=1"]
    assert run("--preset", "demo", *small, "--device", "cpu", name="unet").code == 0
    before = read_scores(tmp_path / "run")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["unet", "--preset", "demo", *small, "--device", "cpu", "--retrain", "--quiet"]
    command = [sys.executable, "-m", "deblurbench", "run-baseline", *arguments]
    command += ["--data", str(once.path), "--out", str(tmp_path / "run")]
    common = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    started = []
    for rank in (1, 0):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=common | {"RANK": str(rank)}, **pipes))
        time.sleep(4 * rank)
    (other, first) = [(process.communicate(timeout=120), process.returncode) for process in started]
    assert other == (("", ""), 0)
    assert first[1] == 0, first[0]
    assert first[0][0].splitlines()[-1].startswith("test-g1.2")
    assert read_run(tmp_path / "run").processes == 2
    for row, old in zip(read_scores(tmp_path / "run"), before, strict=True):
        assert row.psnr_db == pytest.approx(old.psnr_db, abs=0.1)


@pytest.mark.skipif(choose_device("auto", needed=True) == "cpu", reason="no GPU here")
def test_auto_is_the_gpu_of_the_process(torchrun):
    torchrun(0)
    assert resolve(Request("acme")).resources.device == "cuda:0"
