"""How fast a pair of a dataset is made, against the loop that everybody writes first.

    python benchmarks/build_speed.py [--photo FILE.jpg] [--json FILE]

In: a JPEG of 1280x720. Out: the sharp and the blurred picture, each a lossless file. On one core, in turns:

- naive: Pillow open, cv2.filter2D on 8 bits, Pillow save of both pictures as PNG with its default settings;
- ours: what `build-dataset` does for every pair: decode by the strict rules, blur exactly, hash the pixels of both
  pictures, encode and write both so that no reader meets half a file; as PNG, and as QOI (the fast lossless format).

Ratios are of the least times. `not decode or encode` is the share of ours that goes into blur, hashes and writing.
"""

import itertools
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from kit import arguments, interleaved, kernels, load_photo, report
from PIL import Image

from deblurbench.blur.convolve import convolve
from deblurbench.blur.kernel import Kernel
from deblurbench.files import replacing
from deblurbench.images.codec import encode, read_rgb
from deblurbench.images.hashing import pixel_hash

NAMES = ("motion 31", "gaussian-opencv 11, sigma 1.6", "gaussian 11, sigma 1.6")
STAGES = ("decode", "blur", "hash", "encode", "write")


_numbers = itertools.count()


def naive(photo: Path, kernel: Kernel, folder: Path) -> None:
    """The first loop that comes to mind. (With an asymmetric kernel it even blurs the wrong way round.)"""
    sharp = np.array(Image.open(photo).convert("RGB"))
    blurred = cv2.filter2D(sharp, -1, kernel.weights)
    pair = next(_numbers)  # files of a new name each time, as in a build
    Image.fromarray(sharp).save(folder / f"{pair}-sharp-naive.png")
    Image.fromarray(blurred).save(folder / f"{pair}-blur-naive.png")


def ours(photo: Path, kernel: Kernel, folder: Path, codec: str) -> list[float]:
    """One pair; returns the seconds of each stage."""
    marks = [time.perf_counter()]
    sharp = read_rgb(photo)
    marks.append(time.perf_counter())
    blurred = convolve(sharp, kernel)
    marks.append(time.perf_counter())
    pixel_hash(sharp), pixel_hash(blurred)
    marks.append(time.perf_counter())
    files = {"sharp": encode(sharp, codec), "blur": encode(blurred, codec)}
    marks.append(time.perf_counter())
    pair = next(_numbers)
    for name, data in files.items():
        with replacing(folder / f"{pair}-{name}.{codec}") as temporary:
            temporary.write_bytes(data)
    marks.append(time.perf_counter())
    return np.diff(marks).tolist()


def measure(photo: Path, kernel: Kernel, folder: Path, rounds: int) -> dict[str, object]:
    """All ways in turns, for one kernel."""
    stages: dict[str, list[list[float]]] = {"png": [], "qoi": []}
    ways = {"naive": lambda: naive(photo, kernel, folder)}
    for codec, found in stages.items():
        ways[f"ours, {codec}"] = lambda codec=codec, found=found: found.append(ours(photo, kernel, folder, codec))
    times = interleaved(ways, rounds)
    result: dict[str, object] = {"taps": int(np.count_nonzero(kernel.taps)), "times": times}
    for codec, found in stages.items():
        least = dict(zip(STAGES, np.array(found[1:]).min(axis=0).tolist(), strict=True))
        rest = 1 - (least["decode"] + least["encode"]) / sum(least.values())
        result[codec] = {
            "times as fast as naive": round(times["naive"]["least_ms"] / times[f"ours, {codec}"]["least_ms"], 2),
            "by medians": round(times["naive"]["median_ms"] / times[f"ours, {codec}"]["median_ms"], 2),
            "stages_ms": {stage: round(seconds * 1000, 2) for stage, seconds in least.items()},
            "not decode or encode": round(rest, 3),
            "megabytes": _megabytes(folder, f".{codec}"),
        }
    result["naive megabytes"] = _megabytes(folder, "-naive.png")
    for file in folder.glob("*-*"):
        file.unlink()
    return result


def _megabytes(folder: Path, end: str) -> float:
    """Of one pair: its sharp and its blurred file."""
    sides = (next(folder.glob(f"*[0-9]-{side}{end}")) for side in ("sharp", "blur"))
    return round(sum(file.stat().st_size for file in sides) / 1e6, 2)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, photo={"type": Path, "help": "a JPEG of your own"})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo, picture = load_photo(options.photo, folder)
        results = {kernel: measure(photo, kernels()[kernel], folder, options.rounds) for kernel in NAMES}
        results = {"picture": f"{picture.shape[1]}x{picture.shape[0]}", "kernels": results}
    report(results, ("numpy", "opencv-python-headless", "pillow", "qoi", "isal"), options.json)


if __name__ == "__main__":
    main()
