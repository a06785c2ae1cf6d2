"""How well `images.sharpness` tells photographs from blurred ones.

    python benchmarks/sharpness.py PHOTOS [MORE ...] [--pairs FOLDER ...] [--every N] [--others] [--json FILE]

Each photograph is measured as it is, and after each of many degradations at its full size. Per folder and degradation:
the percentage that `fetch` refuses (sharpness below `--threshold`, by default that of `Checks`), the lowest 2 %, median
and highest 2 % of sharpness, the area under the ROC curve against the photographs as they are, and `at_2`: the
percentage below the threshold that refuses 2 % of the first folder's photographs. `--pairs`: folders of
`*_blur.*` and `*_sharp.*`, recorded. `--others`: beside it, two measures that are in common use: the variance of the
Laplacian (OpenCV) and the blur effect of Crete et al. 2007 (scikit-image, of the worse axis), turned round.
"""

import argparse
import io
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from kit import report
from PIL import Image

from deblurbench.blur.camera_shake import CameraShake
from deblurbench.blur.convolve import convolve
from deblurbench.blur.defocus import Defocus
from deblurbench.blur.family import Blur
from deblurbench.blur.gaussian import Gaussian
from deblurbench.blur.linear_motion import LinearMotion
from deblurbench.draws import Draws
from deblurbench.fetch.photo_file import Checks
from deblurbench.images.codec import Picture, list_pictures, read_rgb
from deblurbench.images.resize import resize
from deblurbench.images.sharpness import sharpness

Change = Callable[[Picture], Picture]
Measure = Callable[[Picture], float]
SHARP = "as it is"


def blurred(blur: Blur, picture: Picture) -> Picture:
    """By one of our families; what is random about it, by the picture."""
    return convolve(picture, blur.draw(Draws(0, str(zlib.crc32(picture)), "blur")).operator)


def noisy(sigma: float, picture: Picture) -> Picture:
    """With normal noise, in levels."""
    noise = np.random.default_rng(zlib.crc32(picture)).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def jpeg(quality: int, picture: Picture) -> Picture:
    """Through JPEG, colour at half resolution."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=quality)
    return np.array(Image.open(buffer))


def halved(picture: Picture) -> Picture:
    """At half size."""
    return resize(picture, picture.shape[0] // 2, picture.shape[1] // 2)


def enlarged(factor: int, picture: Picture) -> Picture:
    """At its size, but made from a smaller picture by bicubic interpolation."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    return resize(resize(picture, height, width), height * factor, width * factor, "bicubic")


def shallow(share: float, picture: Picture) -> Picture:
    """All but a round part, left of the middle, out of focus."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    inside = np.hypot((y - 0.5 * height) / height, (x - 0.45 * width) / width) < np.sqrt(share / np.pi)
    return np.where(inside[:, :, None], picture, blurred(Gaussian(sigma=4.0), picture))


def changes() -> dict[str, tuple[Change, ...]]:
    """What is done to the photographs, one after the other."""
    gaussian = {sigma: partial(blurred, Gaussian(sigma=sigma)) for sigma in (1.0, 1.5, 2.0, 3.0, 5.0)}
    motion = {long: partial(blurred, LinearMotion(length=long, angle=(0.0, 180.0))) for long in (9.0, 15.0, 25.0)}
    disk = {radius: partial(blurred, Defocus(radius=radius)) for radius in (2.0, 3.0, 5.0)}
    found: dict[str, tuple[Change, ...]] = {
        SHARP: (),
        "half size": (halved,),
        "noise 3": (partial(noisy, 3),),
        "JPEG 60": (partial(jpeg, 60),),
        "a tenth sharp": (partial(shallow, 0.1),),
        "a fifth sharp": (partial(shallow, 0.2),),
    }
    found |= {f"Gaussian {sigma:g}": (blur,) for sigma, blur in gaussian.items()}
    found |= {f"defocus {radius:g}": (blur,) for radius, blur in disk.items()}
    found |= {f"motion {long:g}": (blur,) for long, blur in motion.items()}
    found["camera shake 60"] = (partial(blurred, CameraShake(exposures=(1.0,))),)
    for noise in (2, 3, 4):
        found[f"Gaussian 2, noise {noise}"] = (gaussian[2.0], partial(noisy, noise))
    found["Gaussian 5, noise 3"] = (gaussian[5.0], partial(noisy, 3))
    found["motion 15, noise 3"] = (motion[15.0], partial(noisy, 3))
    for quality in (60, 75, 90):
        found[f"Gaussian 2, JPEG {quality}"] = (gaussian[2.0], partial(jpeg, quality))
    found["motion 15, JPEG 75"] = (motion[15.0], partial(jpeg, 75))
    found["Gaussian 2, noise 3, JPEG 75"] = (gaussian[2.0], partial(noisy, 3), partial(jpeg, 75))
    found |= {f"enlarged {factor} times": (partial(enlarged, factor),) for factor in (2, 3, 4)}
    return found


def laplacian(picture: Picture) -> float:
    """The variance of the Laplacian."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def crete(picture: Picture) -> float:
    """How much another blur changes."""
    from skimage.measure import blur_effect

    return 1 - float(blur_effect(picture, channel_axis=2))


def measures(others: bool) -> dict[str, Measure]:
    """Ours, and others."""
    return {"sharpness": sharpness, "Laplacian": laplacian, "Crete": crete} if others else {"sharpness": sharpness}


def measure(others: bool, file: Path) -> tuple[dict[str, dict[str, float]], tuple[float, float, float]]:
    """Each measure of each degradation of a photograph; its megapixels, and milliseconds to decode and to measure."""
    cv2.setNumThreads(1)
    photo = read_rgb(file)
    decoding, measuring = least(partial(read_rgb, file)), least(partial(sharpness, photo))
    values: dict[str, dict[str, float]] = {name: {} for name in measures(others)}
    for what, steps in changes().items():
        picture = photo
        for step in steps:
            picture = step(picture)
        for name, value in measures(others).items():
            values[name][what] = value(picture)
    return values, (photo[:, :, 0].size / 1e6, decoding, measuring)


def least(work: Callable[[], object]) -> float:
    """Milliseconds that it takes: the least of three times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def area(sharp: np.ndarray, other: np.ndarray) -> float:
    """Under the ROC curve: how often a photograph has a higher value than one of the others."""
    return float((sharp[:, None] > other).mean() + (sharp[:, None] == other).mean() / 2)


def row(values: np.ndarray, sharp: np.ndarray, threshold: float, at_2: float) -> dict[str, float]:
    """A line of the table."""
    low, median, high = np.percentile(values, [2, 50, 98])
    return {
        "refused": round(100 * float((values < threshold).mean()), 1),
        "low": round(float(low), 3),
        "median": round(float(median), 3),
        "high": round(float(high), 3),
        "auc": round(area(sharp, values), 4),
        "at_2": round(100 * float((values < at_2).mean()), 1),
    }


def tables(folders: Mapping[str, list[Path]], options: argparse.Namespace) -> dict[str, Any]:
    """Per folder and measure, a line for each degradation."""
    results: dict[str, Any] = {}
    at_2: dict[str, float] = {}
    with ProcessPoolExecutor(options.workers) as workers:
        for folder, files in folders.items():
            found = list(workers.map(partial(measure, options.others), files))
            millions, decoding, measuring = np.mean([times for _, times in found], axis=0).round(2).tolist()
            lines: dict[str, Any] = {}
            for name in measures(options.others):
                values = {what: np.array([one[name][what] for one, _ in found]) for what in changes()}
                at_2.setdefault(name, float(np.sort(values[SHARP])[int(0.02 * len(files))]))
                threshold = options.threshold if name == "sharpness" else at_2[name]
                lines[name] = {what: row(v, values[SHARP], threshold, at_2[name]) for what, v in values.items()}
            times = {"megapixels": millions, "decode_ms": decoding, "sharpness_ms": measuring}
            results[folder] = {"photos": len(files), **times, **lines}
    return results | {"thresholds at 2 %": at_2}


def pairs(folder: Path, threshold: float) -> dict[str, Any]:
    """Of recorded pairs: how many of each kind are refused, and how well the two are told apart."""
    files = list_pictures(folder)
    kinds = {kind: [f for f in files if f.stem.endswith(kind)] for kind in ("sharp", "blur")}
    values = {kind: np.array([sharpness(read_rgb(folder / f)) for f in found]) for kind, found in kinds.items()}
    sharp = values["sharp"]
    return {kind: {"files": len(v), **row(v, sharp, threshold, threshold)} for kind, v in values.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of sharp photographs")
    parser.add_argument("--pairs", type=Path, nargs="*", default=[], help="folders of recorded pairs")
    parser.add_argument("--every", type=int, default=1, help="take every so many photographs")
    parser.add_argument("--threshold", type=float, default=Checks().min_sharpness)
    parser.add_argument("--others", action="store_true", help="measure others, too")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    folders = {str(f): [f / name for name in list_pictures(f)[:: options.every]] for f in options.photos}
    results = {
        "threshold": options.threshold,
        "folders": tables(folders, options),
        "pairs": {str(folder): pairs(folder, options.threshold) for folder in options.pairs},
    }
    report(results, ("numpy", "pillow", "opencv-python-headless", "scikit-image"), options.json)


if __name__ == "__main__":
    main()
