"""How much the blind Wiener filter gains on a folder of photographs, beside one that is told the kernel.

    python benchmarks/wiener_gains.py PHOTOS > gains.json

Each photograph is cropped to 7:4 (4:7 if upright), resized to 448x256, blurred by OpenCV's 8-bit Gaussian
of the course's three kernels and of the unseen sigma 1.2, and restored. PSNR in dB, mean over the pictures.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import GaussianOpenCV
from deblurbench.images.codec import Picture, list_pictures, read_rgb
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench.scoring.metrics.compared import Compared
from deblurbench_baselines.classical.wiener import deconvolve, restore

KERNELS = {"0.3": 3, "1.0": 7, "1.2": 9, "1.6": 11}


def prepare(photo: Picture) -> Picture:
    """448x256, or 256x448 where the photograph is upright."""
    if photo.shape[0] > photo.shape[1]:
        return resize(crop_to_ratio(photo, 4, 7), 448, 256)
    return resize(crop_to_ratio(photo, 7, 4), 256, 448)


def measure(folder: Path) -> dict[str, object]:
    """Mean PSNR per kernel: blurred, blind, told; the gains; the smallest blind gain; seconds per picture."""
    photos = [prepare(read_rgb(folder / file)) for file in list_pictures(folder)]
    results: dict[str, object] = {"photos": len(photos)}
    for sigma, size in KERNELS.items():
        kernel = GaussianOpenCV(sigma=float(sigma), size=size).kernel()
        rows, seconds = [], 0.0
        for sharp in photos:
            blurred = convolve(sharp, kernel)
            start = time.perf_counter()
            blind = restore(blurred)
            seconds += time.perf_counter() - start
            rows.append([Compared(p, sharp).psnr() for p in (blurred, blind, deconvolve(blurred, kernel))])
        finite = np.array([row for row in rows if np.isfinite(row).all()])
        blurred_db, blind_db, told_db = finite.mean(axis=0).round(4).tolist()
        results[f"sigma {sigma}"] = {
            "blurred": blurred_db,
            "blind": blind_db,
            "told": told_db,
            "blind gain": round(blind_db - blurred_db, 4),
            "told gain": round(told_db - blurred_db, 4),
            "smallest blind gain": round(float((finite[:, 1] - finite[:, 0]).min()), 4),
            "infinite pictures left out": len(rows) - len(finite),
            "seconds per picture": round(seconds / len(photos), 3),
        }
    return results


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1])), indent=2))
