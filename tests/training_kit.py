"""What the tests of training share: a tiny dataset, a tiny run, and its comparison with another."""

import csv

import numpy as np
import pytest
import torch

from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST, PhotoRecord, Record, dataset_id, write_manifest
from deblurbench.dataset.reader import open_dataset
from deblurbench.files import write_json
from deblurbench.images.codec import write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.runs.baseline import Resources
from deblurbench.runs.record import METRICS
from deblurbench_baselines import unet
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.training.checkpoint import STATE
from deblurbench_baselines.training.trainer import Trainer

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
                kernels=(),
                seed=1,
                sharp_sha256=pixel_hash(pair.sharp),
                blur_sha256=pixel_hash(pair.blur),
                sharp_dhash="0" * 16,
            )
            records.append(record)
    write_manifest(path / MANIFEST, records)
    recipe = {"name": "tiny", "version": 1}
    mark = {"schema": 1, "dataset_id": dataset_id(records), "recipe": recipe, "splits": splits}
    write_json(path / COMMIT_MARK, mark)
    return open_dataset(path)


def train(dataset, run, *more):
    config = unet.configure("demo", [*TINY, *more])
    unet.train(config, dataset, run, Resources(quiet=True))
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
    clock = ("seconds", "crops_per_second", "data_wait")
    return [{k: v for k, v in row.items() if k not in clock} for row in metrics(run)]


def assert_same_run(run, other):
    assert comparable(run) == comparable(other)
    assert (run / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
    states = [torch.load(folder / STATE, weights_only=True) for folder in (run, other)]
    assert_equal(*({key: state[key] for key in ("learner", "health", "random")} for state in states))


def assert_equal(value, other):
    """Nested dicts, lists and tensors, to the last bit."""
    assert type(value) is type(other)
    if isinstance(value, dict):
        assert value.keys() == other.keys()
        for key in value:
            assert_equal(value[key], other[key])
    elif isinstance(value, list | tuple):
        assert len(value) == len(other)
        for pair in zip(value, other, strict=True):
            assert_equal(*pair)
    elif isinstance(value, torch.Tensor):
        assert torch.equal(value, other)
    else:
        assert value == other
