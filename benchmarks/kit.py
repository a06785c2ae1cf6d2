"""What the speed benchmarks share: one photograph, a few kernels, interleaved timing on one core, JSON out."""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.images.codec import Picture, read_rgb
from deblurbench.images.resize import crop_to_ratio, resize

WIDTH, HEIGHT = 1280, 720


def arguments(description: str, **more: dict[str, Any]) -> argparse.Namespace:
    """The options that all benchmarks have, and more of one's own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="how often everything is timed, in turns")
    parser.add_argument("--core", type=int, help="which core to stay on (Linux; default: the last one)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    for name, options in more.items():
        parser.add_argument(f"--{name}", **options)
    found = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if found.core is None else found.core})
    return found


def make_photo(path: Path) -> Path:
    """A JPEG, 1280x720, quality 92, of four sample photographs that come with scikit-image."""
    from skimage import data_dir

    names = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")
    tiles = [resize(crop_to_ratio(read_rgb(Path(data_dir) / n), 16, 9), HEIGHT // 2, WIDTH // 2) for n in names]
    mosaic = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    Image.fromarray(mosaic).save(path, quality=92)
    return path


def motion(size: int) -> Kernel:
    """A curved path of the camera, as long and as high as the kernel: thin, as those of shaking hands are."""
    t = np.linspace(-1, 1, 100 * size)
    half = (size - 1) / 2
    rows, columns = half + (half - 0.01) * t, half + 0.3 * half * np.sin(2.4 * t + 0.4 * t**2)
    taps = np.zeros((size + 1, size + 1))
    y, x = rows.astype(int), columns.astype(int)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - (rows - y)) * np.abs(1 - right - (columns - x))
            np.add.at(taps, (y + down, x + right), weight)
    return quantise(taps[:size, :size])


def disk(radius: float) -> Kernel:
    """Defocus: a disk with a soft rim."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return quantise(np.clip(radius + 0.5 - np.hypot(y, x), 0, 1))


def kernels() -> dict[str, Kernel]:
    """One of each kind, by name."""
    return {
        "motion 31": motion(31),
        "motion 65": motion(65),
        "gaussian 11, sigma 1.6": Gaussian(sigma=1.6, size=11).kernel(),
        "gaussian-opencv 11, sigma 1.6": GaussianOpenCV(sigma=1.6, size=11).kernel(),
        "gaussian 31, sigma 5": Gaussian(sigma=5.0, size=31).kernel(),
        "disk, radius 7.3": disk(7.3),
    }


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Time each way once per round, in turns, so that whatever else the machine does hits them alike.

    Returns:
        Per way the least and the median of its times, milliseconds.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # warm: libraries imported, plans made
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - start) * 1000)
    return {n: {"least_ms": round(min(t), 2), "median_ms": round(statistics.median(t), 2)} for n, t in times.items()}


def shared_folder() -> Path:
    """The folder of pictures that DEBLURBENCH_SHARED names, else shared/ beside the checkout."""
    return Path(os.environ.get("DEBLURBENCH_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def load_photo(path: Path | None, folder: Path) -> tuple[Path, Picture]:
    """The user's photograph, or the one that is made for everybody."""
    file = path or make_photo(folder / "photo.jpg")
    return file, read_rgb(file)


def report(results: Mapping[str, Any], packages: tuple[str, ...], file: Path | None) -> None:
    """Print the figures with the machine and the versions that gave them as JSON, and write them."""
    versions = {name: importlib.metadata.version(name) for name in packages}
    whole = {"processor": _processor(), "python": platform.python_version(), "versions": versions, **results}
    text = json.dumps(whole, indent=2)
    print(text)
    if file:
        file.write_text(text + "\n", encoding="utf-8")


def _processor() -> str:
    """The processor's name, as Linux has it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
