"""Training: what it sees, when it stops, and that an interruption changes nothing."""

import csv
import json
import math
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST, PhotoRecord, Record, dataset_id, write_manifest
from deblurbench.dataset.reader import open_dataset
from deblurbench.errors import DatasetError, RunError
from deblurbench.files import canonical_json, write_json
from deblurbench.images.codec import write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress
from deblurbench_baselines import unet
from deblurbench_baselines.inference.weights import read_metadata
from deblurbench_baselines.training import optimisation, session
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.history import CURVES, METRICS, Epoch, write_metrics
from deblurbench_baselines.training.pairs import Pair, read_pairs
from deblurbench_baselines.training.sampler import Crop, batches, check_sizes, cut, epoch_crops
from deblurbench_baselines.training.schedule import best_epoch, finished, learning_rate, plateaus
from deblurbench_baselines.training.trainer import Trainer
from deblurbench_baselines.training.validation import decibels, mean_squared_error, validation_mse

WEIGHTS = "weights.safetensors"
TINY = [
    "network.widths=[6, 8]",
    "network.batch_norm=['bottleneck']",
    "training.epochs=4",
    "training.batch=4",
    "training.crop=16",
    "training.crops_per_pair=3",
    "training.warm_up=2",
]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_curves(monkeypatch):
    """Drawing takes longer than such small networks."""
    monkeypatch.setattr("deblurbench_baselines.training.trainer.draw_curves", lambda *_: None)


def settings(**changes):
    return unet.configure("demo", TINY).training.model_copy(update=changes)


def smooth_pair(seed, height=24, width=32):
    """A sharp picture of random blocks and its 3x3 box blur, uint8."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3))
    sharp = blocks.repeat(4, axis=0).repeat(4, axis=1)
    padded = np.pad(sharp, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    total = np.sum([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)
    return Pair(f"p{seed}", (total // 9).astype(np.uint8), sharp.astype(np.uint8))


def make_dataset(path, splits):
    """A finished dataset folder with `splits` pairs of 32x24; test pictures are no pictures at all."""
    records: list[Record] = []
    for split, count in splits.items():
        for index in range(count):
            pair = smooth_pair(100 * len(records) + index)
            for side, picture in (("blur", pair.blur), ("sharp", pair.sharp)):
                file = path / split / side / f"{pair.name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                if split.startswith("test"):
                    file.write_bytes(b"not a picture: training must not read it")
                else:
                    write_png(file, picture)
            photo = PhotoRecord(source="s", url="", author="", licence="", raw_sha256="0" * 64)
            record = Record(
                pair=f"{split}/{pair.name}",
                split=split,
                scene=pair.name,
                photo=photo,
                preparation={},
                blur={},
                kernel="0" * 64,
                seed=1,
                sharp_sha256=pixel_hash(pair.sharp),
                blur_sha256=pixel_hash(pair.blur),
            )
            records.append(record)
    write_manifest(path / MANIFEST, records)
    recipe = {"name": "tiny", "version": 1}
    mark = {"schema": 1, "dataset_id": dataset_id(records), "recipe": recipe, "splits": splits}
    write_json(path / COMMIT_MARK, mark)
    return open_dataset(path)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "tiny", {"train": 4, "val": 2, "test": 1, "test-g1.2": 1})


def train(dataset, run, *more):
    config = unet.configure("demo", [*TINY, *more])
    unet.train(config, dataset, run, device="cpu", quiet=True)
    return config


def train_until(monkeypatch, epochs, dataset, run, *more):
    """Train, but be interrupted when so many epochs of this call are done."""
    whole = Trainer.epochs

    def some(self, bar):
        for done, epoch in enumerate(whole(self, bar), 1):
            yield epoch
            if done == epochs:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "epochs", some)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, run, *more)


def metrics(run):
    with (run / METRICS).open() as file:
        return list(csv.DictReader(file))


def comparable(run):
    """All columns of the metrics but those of the clock."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "crops_per_second")} for row in metrics(run)]


def assert_same_run(run, other):
    assert comparable(run) == comparable(other)
    assert (run / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
    states = [torch.load(folder / STATE, weights_only=True) for folder in (run, other)]
    for name, tensor in states[0]["network"].items():
        assert torch.equal(tensor, states[1]["network"][name])
    for index, values in states[0]["optimiser"]["state"].items():
        for key, value in values.items():
            assert torch.equal(value, states[1]["optimiser"]["state"][index][key])
    assert torch.equal(states[0]["random"]["cpu"], states[1]["random"]["cpu"])


# What an epoch shows


def test_crops_are_a_function_of_seed_and_epoch():
    sizes = [(24, 32), (64, 16), (40, 40)]
    crops = epoch_crops(settings(), sizes, 3)
    assert crops == epoch_crops(settings(), sizes, 3)
    assert crops != epoch_crops(settings(), sizes, 4)
    assert crops != epoch_crops(settings(seed=2), sizes, 3)


def test_each_pair_gives_its_crops_inside_the_picture():
    sizes = [(24, 32), (64, 16), (40, 40)]
    crops = epoch_crops(settings(crops_per_pair=50), sizes, 1)
    assert np.bincount([crop.pair for crop in crops]).tolist() == [50, 50, 50]
    for crop in crops:
        height, width = sizes[crop.pair]
        assert 0 <= crop.top <= height - 16
        assert 0 <= crop.left <= width - 16
    first = [crop for crop in crops if crop.pair == 0]
    assert {crop.top for crop in first} == set(range(9))  # 50 draws of 9: both ends are reached
    assert {crop.orientation for crop in crops} == set(range(8))
    assert [crop.pair for crop in crops] != sorted(crop.pair for crop in crops)


def test_all_eight_orientations_of_a_crop_differ():
    picture = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    pieces = [cut(picture, Crop(0, 1, 2, orientation), 4) for orientation in range(8)]
    np.testing.assert_array_equal(pieces[0], picture[1:5, 2:6])
    assert len({piece.tobytes() for piece in pieces}) == 8
    assert all(sorted(piece.ravel()) == sorted(pieces[0].ravel()) for piece in pieces)


def test_the_last_batch_may_be_smaller():
    crops = epoch_crops(settings(), [(16, 16)] * 3, 1)
    assert [len(batch) for batch in batches(crops, 4)] == [4, 4, 1]


def test_pair_smaller_than_a_crop_is_named():
    with pytest.raises(RunError, match=r"train/p1 is 32x24, smaller than a crop of 25"):
        check_sizes(settings(crop=25), [smooth_pair(1)])


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


def test_training_ends_early_or_with_the_last_epoch():
    patient = settings(epochs=9, early_stopping=2)
    assert not finished(patient, [])
    assert not finished(patient, [3.0, 2.0, 2.0])
    assert finished(patient, [3.0, 2.0, 2.0, 2.5])
    assert finished(patient, [9.0 - i for i in range(9)])
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
    assert validation_mse(read_pairs(dataset, "val", quiet=True), restore) == best


@pytest.mark.usefixtures("no_curves")
def test_both_losses_and_optimisers_train(dataset, tmp_path):
    for loss, optimiser in (("l1", "adamw"), ("mse", "adam")):
        more = ["training.epochs=1", f"training.loss='{loss}'", f"training.optimiser='{optimiser}'"]
        train(dataset, tmp_path / loss, *more)
        assert len(metrics(tmp_path / loss)) == 1


def test_run_folder_holds_what_was_promised(dataset, tmp_path):
    config = train(dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([METRICS, CURVES, STATE, WEIGHTS])
    assert (tmp_path / CURVES).read_bytes().startswith(b"\x89PNG")
    metadata = read_metadata(tmp_path / WEIGHTS)
    assert metadata == {
        "baseline": "unet",
        "preset": "demo",
        "config": canonical_json(config.as_dict()),
        "dataset_id": dataset.id,
    }
    assert unet.reconfigure(json.loads(metadata["config"])) == config
    first = metrics(tmp_path)[0]
    assert list(first) == [
        "epoch", "train_loss", "val_mse", "val_psnr", "blurred_psnr", "learning_rate", "seconds", "crops_per_second",
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
    monkeypatch.setitem(optimisation._LOSSES, "mse", lambda output, _: output.mean() * math.nan)
    with pytest.raises(RunError, match=r"the loss became nan in epoch 1: .*training.learning_rate=0.0002"):
        train(dataset, tmp_path, "training.loss='mse'", "training.learning_rate=0.002")
    assert not (tmp_path / STATE).exists()


# What it may see


def test_training_reads_train_and_val_alone(dataset):
    assert len(read_pairs(dataset, "train", quiet=True)) == 4
    assert len(read_pairs(dataset, "val", quiet=True)) == 2
    for split in ("test", "test-g1.2"):
        with pytest.raises(ValueError, match="does not read the split"):
            read_pairs(dataset, cast(Any, split), quiet=True)


def test_missing_split_is_named(dataset):
    with pytest.raises(RunError, match="has no val split"):
        read_pairs(replace(dataset, splits={"train": 4}), "val", quiet=True)


def test_sides_that_differ_in_size_are_named(tmp_path):
    tiny = make_dataset(tmp_path / "tiny", {"train": 1, "val": 1})
    write_png(tiny.pairs("val")[0].blur, np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(DatasetError, match="differ in size"):
        read_pairs(tiny, "val", quiet=True)


def test_validation_is_exact():
    a, b = np.full((2, 3, 3), 250, np.uint8), np.full((2, 3, 3), 5, np.uint8)
    assert mean_squared_error(a, b) == mean_squared_error(b, a) == 245**2 / 255**2
    assert decibels(0.001) == pytest.approx(30)
    assert decibels(0) == math.inf


# Interruptions


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("stops", [(1,), (3,), (1, 1, 1)])
def test_interrupted_run_ends_with_the_same_bits(dataset, tmp_path, monkeypatch, stops):
    train(dataset, tmp_path / "whole")
    for epochs in stops:
        train_until(monkeypatch, epochs, dataset, tmp_path / "parts")
    assert len(metrics(tmp_path / "parts")) == sum(stops)
    train(dataset, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
def test_plateau_and_patience_survive_an_interruption(dataset, tmp_path, monkeypatch):
    more = [
        "training.learning_rate=1e-12",
        "training.schedule='plateau'",
        "training.plateau_patience=0",
        "training.early_stopping=3",
    ]
    train(dataset, tmp_path / "whole", *more)
    train_until(monkeypatch, 2, dataset, tmp_path / "parts", *more)
    train(dataset, tmp_path / "parts", *more)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("last", [WEIGHTS, STATE])
def test_interruption_between_two_files_changes_nothing(dataset, tmp_path, monkeypatch, last):
    """A kill just after `last` was written, in the second epoch."""
    train(dataset, tmp_path / "whole")
    train_until(monkeypatch, 1, dataset, tmp_path / "parts")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        name = "save_state" if last == WEIGHTS else "write_metrics"
        patch.setattr(f"deblurbench_baselines.training.trainer.{name}", killed)
        if last == STATE:  # taking up the state reports it; only the next report is interrupted
            patch.setattr(Trainer, "resume", _quiet_resume(Trainer.resume, patch, killed))
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path / "parts")
    train(dataset, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def _quiet_resume(resume, patch, killed):
    def wrapped(self):
        patch.setattr("deblurbench_baselines.training.trainer.write_metrics", write_metrics)
        resume(self)
        patch.setattr("deblurbench_baselines.training.trainer.write_metrics", killed)

    return wrapped


@pytest.mark.usefixtures("no_curves")
def test_killed_process_is_continued_bit_for_bit(dataset, tmp_path):
    more = ["training.epochs=20", "training.early_stopping=20"]
    code = f"""
import torch; torch.set_num_threads(1)
from pathlib import Path
from deblurbench.dataset.reader import open_dataset
from deblurbench_baselines import unet
config = unet.configure("demo", {[*TINY, *more]!r})
unet.train(config, open_dataset(Path({str(dataset.path)!r})), Path({str(tmp_path / "killed")!r}), device="cpu")
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (
            (tmp_path / "killed" / METRICS).exists() and len(metrics(tmp_path / "killed")) >= 3
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 3 <= len(metrics(tmp_path / "killed")) < 20
    train(dataset, tmp_path / "killed", *more)
    train(dataset, tmp_path / "whole", *more)
    assert [row["epoch"] for row in metrics(tmp_path / "killed")] == [str(n) for n in range(1, 21)]
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_finished_run_is_left_alone(dataset, tmp_path, monkeypatch):
    train(dataset, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr(session, "read_pairs", None)  # not even the pictures are read
    train(dataset, tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(RunError, match="is gone"):
        train(dataset, tmp_path)


@pytest.mark.usefixtures("no_curves")
def test_state_of_another_run_is_refused(dataset, tmp_path):
    train(dataset, tmp_path, "training.epochs=1")
    with pytest.raises(RunError, match="belongs to other settings"):
        train(dataset, tmp_path, "training.epochs=2")
    with pytest.raises(RunError, match="belongs to another dataset"):
        train(replace(dataset, id="f" * 64), tmp_path, "training.epochs=1")


class Hostile:
    """What a pickle could do."""

    def __reduce__(self):
        return print, ("code in a state file ran",)


@pytest.mark.parametrize("content", [b"", b"damaged", pickle.dumps(Hostile(), 2), pickle.dumps({"schema": 1}, 2)])
def test_damaged_state_is_refused_and_runs_no_code(dataset, tmp_path, content, capsys):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(RunError, match=r"state\.pt is damaged"):
        train(dataset, tmp_path)
    assert "ran" not in capsys.readouterr().out


def test_metrics_hold_infinite_figures(tmp_path):
    epoch = Epoch(1, 0.5, 0.0, math.inf, 30.0, 1e-3, 0.1, 10.0)
    write_metrics(tmp_path / METRICS, [epoch])
    assert {key: float(value) for key, value in metrics(tmp_path)[0].items()} == asdict(epoch)


def test_progress_goes_to_stderr(dataset, tmp_path, capsys):
    unet.train(unet.configure("demo", TINY), dataset, tmp_path, device="cpu")
    out, err = capsys.readouterr()
    assert out == ""
    assert "train unet (demo): 48/48 crops" in err
    with progress("x", 1, "y", quiet=True) as bar:
        bar.step()
