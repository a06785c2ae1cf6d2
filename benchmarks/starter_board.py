"""Runs every baseline on the dataset `starter` and puts the results on a board: how the rows that ship were made.

    python benchmarks/starter_board.py OUT [--board DIR] [--only NAME ...]

OUT holds the dataset and the runs; the same command again goes on. Networks whose weights do not ship are trained for
as long as one CPU needs for a preset: `demo`, `cpu` or `smoke`, the first that there is. Their rows say so.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from deblurbench import plugins
from deblurbench.runs.baseline import Baseline

PRESETS = ("demo", "cpu", "smoke")


def preset(baseline: Baseline) -> str | None:
    """The longest training that one CPU does in minutes; None of what needs none."""
    if not baseline.trains or baseline.shipped(baseline.configure()):
        return None
    return next((name for name in PRESETS if name in baseline.presets), None)


def deblurbench(*words: object) -> None:
    """One command, as somebody would type it."""
    subprocess.run([sys.executable, "-P", "-m", "deblurbench", *map(str, words)], check=True)


def main() -> None:
    """Build, run, add, make the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--board", type=Path, default=Path("leaderboard"))
    parser.add_argument("--only", nargs="+", help="these baselines alone")
    arguments = parser.parse_args()
    data = arguments.out / "starter"
    deblurbench("build-dataset", "starter", "--out", data)
    for name in arguments.only or sorted(plugins.find("baselines")):
        chosen = preset(plugins.load("baselines", name))
        run = arguments.out / "runs" / name
        deblurbench("run-baseline", name, *(["--preset", chosen] if chosen else []), "--data", data, "--out", run)
        deblurbench("leaderboard", "add", run, "--board", arguments.board, "--overwrite")
    deblurbench("leaderboard", "build", "--board", arguments.board, "--no-site")


if __name__ == "__main__":
    main()
