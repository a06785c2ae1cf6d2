"""What more weights buy: quality, memory and time of several networks after equally many steps on equal crops.

    python benchmarks/trade_off.py [NAME ...] [--steps N] [--side S] [--batch B] [--set KEY=VALUE] [--json FILE]

The founders' question was whether a bottleneck of 1024 channels is worth four times the weights of one of 512 (document
004: +0.05 dB). Each network is trained in a process of its own, by its recipe but for size and number of the crops, on
dead leaves blurred by a Gaussian of sigma 1.6; said are its counts, multiply-adds per 256x256 picture, seconds per
step, peak memory of the process (of the GPU, where that trains), and the PSNR on `val` beside the blurred pictures.
"""

import argparse
import multiprocessing
import resource
import tempfile
from pathlib import Path

import torch
from kit import report
from torch.utils.flop_counter import FlopCounterMode

import deblurbench_baselines
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.runs.baseline import Resources
from deblurbench_baselines.training.checkpoint import load_state

PAIRS = 48
RECIPE = f"""
schema = 1
name = "trade-off"
version = 1
summary = "A benchmark."
seed = 1
[[sources]]
source = "deadleaves"
count = {PAIRS}
size = "192x192"
scenes = {{ train = 7, val = 1 }}
[[splits]]
name = "train"
blurs = [{{ family = "gaussian-opencv", size = 11, sigma = 1.6 }}]
[[splits]]
name = "val"
blurs = [{{ family = "gaussian-opencv", size = 11, sigma = 1.6 }}]
"""


def macs(network: torch.nn.Module) -> int:
    """Multiply-adds of one 256x256 picture."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, 256, 256))
    return counter.get_total_flops() // 2


def measure(name: str, chosen: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Train one network; called in a process that has done nothing else."""
    baseline = getattr(deblurbench_baselines, name.replace("-", "_"))
    dataset = open_dataset(folder / "set")
    epochs = 4
    each = max(1, round(chosen.steps * chosen.batch / (epochs * dataset.splits["train"])))
    settings = [
        f"training.crop={chosen.side}", f"training.batch={chosen.batch}", f"training.crops_per_pair={each}",
        f"training.epochs={epochs}", "training.schedule=cosine", "training.learning_rate=5e-4", *chosen.set,
    ]  # fmt: skip
    config = baseline.configure(None, settings)
    run = folder / name
    baseline.train(config, dataset, run, Resources(chosen.device, quiet=True))
    history = load_state(run / "state.pt", config.hash(), dataset.id).history
    best = max(history, key=lambda epoch: epoch.val_psnr)
    on_gpu = chosen.device.startswith("cuda")
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    parameters, trainable = baseline.counts(config)
    return {
        "name": name,
        "parameters": parameters,
        "trainable": trainable,
        "gmac_256": round(macs(config.network.build()) / 1e9, 2),
        "steps": -(-history[-1].crops // chosen.batch),
        "seconds_per_step": round(chosen.batch / best.crops_per_second, 3),
        "peak_memory_mb": round(peak / 1e6),
        "val_psnr_db": round(best.val_psnr, 3),
        "blurred_psnr_db": round(best.blurred_psnr, 3),
        "gain_db": round(best.val_psnr - best.blurred_psnr, 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["unet-512", "unet-1024"], metavar="NAME")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--side", type=int, default=64, help="of the crops, pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the recipes")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "set.toml").write_text(RECIPE)
        build(make_plan(read_recipe(Path(folder) / "set.toml")), Path(folder) / "set", quiet=True)
        spawn = multiprocessing.get_context("spawn")
        for name in chosen.names:
            with spawn.Pool(1) as process:
                rows.append(process.apply(measure, (name, chosen, Path(folder))))
    report({"side": chosen.side, "batch": chosen.batch, "device": chosen.device, "rows": rows}, ("torch",), chosen.json)


if __name__ == "__main__":
    main()
