"""How fast whole datasets are built, by one worker and by two, against the naive loop over the same photos.

    python benchmarks/whole_build.py [--photos N] [--rounds R] [--json FILE]

N different JPEGs of 1280x720 become a dataset of one motion kernel: everything is in it, from listing and hashing the
photos to checksums and the commit mark. `start` is the time of a build of two photos: what a build costs before its
first pair. Run it on an idle machine of two cores or more; ratios are of the least times.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from build_speed import naive
from kit import make_photo, motion, report
from PIL import Image

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import read_rgb

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
blurs = [{ family = "measured", path = "KERNEL", orientation = "as-is" }]
"""


def make_photos(folder: Path, count: int) -> Path:
    """`count` different pictures: the same mosaic, rolled."""
    folder.mkdir()
    picture = read_rgb(make_photo(folder.parent / "mosaic.jpg"))
    for i in range(count):
        Image.fromarray(np.roll(picture, (7 * i, 13 * i), (0, 1))).save(folder / f"{i:04d}.jpg", quality=92)
    return folder


def timed(recipe: Path, photos: Path, out: Path, workers: int, fmt: str) -> float:
    """Seconds of one build, its planning included."""
    start = time.perf_counter()
    build(make_plan(read_recipe(recipe), photos), out, workers=workers, fmt=fmt, quiet=True)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


def loop(photos: Path, out: Path) -> float:
    """Seconds of the naive loop over all photos, on one core."""
    kernel = motion(31)
    out.mkdir()
    start = time.perf_counter()
    for photo in sorted(photos.glob("*.jpg")):
        naive(photo, kernel, out)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "k.npy", motion(31).weights)
        recipe = folder / "speed.toml"
        recipe.write_text(RECIPE.replace("KERNEL", str(folder / "k.npy")))
        photos, few = make_photos(folder / "photos", chosen.photos), make_photos(folder / "few", 2)
        best: dict[str, float] = {}
        for _ in range(chosen.rounds):
            found = {"naive": loop(photos, folder / "out")}
            for fmt in ("png", "qoi"):
                for workers in (1, 2):
                    found[f"{fmt} {workers}"] = timed(recipe, photos, folder / "out", workers, fmt)
                    found[f"start {workers}"] = timed(recipe, few, folder / "out", workers, fmt)
            best = {key: min(seconds, best.get(key, seconds)) for key, seconds in found.items()}
    ratios = {
        **{f"{fmt}: one worker against the naive loop": best["naive"] / best[f"{fmt} 1"] for fmt in ("png", "qoi")},
        **{f"{fmt}: two workers against one": best[f"{fmt} 1"] / best[f"{fmt} 2"] for fmt in ("png", "qoi")},
        **{
            f"{fmt}: the same, without the start": (best[f"{fmt} 1"] - best["start 1"])
            / (best[f"{fmt} 2"] - best["start 2"])
            for fmt in ("png", "qoi")
        },
    }
    results = {
        "photos": chosen.photos,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "seconds": {key: round(value, 2) for key, value in best.items()},
        "ratios": {key: round(value, 2) for key, value in ratios.items()},
    }
    report(results, ("numpy", "opencv-python-headless", "pillow", "qoi", "isal"), chosen.json)


if __name__ == "__main__":
    main()
