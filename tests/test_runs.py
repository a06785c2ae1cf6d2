"""Runs: train if need be, predict, score; finished runs are kept, other settings refused."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import noise

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DeblurbenchError, RunError, UsageError
from deblurbench.files import locked
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.runs.baseline import Resources
from deblurbench.runs.device import choose_device
from deblurbench.runs.jobs import plan_jobs
from deblurbench.runs.record import read_predictions, read_run, read_scores
from deblurbench.runs.run import run_baseline
from deblurbench.scoring.metrics.compared import Compared
from deblurbench_baselines import unet


def test_identity_is_the_blurred_row(tiny, tmp_path):
    rows = run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    assert read_scores(tmp_path / "run") == rows
    assert [row.name for row in rows] == [pair.blur.name for pair in tiny.pairs("test-g1.2")]
    for row, pair in zip(rows, tiny.pairs("test-g1.2"), strict=True):
        assert row.psnr_db == row.blurred_psnr_db == Compared(read_rgb(pair.blur), read_rgb(pair.sharp)).psnr()
        assert row.protocol == "gnr638-eval@1"


def test_what_a_run_folder_says(tiny, tmp_path):
    run_baseline("wiener", tiny, tmp_path / "run", quiet=True)
    record, predictions = read_run(tmp_path / "run"), read_predictions(tmp_path / "run")
    assert (record.baseline, record.label, record.dataset_id) == ("wiener", "wiener", tiny.id)
    assert record.device == "cpu"
    assert {"deblurbench", "numpy", "python"} <= record.versions.keys()
    assert predictions is not None
    (split,) = predictions.splits.values()
    for name, expected in split.pictures.items():
        assert pixel_hash(read_rgb(tmp_path / "run" / "predictions" / "test-g1.2" / name)) == expected


def test_the_same_command_again_keeps_the_predictions(tiny, tmp_path):
    run = tmp_path / "run"
    rows = run_baseline("identity", tiny, run, quiet=True)
    file = next((run / "predictions" / "test-g1.2").iterdir())
    before = file.stat().st_mtime_ns
    assert run_baseline("identity", tiny, run, quiet=True) == rows
    assert file.stat().st_mtime_ns == before
    write_png(file, noise(40, 48))  # somebody improves a prediction by hand
    assert run_baseline("identity", tiny, run, quiet=True) == rows
    assert file.stat().st_mtime_ns != before


def test_another_baseline_is_refused_until_overwritten(tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    with pytest.raises(RunError, match="other settings"):
        run_baseline("wiener", tiny, tmp_path / "run", quiet=True)
    run_baseline("wiener", tiny, tmp_path / "run", overwrite=True, quiet=True)
    assert read_run(tmp_path / "run").baseline == "wiener"


def test_a_foreign_folder_is_left_alone(tiny, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds other files"):
            run_baseline("identity", tiny, tmp_path / "run", overwrite=overwrite, quiet=True)
    assert (tmp_path / "run" / "thesis.txt").exists()


def test_changed_keys_never_go_under_the_founders_name(tiny, tmp_path):
    small = ["network.widths=[4,8]", "network.batch_norm=[]", "training.crop=16", "training.epochs=1"]
    run_baseline("unet", tiny, tmp_path / "small", settings=small, quiet=True)
    record = read_run(tmp_path / "small")
    assert re.fullmatch(r"unet \(changed [0-9a-f]{6}\)", record.label)
    assert record.parameters is not None
    assert record.parameters < 10_000
    run_baseline("unet", tiny, tmp_path / "short", preset="demo", settings=small[2:], quiet=True)
    assert read_run(tmp_path / "short").label.startswith("unet (demo, changed ")
    assert read_run(tmp_path / "short").parameters == 59_556


def test_a_seed_alone_changes_no_name(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(unet, "train", lambda *_: True)
    monkeypatch.setattr("deblurbench.runs.run._predict", lambda *_, **__: None)
    monkeypatch.setattr("deblurbench.runs.run.score_run", lambda *_, **__: [])
    run_baseline("unet", tiny, tmp_path / "run", settings=["training.seed=7"], quiet=True)
    assert read_run(tmp_path / "run").label == "unet"
    assert read_run(tmp_path / "run").parameters == 7_763_491


def test_overwriting_spares_what_is_not_ours(tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    (tmp_path / "run" / "thesis.txt").touch()
    with pytest.raises(UsageError, match=r"holds other files \(thesis\.txt\)"):
        run_baseline("wiener", tiny, tmp_path / "run", overwrite=True, quiet=True)
    assert read_run(tmp_path / "run").baseline == "identity"


def test_a_run_that_has_made_nothing_is_in_nobodys_way(tiny, tmp_path):
    with pytest.raises(DeblurbenchError, match="smaller than a crop"):  # such as of a wrong setting
        run_baseline("cnn", tiny, tmp_path / "run", settings=["training.crop=4000"], quiet=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    assert read_run(tmp_path / "run").baseline == "identity"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"of": "others"}')
    with pytest.raises(DeblurbenchError):
        run_baseline("identity", tiny, tmp_path / "other", quiet=True)
    assert (tmp_path / "other" / "run.json").read_text() == '{"of": "others"}'


def test_a_wrong_file_of_features_is_said_before_pictures_are_read(tiny, tmp_path, monkeypatch):
    (tmp_path / "vgg.pth").write_text("no weights")
    monkeypatch.setattr(Dataset, "reader", lambda *_: pytest.fail("read"))
    resources = Resources(features=tmp_path / "vgg.pth")
    with pytest.raises(UsageError, match="no weights that can be read"):
        run_baseline("gan", tiny, tmp_path / "run", resources=resources, quiet=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_two_runs_at_once_are_refused(tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    with locked(tmp_path / "run"), pytest.raises(DeblurbenchError, match="another command is at work"):
        run_baseline("identity", tiny, tmp_path / "run", quiet=True)


def test_a_dataset_without_test_pairs_is_refused_before_training(tiny, tmp_path):
    empty = replace(tiny, splits={**tiny.splits, "test-g1.2": 0})
    with pytest.raises(UsageError, match="has no test split"):
        run_baseline("unet", empty, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_baselines_name_wins_over_a_folder_of_that_name(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "a.png", noise(20, 20))
    assert cli("predict", "wiener", "a.png", "wiener").code == 0
    assert cli("predict", "wiener", "a.png", "wiener").code == 2  # what is there is not replaced unasked
    assert cli("predict", "wiener", "a.png", "wiener", "--overwrite").code == 0
    assert (tmp_path / "wiener" / "a.png").is_file()


def test_the_default_dataset_is_used_as_it_lies(cli, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    tiny.path.rename(tmp_path / "data" / "starter")
    assert cli("run-baseline", "identity", "--quiet").out.splitlines()[0] == str(Path("runs/identity-tiny"))


def test_a_method_that_draws_nothing_has_no_seed(cli, tiny):
    result = cli("run-baseline", "wiener", "--seed", "3", "--data", tiny.path)
    assert result.code == 2
    assert "wiener draws nothing" in result.err


def test_a_damaged_run_record_is_named(tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        run_baseline("identity", tiny, tmp_path / "run", quiet=True)


def test_run_baseline_prints_a_row_per_split(cli, tiny, tmp_path):
    result = cli("run-baseline", "identity", "--data", tiny.path, "--out", tmp_path / "r", "--quiet")
    assert result.code == 0
    assert result.out.splitlines()[-1].split()[0] == "test-g1.2"
    assert result.out.splitlines()[-1].split()[-1] == "+0.0000"


def test_predict_a_folder_a_file_and_a_tree(cli, tmp_path):
    for name in ("a.png", "deep/b.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "in" / name, noise(9, 7, seed=len(name)))
    assert cli("predict", "identity", tmp_path / "in", tmp_path / "out").code == 0
    assert np.array_equal(read_rgb(tmp_path / "out" / "deep" / "b.png"), read_rgb(tmp_path / "in" / "deep" / "b.png"))
    assert cli("predict", "identity", tmp_path / "in" / "a.png", tmp_path / "one.png").code == 0
    assert cli("predict", "identity", tmp_path / "in" / "a.png", tmp_path / "dir").code == 0
    assert (tmp_path / "dir" / "a.png").is_file()
    assert "1 restored" in cli("predict", "identity", tmp_path / "in", tmp_path / "o2", "--limit", 1).out


def test_predict_from_a_run_folder_and_a_weights_file(cli, tiny, tmp_path):
    run = tmp_path / "run"
    small = ["--set", "training.epochs=1", "--set", "training.crop=16"]
    assert (
        cli("run-baseline", "unet", "--preset", "demo", *small, "--data", tiny.path, "--out", run, "--quiet").code == 0
    )
    assert read_run(run).label.startswith("unet (demo, changed ")
    name = tiny.pairs("test-g1.2")[0].blur.name
    source = tiny.folder("test-g1.2", "blur") / name
    for i, model in enumerate([run, run / "weights.safetensors"]):
        result = cli("predict", model, source, tmp_path / f"{i}.png", "--device", "cpu")
        assert result.code == 0, result.err
        assert np.array_equal(read_rgb(tmp_path / f"{i}.png"), read_rgb(run / "predictions" / "test-g1.2" / name))


def test_a_file_that_is_no_weights_file(cli, tmp_path):
    write_png(tmp_path / "in.png", noise(8, 8))
    (tmp_path / "w.safetensors").write_bytes(b"pickle?")
    result = cli("predict", tmp_path / "w.safetensors", tmp_path / "in.png", tmp_path / "o.png")
    assert result.code == 1
    assert "is not a safetensors file" in result.err


def test_two_inputs_that_would_become_one_output_are_refused(tmp_path):
    for name in ("a.png", "a.bmp"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="would both become"):
        plan_jobs(tmp_path, tmp_path.parent / "elsewhere")


def test_devices():
    assert choose_device("auto", needed=False) == "cpu"
    assert choose_device("cpu", needed=True) == "cpu"
    assert choose_device("auto", needed=True).startswith("c")
    with pytest.raises(UsageError, match="no device cuda:99"):
        choose_device("cuda:99", needed=True)
    with pytest.raises(UsageError, match="unknown device"):
        choose_device("tpu", needed=True)


def test_run_json_is_json_for_anybody(tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["baseline"] == "identity"
