"""What the training loop costs beside a bare loop of forward, backward and step, on the CPU.

    python benchmarks/training_speed.py [--rounds R] [--baseline NAME] [--set training.KEY=VALUE] [--json FILE]

A real training, run folder, validation, states and all, of a built dataset that lies in memory (`feed=device`), whose
epochs are a few steps long. After each epoch the bare loop takes as many steps: same network, optimiser and loss, on
tensors that are made beforehand, and nothing beside. So the two are timed in turns; the first turn does not count.
Ours is the training part of an epoch as `metrics.csv` has it, crops made in it included; likewise the share of it that
was spent waiting for crops.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import torch
from kit import report

import deblurbench_baselines
from deblurbench.config import Config
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.progress import Progress
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.data.device import DeviceFeed
from deblurbench_baselines.data.sampler import batches, epoch_crops
from deblurbench_baselines.losses.combined import Losses
from deblurbench_baselines.tensors import place
from deblurbench_baselines.training.history import Epoch
from deblurbench_baselines.training.trainer import Trainer

CPU = torch.device("cpu")
RECIPE = """
schema = 1
name = "speed"
version = 1
summary = "A benchmark."
seed = 1
[[sources]]
source = "deadleaves"
count = 8
size = "288x272"
scenes = { train = 6, val = 1 }
[[splits]]
name = "train"
blurs = [{ family = "gaussian-opencv", sigma = 1.6, size = 11 }]
[[splits]]
name = "val"
blurs = [{ family = "gaussian-opencv", sigma = 1.6, size = 11 }]
"""


class BareLoop:
    """Forward, backward, step: what a training cannot do without."""

    def __init__(self, config: Config, dataset: Dataset) -> None:
        settings = config.training
        records = list(dataset.records("train"))
        with closing(DeviceFeed(dataset, records, settings.crop, CPU, quiet=True)) as feed:
            crops = epoch_crops(settings, feed.pairs, 1)
            self._batches = list(feed.batches(list(batches(crops, settings.batch))))
        self.crops = len(crops)
        self._network = place(config.network.build(), CPU).train()
        self._losses = Losses(settings.losses)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimiser]
        self._optimiser = kind(self._network.parameters(), lr=settings.learning_rate, fused=True)

    def seconds(self) -> float:
        """Of as many steps as an epoch has."""
        start = time.perf_counter()
        for blur, sharp in self._batches:
            loss, _ = self._losses(self._network(blur), sharp)
            loss.backward()
            self._optimiser.step()
            self._optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - start


def in_turns(config: Config, dataset: Dataset, baseline: object, run: Path) -> list[tuple[Epoch, float]]:
    """The epochs of a training, and for each the seconds of the bare loop after it."""
    bare, found, epochs = BareLoop(config, dataset), [], Trainer.epochs

    def interrupted(trainer: Trainer, bar: Progress) -> Iterator[Epoch]:
        for epoch in epochs(trainer, bar):
            os.sync()  # the epoch's state is not written while the bare loop runs
            found.append((epoch, bare.seconds()))
            yield epoch

    Trainer.epochs = interrupted
    try:
        baseline.train(config, dataset, run, Resources(device="cpu", feed="device", quiet=True))
    finally:
        Trainer.epochs = epochs
    return found[1:]


def summary(turns: list[tuple[Epoch, float]], crops: int) -> dict[str, object]:
    """Medians over the turns."""
    ours = statistics.median(epoch.crops_per_second for epoch, _ in turns)
    bare = statistics.median(crops / seconds for _, seconds in turns)
    each = [epoch.crops_per_second * seconds / crops for epoch, seconds in turns]
    return {
        "turns": len(turns),
        "crops in a turn": crops,
        "crops per second": {"ours": round(ours, 3), "bare": round(bare, 3)},
        "ours beside bare": round(ours / bare, 4),
        "ours beside bare, median of the turns": round(statistics.median(each), 4),
        "data wait": {
            "median": statistics.median(epoch.data_wait for epoch, _ in turns),
            "most": max(epoch.data_wait for epoch, _ in turns),
        },
    }


def measure(name: str, settings: list[str], turns: int, folder: Path) -> dict[str, object]:
    """Build the dataset, train, compare."""
    (folder / "speed.toml").write_text(RECIPE)
    dataset = build(make_plan(read_recipe(folder / "speed.toml")), folder / "set", quiet=True)
    baseline = getattr(deblurbench_baselines, name)
    config = baseline.configure(
        None, [*settings, f"training.epochs={turns + 1}", f"training.early_stopping={turns + 1}"]
    )
    found = summary(in_turns(config, dataset, baseline, folder / "run"), BareLoop(config, dataset).crops)
    training = config.training
    return {"baseline": name, "batch": training.batch, "crop": training.crop, **found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--baseline", default="unet", help="one without a critic")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, help="of torch (default: its own choice)")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    sizes = ["training.batch=4", "training.crop=128", "training.crops_per_pair=4"]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen.baseline, [*sizes, *chosen.set], chosen.rounds, Path(folder))
    report({"threads": torch.get_num_threads(), **found}, ("numpy", "torch", "numba"), chosen.json)


if __name__ == "__main__":
    main()
