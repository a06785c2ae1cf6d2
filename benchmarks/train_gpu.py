"""How fast a GPU trains: its matmul peak, crops per second, the share of the peak, waiting, memory. One short run.

    python benchmarks/train_gpu.py [--baseline unet] [--batches 16 32 64] [--compile no default max-autotune] [--json F]

Every row is a real training with the real loop: sharp pictures in the device's memory, crops cut, blurred and turned
there, bfloat16. Its first epoch warms up and compiles, its second is measured: whole epochs between two moments at
which the device had nothing left to do. The share of the peak (MFU) counts the multiplications and additions of
forward and backward, as torch's FlopCounterMode finds them, against a matmul of 8192 x 8192 in bfloat16 on the same
device. Aims on a card of the H200's class for `unet` at 256x256: 2,500 crops/s and 23 %; better, 4,000 and 37 %.

Without a GPU: `--device cpu --side 64 --batches 2 --steps 2 --matmul 256` shows that everything runs.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import torch
from kit import report
from torch.utils.flop_counter import FlopCounterMode

import deblurbench_baselines
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.tensors import torch_device
from deblurbench_baselines.training import session
from deblurbench_baselines.training.checkpoint import STATE, load_state
from deblurbench_baselines.training.history import Epoch
from deblurbench_baselines.training.trainer import Trainer

FRAMES = 16
RECIPE = """
schema = 1
name = "speed"
version = 1
summary = "A benchmark."
seed = 1
[[sources]]
source = "deadleaves"
count = {frames}
size = "448x256"
scenes = {{ train = 15, val = 1 }}
[[splits]]
name = "train"
draw = 1
blurs = [
    {{ family = "gaussian-opencv", size = 3, sigma = 0.3 }},
    {{ family = "gaussian-opencv", size = 7, sigma = 1.0 }},
    {{ family = "gaussian-opencv", size = 11, sigma = 1.6 }},
]
[[splits]]
name = "val"
blurs = [{{ family = "gaussian-opencv", size = 11, sigma = 1.6 }}]
"""


def wait(device: torch.device) -> None:
    """Until the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_peak(device: torch.device, size: int, dtype: torch.dtype = torch.bfloat16) -> float:
    """FLOP per second of a square matmul: the best of five rounds of ten."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(6):
        wait(device)
        start = time.perf_counter()
        for _ in range(10):
            left @ right
        wait(device)
        best = min(best, (time.perf_counter() - start) / 10)
    return 2 * size**3 / best


def flops_per_crop(network: NetworkSettings, side: int) -> int:
    """Of one forward and backward pass."""
    built = network.build()
    with FlopCounterMode(display=False) as counter:
        built(torch.zeros(1, 3, side, side)).sum().backward()
    return counter.get_total_flops()


class Measured(Trainer):
    """A trainer whose epochs begin and end with an idle device."""

    def _look(self, *args: object) -> None:
        super()._look(*args)
        wait(self._device)


def train(name: str, settings: list[str], dataset: Dataset, run: Path, device: torch.device) -> Epoch:
    """Two epochs, the second of which is given."""
    baseline = getattr(deblurbench_baselines, name)
    config, original = baseline.configure(None, settings), session.Trainer
    session.Trainer = Measured
    try:
        baseline.train(config, dataset, run, Resources(str(device), feed="device", quiet=True))
    finally:
        session.Trainer = original
    return load_state(run / STATE, config.hash(), dataset.id).history[-1]


def row(chosen: argparse.Namespace, dataset: Dataset, run: Path, device: torch.device, **key: object) -> dict:
    """One way to train."""
    pairs = dataset.splits["train"]
    each = -(-chosen.steps * key["batch"] // pairs)
    settings = [
        f"training.crop={chosen.side}", f"training.batch={key['batch']}", f"training.crops_per_pair={each}",
        f"training.compile={key['compile']}", f"training.channels_last={str(key['channels_last']).lower()}",
        "training.precision=bfloat16", "training.epochs=2", "training.early_stopping=2", *chosen.set,
    ]  # fmt: skip
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    epoch = train(chosen.baseline, settings, dataset, run, device)
    peak = (
        torch.cuda.max_memory_allocated(device)
        if device.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        **key,
        "crops_per_second": epoch.crops_per_second,
        "data_wait": epoch.data_wait,
        "peak_memory_mb": round(peak / 1e6),
        "seconds_in_all": round(time.perf_counter() - start, 1),
    }


def _digits(value: float) -> float:
    """Four of them that count."""
    return float(f"{value:.4g}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", default="unet", help="one without a critic")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--side", type=int, default=256, help="of the crops, pixels")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--steps", type=int, default=100, help="of an epoch, about")
    parser.add_argument("--compile", nargs="+", default=["no", "default", "max-autotune"])
    parser.add_argument("--contiguous", action="store_true", help="measure without channels_last, too")
    parser.add_argument("--matmul", type=int, default=8192, help="size of the matrices of the peak")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the recipe")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    device = torch_device(chosen.device)
    peak = matmul_peak(device, chosen.matmul)
    config = getattr(deblurbench_baselines, chosen.baseline).configure(None, chosen.set)
    flops = flops_per_crop(config.network, chosen.side)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "speed.toml"
        recipe.write_text(RECIPE.format(frames=FRAMES))
        dataset = build(make_plan(read_recipe(recipe)), Path(folder) / "set", quiet=True)
        for mode in chosen.compile:
            for batch in chosen.batches:
                for last in (True, False) if chosen.contiguous else (True,):
                    run = Path(folder) / f"{mode}-{batch}-{last}"
                    found = row(chosen, dataset, run, device, compile=mode, batch=batch, channels_last=last)
                    rows.append({**found, "mfu": _digits(found["crops_per_second"] * flops / peak)})
    results = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "baseline": chosen.baseline,
        "side": chosen.side,
        "matmul_peak_tflops": _digits(peak / 1e12),
        "gflop_per_crop": _digits(flops / 1e9),
        "best": max(rows, key=lambda found: found["crops_per_second"]),
        "rows": rows,
    }
    report(results, ("numpy", "torch"), chosen.json)


if __name__ == "__main__":
    main()
