"""How fast crops for training are made, without training: against a Dataset in the way of BasicSR.

    python benchmarks/data_path.py [--crops N] [--json FILE]

Frames of dead leaves, 448x256 and 1280x720, are built into datasets of two Gaussian blurs. All ways give batches of one
kind: 16 pairs of crops of 256x256, cut at random, turned and mirrored, float32 in [0, 1]. Everything is timed in turns,
on one core, each way with one thread or one worker; ratios are of the medians.

- `device`: the feed with the sharp frames in memory, which are blurred crop by crop (`load_s`: to read them, once);
- `memory`: the feed with both pictures of each pair in memory; `loader`: the one that reads the built PNG pairs;
- `basicsr`: what people write who blur as they train: `cv2.imread`, `cv2.GaussianBlur`, paired crop, flips and turn,
  float32 RGB, in a `DataLoader`, in process (`0`) or by one worker (`1`).
"""

import random
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from kit import arguments, interleaved, report
from torch.utils.data import DataLoader, Dataset

from deblurbench.dataset import reader
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import write_png
from deblurbench.sources.deadleaves import draw
from deblurbench_baselines.data.device import DeviceFeed
from deblurbench_baselines.data.loader import LoaderFeed
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import read_pairs
from deblurbench_baselines.data.sampler import batches, epoch_crops
from deblurbench_baselines.training.settings import TrainingSettings

SIDE, BATCH = 256, 16
FRAMES = {"448x256": 48, "1280x720": 16}  # more than a core's own caches hold
DRAWN = 4  # dead leaves take a second to draw: the other frames are these, rolled
RECIPE = """
schema = 1
name = "speed"
version = 1
summary = "A benchmark."
seed = 1
[[sources]]
source = "folder"
scenes = { train = 1 }
[[splits]]
name = "train"
blurs = [
    { family = "gaussian-opencv", sigma = 1.0, size = 7 },
    { family = "gaussian-opencv", sigma = 1.6, size = 11 },
]
"""


class BasicSRStyle(Dataset):
    """Reads, blurs, crops and turns in `__getitem__`, one pair at a time."""

    def __init__(self, dataset: reader.Dataset, side: int, length: int) -> None:
        records = list(dataset.records("train"))
        files = [pair.sharp for pair in dataset.pairs("train")]
        self.pairs = [(str(file), r.blur["size"], r.blur["sigma"]) for file, r in zip(files, records, strict=True)]
        self.side, self.length = side, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        sharp, blur = self.read(index)
        top = random.randint(0, sharp.shape[0] - self.side)
        left = random.randint(0, sharp.shape[1] - self.side)
        flip, flop, turn = (random.random() < 0.5 for _ in range(3))
        found = {}
        for name, picture in (("lq", blur), ("gt", sharp)):
            crop = picture[top : top + self.side, left : left + self.side]
            crop = cv2.flip(crop, 1) if flip else crop
            crop = cv2.flip(crop, 0) if flop else crop
            crop = crop.transpose(1, 0, 2) if turn else crop
            rgb = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_BGR2RGB).astype(np.float32) / 255
            found[name] = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
        return found

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The sharp and the blurred frame, BGR: those of the built pair."""
        file, size, sigma = self.pairs[index % len(self.pairs)]
        sharp = cv2.imread(file)
        return sharp, cv2.GaussianBlur(sharp, (size, size), sigma)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)


def make_dataset(folder: Path, width: int, height: int, frames: int) -> reader.Dataset:
    """Draw frames and build pairs of them."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    drawn = [draw(0, i, height, width) for i in range(min(DRAWN, frames))]
    for i in range(frames):
        write_png(photos / f"{i:03}.png", np.roll(drawn[i % len(drawn)], (7 * i, 13 * i), (0, 1)))
    (folder / "speed.toml").write_text(RECIPE)
    return build(make_plan(read_recipe(folder / "speed.toml"), photos), folder / "set", quiet=True)


def check_alike(dataset: reader.Dataset) -> None:
    """The other way blurs as the dataset is built: the work is the same."""
    other = BasicSRStyle(dataset, SIDE, 1)
    for index, record in enumerate(dataset.records("train")):
        if index < BATCH:
            assert np.array_equal(other.read(index)[1][..., ::-1], dataset.read(record, "blur"))


def one_size(dataset: reader.Dataset, side: int, crops: int, rounds: int) -> dict[str, object]:
    """Crops per second of each way, and how many times as fast as the BasicSR style ours are."""
    check_alike(dataset)
    records, cpu = list(dataset.records("train")), torch.device("cpu")
    settings = TrainingSettings(
        epochs=1,
        batch=BATCH,
        crop=side,
        crops_per_pair=-(-crops // len(records)),
        losses={"l1": 1.0},
        learning_rate=1e-3,
    )
    plan = list(batches(epoch_crops(settings, len(records), 1)[:crops], BATCH))
    start = time.perf_counter()
    device = DeviceFeed(dataset, records, side, cpu, quiet=True)
    load = time.perf_counter() - start
    feeds = {
        "device": device,
        "memory": MemoryFeed(read_pairs(dataset, records, "train", quiet=True), side, cpu),
        "loader": LoaderFeed(dataset, records, side, cpu, workers=1),
    }
    ways = {name: lambda feed=feed: drain(feed.batches(plan)) for name, feed in feeds.items()}
    for workers in (0, 1):
        other = DataLoader(
            BasicSRStyle(dataset, side, crops),
            batch_size=BATCH,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_one_thread,
        )
        ways[f"basicsr {workers}"] = lambda other=other: drain(other)
    times = {name: time["median_ms"] for name, time in interleaved(ways, rounds).items()}
    for feed in feeds.values():
        feed.close()
    return {
        "pairs": len(records),
        "crops": crops,
        "load_s": round(load, 2),
        "crops per second": {name: round(1000 * crops / ms, 1) for name, ms in times.items()},
        "times as fast as basicsr": {
            name: {str(w): round(times[f"basicsr {w}"] / times[name], 2) for w in (0, 1)} for name in feeds
        },
    }


def drain(stream: Iterable[object]) -> None:
    """Take all batches and let go of them."""
    for _ in stream:
        pass


def table(sizes: dict[str, dict]) -> str:
    """The figures for people."""
    lines = [f"{'crops/s':<12}" + "".join(f"{size:>12}{'x basicsr 0, 1':>16}" for size in sizes)]
    for name in next(iter(sizes.values()))["crops per second"]:
        cells = []
        for found in sizes.values():
            ratio = found["times as fast as basicsr"].get(name)
            beside = "  ".join(f"{value:.1f}" for value in ratio.values()) if ratio else ""
            cells.append(f"{found['crops per second'][name]:>12}{beside:>16}")
        lines.append(f"{name:<12}" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, crops={"type": int, "default": 64, "help": "in each pass"})
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    sizes = {}
    with tempfile.TemporaryDirectory() as name:
        for size, frames in FRAMES.items():
            width, height = map(int, size.split("x"))
            dataset = make_dataset(Path(name) / size, width, height, frames)
            sizes[size] = one_size(dataset, SIDE, options.crops, options.rounds)
    print(table(sizes))
    results = {"side": SIDE, "batch": BATCH, "sizes": sizes}
    report(results, ("numpy", "torch", "opencv-python-headless", "numba", "isal"), options.json)


if __name__ == "__main__":
    main()
