"""Whether a recipe that is trained twice gives the same weights, bit for bit, on a CPU.

    python benchmarks/trained_twice.py [NAME] [--data DIR] [--epochs N] [--threads N] [--json FILE]

NAME (default: swift) is trained from its recipe, but for N epochs (default: 4), in two processes one after the other;
compared are the two files of weights. Without DIR the dataset is the recipe `swift` of dead leaves alone: 30 pictures
give 600 pairs, and 4 epochs 300 steps.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kit import report

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.files import sha256_file
from deblurbench.paths import recipe_file
from deblurbench.runs.baseline import WEIGHTS

LEAVES = """[[sources]]
source = "deadleaves"
count = 32
size = "448x448"
scenes = { train = 15, val = 1 }

"""


def leaves(folder: Path) -> Path:
    """The dataset `swift` without photographs."""
    head, _, splits = recipe_file("swift").read_text().partition("[[splits]]")
    recipe = folder / "leaves.toml"
    recipe.write_text(head.partition("[[sources]]")[0] + LEAVES + "[[splits]]" + splits)
    return build(make_plan(read_recipe(recipe)), folder / "set").path


def train(name: str, data: Path, run: Path, epochs: int, threads: int) -> str:
    """Train in a process of its own; returns the SHA-256 of the weights."""
    command = [sys.executable, "-m", "deblurbench", "run-baseline", name, "--data", data, "--out", run, "--train-only"]
    command += ["--device", "cpu", "--set", f"training.epochs={epochs}"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    subprocess.run([str(part) for part in command], check=True, env=environment)
    return sha256_file(run / WEIGHTS)


def main() -> None:
    """Train twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="swift")
    parser.add_argument("--data", type=Path, help="the dataset")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        data = chosen.data or leaves(Path(place))
        pairs = open_dataset(data).splits["train"]
        runs = [train(chosen.name, data, Path(place) / run, chosen.epochs, chosen.threads) for run in ("one", "two")]
    figures = {"pairs": pairs, "epochs": chosen.epochs, "weights_sha256": runs, "equal": runs[0] == runs[1]}
    report(figures, ("torch", "numpy"), chosen.json)
    sys.exit(runs[0] != runs[1])


if __name__ == "__main__":
    main()
