"""Training: what it sees, when it stops, what it learns."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from training_kit import TINY, WEIGHTS, assert_same_run, make_dataset, metrics, settings, smooth_pair, train

from deblurbench.errors import DatasetError, RunError
from deblurbench.files import canonical_json
from deblurbench.images.codec import write_png
from deblurbench.progress import progress
from deblurbench.runs.baseline import Resources
from deblurbench.runs.model import read_metadata
from deblurbench.runs.record import METRICS
from deblurbench_baselines import unet
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import held_out_scenes, read_pairs, spread, training_parts
from deblurbench_baselines.data.sampler import Crop, batches, cut, epoch_crops
from deblurbench_baselines.losses import combined
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.curves import CURVES
from deblurbench_baselines.training.history import Epoch, write_metrics
from deblurbench_baselines.training.schedule import best_epoch, finished, learning_rate, plateaus
from deblurbench_baselines.training.settings import Folds
from deblurbench_baselines.training.validation import decibels, mean_squared_error, validate

pytestmark = pytest.mark.usefixtures("one_thread")

# What an epoch shows


def test_crops_are_a_function_of_seed_and_epoch():
    crops = epoch_crops(settings(), 3, 3)
    assert crops == epoch_crops(settings(), 3, 3)
    assert [crop[2:] for crop in crops] != [crop[2:] for crop in epoch_crops(settings(), 3, 4)]
    assert crops != epoch_crops(settings(seed=2), 3, 3)
    assert {crop.epoch for crop in crops} == {3}
    assert [crop.number for crop in crops] == list(range(len(crops)))


def test_each_pair_gives_its_crops_inside_the_picture():
    sizes = [(24, 32), (64, 16), (40, 40)]
    crops = epoch_crops(settings(crops_per_pair=50), len(sizes), 1)
    assert np.bincount([crop.pair for crop in crops]).tolist() == [50, 50, 50]
    for crop in crops:
        height, width = sizes[crop.pair]
        top, left = crop.corner(height, width, 16)
        assert 0 <= top <= height - 16
        assert 0 <= left <= width - 16
    first = [crop.corner(24, 32, 16) for crop in crops if crop.pair == 0]
    assert {top for top, _ in first} == set(range(9))  # 50 draws of 9: both ends are reached
    assert {crop.orientation for crop in crops} == set(range(8))
    assert [crop.pair for crop in crops] != sorted(crop.pair for crop in crops)


def test_crops_are_turned_only_as_far_as_asked_for():
    assert {crop.orientation for crop in epoch_crops(settings(augment="mirror"), 50, 1)} == {0, 4}
    assert {crop.orientation for crop in epoch_crops(settings(augment="none"), 50, 1)} == {0}


def test_all_eight_orientations_of_a_crop_differ():
    picture = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    pieces = [cut(picture, Crop(1, 0, 0, (1 << 32) - 1, (1 << 32) - 1, turned), 4) for turned in range(8)]
    np.testing.assert_array_equal(pieces[0], picture[1:5, 2:6])
    np.testing.assert_array_equal(pieces[4], picture[1:5, 2:6][:, ::-1])
    assert len({piece.tobytes() for piece in pieces}) == 8
    assert all(sorted(piece.ravel()) == sorted(pieces[0].ravel()) for piece in pieces)


def test_the_last_batch_may_be_smaller():
    crops = epoch_crops(settings(), 3, 1)
    assert [len(batch) for batch in batches(crops, 4)] == [4, 4, 1]


def test_pair_smaller_than_a_crop_is_named():
    with pytest.raises(RunError, match=r"train/p1 is 32x24, smaller than a crop of 25"):
        MemoryFeed([smooth_pair(1)], 25, torch.device("cpu"))


# When it stops


def test_plateaus_are_those_of_torch():
    stream = np.random.default_rng(5)
    mses = [float(value) for value in np.abs(stream.normal(1, 0.2, 60)) / np.linspace(1, 3, 60)]
    for patience in (0, 1, 3):
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimiser = torch.optim.SGD([parameter], lr=1.0)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=patience, eps=0)
        for done, mse in enumerate(mses, 1):
            schedule.step(mse)
            assert optimiser.param_groups[0]["lr"] == 0.5 ** plateaus(mses[:done], patience)


def test_plateau_lowers_the_rate_down_to_its_floor():
    plateau = settings(schedule="plateau", warm_up=0, learning_rate=0.01, plateau_patience=1, learning_rate_floor=0.004)
    rates = [learning_rate(plateau, [1.0] * epochs, 0, 5) for epochs in range(7)]
    assert rates == [0.01, 0.01, 0.01, 0.005, 0.005, 0.004, 0.004]


def test_cosine_falls_over_all_steps_after_the_warm_up():
    cosine = settings(warm_up=3, learning_rate=0.01, epochs=5)
    rates = [learning_rate(cosine, [1.0] * epoch, step, 10) for epoch in range(5) for step in range(10)]
    assert rates[0] == pytest.approx(0.01 / 4)
    assert rates[25] == pytest.approx(0.005)
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert 0 < rates[-1] < 1e-4


def test_linear_rate_stays_and_then_falls_in_a_line():
    linear = settings(schedule="linear", warm_up=0, learning_rate=0.01, epochs=4, constant_epochs=2)
    rates = [learning_rate(linear, [1.0] * epoch, step, 5) for epoch in range(4) for step in range(5)]
    assert rates[:11] == [0.01] * 11
    assert rates[10:] == pytest.approx([0.01 * (1 - i / 10) for i in range(10)])
    constant = settings(schedule="constant", warm_up=0, learning_rate=0.01)
    assert learning_rate(constant, [1.0] * 3, 2, 5) == 0.01


def test_training_ends_early_or_with_the_last_epoch():
    patient = settings(epochs=9, early_stopping=2)
    assert not finished(patient, [])
    assert not finished(patient, [3.0, 2.0, 2.0])
    assert finished(patient, [3.0, 2.0, 2.0, 2.5])
    assert finished(patient, [9.0 - i for i in range(9)])
    assert not finished(settings(epochs=9, early_stopping=None), [1.0] * 8)
    assert best_epoch([3.0, 2.0, 2.0, 2.5]) == 2
    assert best_epoch([]) == 0


@pytest.mark.usefixtures("no_curves")
def test_run_that_cannot_get_better_slows_down_and_stops(dataset, tmp_path):
    more = [
        "training.epochs=30",
        "training.learning_rate=1e-12",
        "training.schedule='plateau'",
        "training.warm_up=0",
        "training.plateau_patience=1",
        "training.early_stopping=5",
    ]
    train(dataset, tmp_path, *more)
    rows = metrics(tmp_path)
    assert len({row["val_mse"] for row in rows}) == 1
    assert [float(row["learning_rate"]) for row in rows] == [1e-12] * 3 + [5e-13] * 2 + [2.5e-13]


# What it learns


def test_training_lowers_the_loss_and_keeps_the_best(dataset, tmp_path):
    more = [
        "training.epochs=6",
        "training.crops_per_pair=32",
        "training.learning_rate=0.003",
        "network.widths=[16, 16]",
        "network.batch_norm=[]",
    ]
    config = train(dataset, tmp_path, *more)
    rows = metrics(tmp_path)
    assert float(rows[-1]["train_loss"]) < 0.95 * float(rows[0]["train_loss"])
    best = min(float(row["val_mse"]) for row in rows)
    assert float(rows[0]["blurred_psnr"]) + 1 < decibels(best)
    restore = unet.restorer(config, tmp_path / WEIGHTS, "cpu")
    assert validate(read_val(dataset), restore).mse == best


@pytest.mark.usefixtures("no_curves")
def test_losses_and_optimisers_train(dataset, tmp_path):
    for loss, optimiser in (("l1", "adamw"), ("ssim", "adam")):
        more = ["training.epochs=1", f"training.losses={{{loss}=1.0}}", f"training.optimiser='{optimiser}'"]
        train(dataset, tmp_path / loss, *more)
        assert len(metrics(tmp_path / loss)) == 1


def test_run_folder_holds_what_was_promised(dataset, tmp_path):
    config = train(dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [METRICS, CURVES, STATE, WEIGHTS, "samples", "training.log", "model_summary.txt"]
    )
    assert (tmp_path / CURVES).read_bytes().startswith(b"\x89PNG")
    metadata = read_metadata(tmp_path / WEIGHTS)
    assert metadata == {
        "baseline": "unet",
        "preset": "demo",
        "config": canonical_json(config.as_dict()),
        "dataset_id": dataset.id,
    }
    assert unet.config_from(json.loads(metadata["config"])) == config
    assert list(metrics(tmp_path)[0]) == [
        "epoch", "crops", "train_loss", "val_mse", "val_mae", "val_psnr", "val_ssim", "blurred_psnr", "learning_rate",
        "seconds", "crops_per_second", "data_wait", "loss_mse", "alarms",
    ]  # fmt: skip


def test_training_leaves_torch_as_the_caller_has_it(dataset, tmp_path):
    torch.manual_seed(99)
    before = torch.get_rng_state()
    train(dataset, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1


@pytest.mark.usefixtures("no_curves")
def test_seed_decides_everything(dataset, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(len(name))
        train(dataset, tmp_path / name, "training.epochs=1", f"training.seed={seed}")
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert (
        load_file(tmp_path / "a" / WEIGHTS)["up.0.weight"].ne(load_file(tmp_path / "c" / WEIGHTS)["up.0.weight"]).any()
    )


def test_loss_that_is_not_finite_is_an_error(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(combined._PIXEL, "mse", lambda output, _: output.mean() * math.nan)
    with pytest.raises(RunError, match=r"the loss became nan in epoch 1: .*training.learning_rate=0.0002"):
        train(dataset, tmp_path, "training.learning_rate=0.002")
    assert not (tmp_path / STATE).exists()


# What it may see


def read_val(dataset):
    return read_pairs(dataset, training_parts(dataset, quiet=True).val, "val", quiet=True)


def test_training_reads_train_and_val_alone(dataset):
    """There is no way to name another split."""
    parts = training_parts(dataset, quiet=True)
    assert {record.split for record in parts.train} == {"train"}
    assert {record.split for record in parts.val} == {"val"}
    assert (len(parts.train), len(parts.val)) == (4, 2)


def test_a_large_val_is_looked_at_in_parts(dataset, tmp_path):
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread(range(10), 10) == spread(range(10), 200) == list(range(10))
    train(dataset, tmp_path, "training.epochs=1", "training.val_pairs=1")
    first = read_val(dataset)[0]
    assert float(metrics(tmp_path)[0]["blurred_psnr"]) == decibels(mean_squared_error(first.blur, first.sharp))


def test_missing_split_is_named(dataset, tmp_path):
    with pytest.raises(RunError, match="has no train split"):
        training_parts(replace(dataset, splits={"val": 2}), quiet=True)
    with pytest.raises(RunError, match="no val split, and a single scene in train"):
        training_parts(make_dataset(tmp_path / "one", {"train": 1}), quiet=True)


def test_scenes_of_train_stand_in_for_a_missing_val(tmp_path, capsys):
    """Whole scenes, a tenth of the pairs; trained on and selected on are never the same ones."""
    tiny = make_dataset(tmp_path / "tiny", {"train": 25, "test": 2})
    train_names, val_names = ([record.name for record in of] for of in training_parts(tiny))
    assert sorted(train_names + val_names) == [record.name for record in tiny.records("train")]
    assert len(val_names) == 3  # here each pair is a scene
    assert "has no val split: 3 of its train scenes are held out" in capsys.readouterr().err
    assert held_out_scenes(tiny) == {record.scene for record in tiny.records("train") if record.name in val_names}
    assert held_out_scenes(make_dataset(tmp_path / "two", {"train": 2})) != frozenset()
    train(tiny, tmp_path / "run", "training.epochs=1")


def test_folds_deal_out_the_scenes_of_train_and_val(tmp_path):
    tiny = make_dataset(tmp_path / "tiny", {"train": 7, "val": 3, "test": 2})
    folds = [training_parts(tiny, Folds(count=4, fold=number)) for number in (1, 2, 3, 4)]
    assert sorted(len(parts.val) for parts in folds) == [2, 2, 3, 3]
    every = sorted(record.pair for split in ("train", "val") for record in tiny.records(split))
    assert sorted(record.pair for parts in folds for record in parts.val) == every
    for parts in folds:
        assert sorted(record.pair for of in parts for record in of) == every
        assert not {record.scene for record in parts.train} & {record.scene for record in parts.val}
    with pytest.raises(RunError, match="has 10 scenes to train on, too few for 11 folds: use --folds 10"):
        training_parts(tiny, Folds(count=11, fold=1))
    train(tiny, tmp_path / "run", "training.epochs=1", "training.folds={count=4, fold=2}")


def test_sides_that_differ_in_size_are_named(tmp_path):
    tiny = make_dataset(tmp_path / "tiny", {"train": 1, "val": 1})
    write_png(tiny.pairs("val")[0].blur, np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(DatasetError, match="differ in size"):
        read_val(tiny)


def test_validation_is_exact():
    a, b = np.full((2, 3, 3), 250, np.uint8), np.full((2, 3, 3), 5, np.uint8)
    assert mean_squared_error(a, b) == mean_squared_error(b, a) == 245**2 / 255**2
    assert decibels(0.001) == pytest.approx(30)
    assert decibels(0) == math.inf


def test_metrics_hold_infinite_figures(tmp_path):
    epoch = Epoch(1, 8, 0.5, {"mse": 0.5}, 0.0, 0.0, math.inf, None, 30.0, 1e-3, 0.1, 10.0, 0.25, ("a", "b"))
    write_metrics(tmp_path / METRICS, [epoch])
    row = metrics(tmp_path)[0]
    assert float(row.pop("val_psnr")) == math.inf
    assert (row.pop("val_ssim"), row.pop("alarms"), row.pop("loss_mse")) == ("", "a b", "0.5")
    assert all(float(value) == getattr(epoch, key) for key, value in row.items())


def test_the_log_says_where_training_goes_on_within_its_first_epoch(dataset, tmp_path):
    for _ in range(2):  # a step each
        unet.train(unet.configure("demo", TINY), dataset, tmp_path, Resources(minutes=1e-9, quiet=True))
    starts = [line for line in (tmp_path / "training.log").read_text().splitlines() if "settings" in line]
    assert ["starts" in line for line in starts] == [True, False]
    assert "goes on after epoch 0, 4 crops on cpu" in starts[1]


def test_progress_goes_to_stderr(dataset, tmp_path, capsys):
    unet.train(unet.configure("demo", TINY), dataset, tmp_path, Resources())
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"train unet \(demo, changed [0-9a-f]{6}\): 48/48 crops", err)
    with progress("x", 1, "y", quiet=True) as bar:
        bar.step()
