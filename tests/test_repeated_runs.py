"""Several runs in one folder: seeds and folds, their mean and spread, going on, and what is kept apart."""

import csv
import json
import math
import statistics

import pytest
from acme_kit import STATE, acme, files, installed_fixture, once_fixture, run_fixture, torchrun_fixture  # noqa: F401

from deblurbench.errors import UsageError
from deblurbench.runs.model import open_model
from deblurbench.runs.record import SplitMean, read_run, read_scores, split_means
from deblurbench.runs.summary import SplitSummary, Spread


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def test_several_seeds_are_whole_runs_and_one_row(run, folder):
    result = run("--seeds", 3)
    assert result.code == 0, result.err
    assert [read_run(folder / f"seed-{seed}").config["training"]["seed"] for seed in (1, 2, 3)] == [1, 2, 3]
    assert {read_run(folder / f"seed-{seed}").label for seed in (1, 2, 3)} == {"acme"}
    means = [split_means(read_scores(folder / f"seed-{seed}"))[0] for seed in (1, 2, 3)]
    assert len({mean.psnr_db for mean in means}) == 3
    psnrs, ssims = [mean.psnr_db for mean in means], [mean.ssim for mean in means]
    split = summary(folder)["splits"][0]
    assert split["psnr_db"] == {"mean": pytest.approx(sum(psnrs) / 3), "spread": statistics.stdev(psnrs)}
    assert split["ssim"] == {"mean": pytest.approx(sum(ssims) / 3), "spread": statistics.stdev(ssims)}
    assert split["each"]["seed-2"] == {"psnr_db": psnrs[1], "ssim": ssims[1]}
    assert split["blurred"] == {"psnr_db": means[0].blurred_psnr_db, "ssim": means[0].blurred_ssim}
    assert (split["split"], split["n"], split["runs"]) == ("test-g1.2", means[0].n, 3)
    first, head, row = result.out.splitlines()
    assert first == str(folder)
    assert head.split()[2:4] == ["seeds", "psnr_db"]
    spread = f"{sum(psnrs) / 3:.4f} +- {statistics.stdev(psnrs):.4f}"
    assert " ".join(row.split()).startswith(f"test-g1.2 {means[0].n} 3 {spread} {sum(ssims) / 3:.4f} +- ")
    with (folder / "summary.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert float(line["psnr_db_spread"]) == statistics.stdev(psnrs)
    assert float(line["psnr_db.seed-3"]) == psnrs[2]
    assert (line["split"], line["runs"]) == ("test-g1.2", "3")


def test_seeds_count_on_from_the_one_that_is_given(run, folder):
    run("--seeds", 2, "--seed", 7)
    assert sorted(path.parent.name for path in folder.glob("*/run.json")) == ["seed-7", "seed-8"]


def test_the_same_command_goes_on(run, folder):
    run("--seeds", 3)
    (folder / "seed-2" / STATE).unlink()
    (folder / "summary.csv").unlink()
    before = (folder / "seed-1" / STATE).stat().st_mtime_ns
    numbers = summary(folder)["splits"]
    acme.calls.clear()
    assert run("--seeds", 3).code == 0
    assert (folder / "seed-1" / STATE).stat().st_mtime_ns == before
    assert (folder / "seed-2" / STATE).read_text() == "epoch\n" * 2
    assert summary(folder)["splits"] == numbers
    assert (folder / "summary.csv").is_file()


def test_more_seeds_are_added_and_fewer_refused(run, folder):
    run("--seeds", 2)
    assert run("--seeds", 3).code == 0
    assert summary(folder)["count"] == 3
    assert summary(folder)["runs"] == ["seed-1", "seed-2", "seed-3"]
    result = run("--seeds", 2)
    assert result.code == 1
    assert "holds runs of 3 seeds, not 2" in result.err
    assert summary(folder)["splits"][0]["runs"] == 3


def test_a_time_limit_is_that_of_all_and_goes_on(run, folder):
    first = run("--seeds", 2, "--max-minutes", 5)
    assert first.code == 0
    assert "the same command goes on" in first.err
    assert first.out == f"{folder}\n"
    assert not (folder / "seed-2").exists()
    second = run("--seeds", 2, "--max-minutes", 5)
    assert "the same command goes on" in second.err
    assert second.out.splitlines()[-1].split()[1:3] == [str(summary(folder)["splits"][0]["n"]), "1"]
    assert "+- -" in second.out  # of one run there is no spread
    third = run("--seeds", 2, "--max-minutes", 5)
    assert third.err == ""
    assert summary(folder)["splits"][0]["runs"] == 2
    assert all(call.minutes <= 5 for call in acme.calls)


def test_no_run_is_begun_when_the_time_is_up(run, folder, monkeypatch):
    clock = iter([0.0, 0.0, 601.0])
    monkeypatch.setattr("deblurbench.runs.repeats.time.monotonic", lambda: next(clock))
    run_once = run("--seeds", 2, "--max-minutes", 10, "--preset", "small")
    assert "the same command goes on" in run_once.err
    assert (folder / "seed-1" / "scores.csv").is_file()
    assert not (folder / "seed-2").exists()


def test_training_alone(run, folder):
    result = run("--seeds", 2, "--train-only")
    assert result.out.splitlines()[1:] == [
        f"weights {folder / f'seed-{seed}' / 'weights.safetensors'}" for seed in (1, 2)
    ]
    assert summary(folder)["splits"] == []
    assert run("--seeds", 2).out.splitlines()[-1].startswith("test-g1.2")


def test_folds_are_settings_of_the_training(run, folder):
    result = run("--folds", 3)
    assert result.code == 0, result.err
    for fold in (1, 2, 3):
        record = read_run(folder / f"fold-{fold}")
        assert record.config["training"]["folds"] == {"count": 3, "fold": fold}
        assert record.label.startswith("acme (changed ")  # trained on fewer scenes than acme is
    assert summary(folder)["kind"] == "folds"
    assert summary(folder)["label"] == "acme"
    assert "folds" in result.out.splitlines()[1]
    assert "holds runs of 3 folds, not 4" in run("--folds", 4).err
    assert "other settings" in run("--seeds", 3).err


def test_retrain_trains_all_of_them_anew(run, folder):
    run("--seeds", 2)
    (folder / "seed-1" / "thesis.txt").touch()
    acme.calls.clear()
    assert run("--seeds", 2, "--retrain").code == 0
    assert len(acme.calls) == 2
    assert (folder / "seed-1" / "thesis.txt").exists()
    (folder / "seed-2" / STATE).unlink()
    stopped = run("--seeds", 2, "--retrain", "--max-minutes", 5)
    assert "without --retrain" in stopped.err
    assert summary(folder)["splits"] == []  # no numbers of runs that are gone
    assert not (folder / "summary.csv").exists()


def test_overwrite_starts_anew_and_spares_what_is_not_ours(run, folder):
    run("--seeds", 2)
    (folder / "seed-1" / "thesis.txt").touch()
    assert "holds other files (seed-1/thesis.txt)" in run("--seeds", 2, "--overwrite").err
    (folder / "seed-1" / "thesis.txt").unlink()
    (folder / "seed-1" / ".lock").touch()  # of a process that was killed
    assert run("--folds", 2, "--overwrite", "--set", "training.epochs=1").code == 0
    assert sorted(path.parent.name for path in folder.glob("*/run.json")) == ["fold-1", "fold-2"]


def test_runs_that_were_made_one_by_one_are_taken_up(cli, run, once, folder):
    for seed in (1, 2):
        cli("run-baseline", "acme", "--seed", seed, "--data", once.path, "--out", folder / f"seed-{seed}", "--quiet")
    refused = run("--seeds", 2, "--overwrite")
    assert refused.code == 2
    assert "is left alone" in refused.err  # they are somebody's: no summary says whose
    stamps = [(folder / f"seed-{seed}" / STATE).stat().st_mtime_ns for seed in (1, 2)]
    assert run("--seeds", 2).code == 0
    assert [(folder / f"seed-{seed}" / STATE).stat().st_mtime_ns for seed in (1, 2)] == stamps


def test_one_run_and_several_are_kept_apart(cli, run, folder, tmp_path):
    run("--seeds", 2)
    for overwrite in ([], ["--overwrite"]):
        result = run(*overwrite)
        assert result.code == 2
        assert f"holds several runs (seed-1, seed-2): name one of them, such as {folder / 'seed-1'}" in result.err
    with pytest.raises(UsageError, match=r"several runs \(seed-1, seed-2\)"):
        open_model(str(folder))
    result = cli("leaderboard", "add", folder, "--board", tmp_path / "board")
    assert result.code == 2
    assert "holds several runs" in result.err
    # The board holds one row for a method, so two seeds of one name are refused as two runs are.
    both = cli("leaderboard", "add", folder / "seed-1", folder / "seed-2", "--board", tmp_path / "board")
    assert "two of the sources are 'acme'" in both.err
    assert cli("leaderboard", "add", folder / "seed-1", "--board", tmp_path / "board").code == 0


def test_several_where_one_is(run, folder):
    run()
    result = run("--seeds", 2)
    assert result.code == 2
    assert "holds one run, not several" in result.err
    assert not (folder / "seed-1").exists()


def test_a_foreign_folder_is_left_alone(run, folder):
    folder.mkdir()
    (folder / "thesis.txt").touch()
    for more in ([], ["--overwrite"]):
        assert "holds other files" in run("--seeds", 2, *more).err
    assert files(folder) == {"thesis.txt"}


def test_a_damaged_summary_is_named(run, folder):
    run("--seeds", 2)
    (folder / "summary.json").write_text("{}")
    assert "summary.json is damaged" in run("--seeds", 2).err
    assert run("--seeds", 2, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seeds", 1], "--seeds"),
        (["--folds", 1], "--folds"),
        (["--seeds", 2, "--folds", 2], "--seeds and --folds exclude each other"),
        (["--seeds", 2, "--set", "training.sede=2"], "did you mean 'seed'"),
    ],
)
def test_what_is_refused(run, folder, arguments, text):
    result = run(*arguments)
    assert result.code == 2
    assert text in result.err
    assert not folder.exists()


def test_one_process_does_several_runs(run, folder, torchrun):
    torchrun(0)
    result = run("--seeds", 2)
    assert result.code == 2
    assert "--seeds goes by one process" in result.err
    assert not folder.exists()


def test_default_folders_say_what_they_hold(cli, once, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("run-baseline", "acme", "--preset", "small", "--seeds", 2, "--data", once.path, "--quiet")
    assert result.out.splitlines()[0] == "runs/acme-small-tiny-seeds"


def test_spread_is_the_sample_standard_deviation():
    assert Spread.of([1.0, 2.0, 4.0]) == Spread(7 / 3, math.sqrt(7 / 3))
    assert Spread.of([5.0]) == Spread(5.0, None)
    assert Spread.of([1.0, math.inf]) == Spread(math.inf, None)


def test_infinite_and_undefined_numbers():
    of = SplitSummary(
        "test", {"seed-1": SplitMean("test", 2, math.inf, 30.0), "seed-2": SplitMean("test", 2, 40.0, 30.0)}
    )
    assert of.as_dict() == {
        "split": "test",
        "n": 2,
        "runs": 2,
        "psnr_db": {"mean": "inf"},
        "blurred": {"psnr_db": 30.0},
        "each": {"seed-1": {"psnr_db": "inf"}, "seed-2": {"psnr_db": 40.0}},
    }
    assert of.row()[3:7] == [math.inf, None, None, None]
