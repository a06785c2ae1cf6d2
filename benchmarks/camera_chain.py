"""What each effect of the camera costs: seconds for one picture of 1280x720, on one core.

    python benchmarks/camera_chain.py > camera.json

Least of 7 runs, after one that fills the tables.
"""

import json
import sys
import time

import numpy as np

from deblurbench.blur.camera import RSBLUR, Camera
from deblurbench.draws import Draws
from deblurbench.images.codec import Picture

CAMERAS = {
    "rsblur": RSBLUR,
    "rsblur + jpeg": RSBLUR.model_copy(update={"jpeg": 90}),
    "saturation": Camera(saturation=RSBLUR.saturation),
    "colour": Camera(colour="a7r3"),
    "bayer": Camera(bayer=True),
    "white_balance": Camera(white_balance=RSBLUR.white_balance),
    "noise": Camera(noise=RSBLUR.noise),
    "bayer + noise": Camera(bayer=True, noise=RSBLUR.noise),
    "crf": Camera(crf="a7r3"),
    "jpeg": Camera(jpeg=90),
}


def scene() -> Picture:
    """1280x720: smooth shades, and a fifth of the samples clipped."""
    y, x = np.mgrid[:720, :1280]
    waves = [128 + 150 * np.sin(x / (30 + 9 * c)) * np.cos(y / (50 - 7 * c)) for c in range(3)]
    return np.stack(waves, axis=-1).clip(0, 255).astype(np.uint8)


def measure() -> dict[str, float]:
    """Seconds by camera."""
    picture = scene()
    mask = np.where(picture == 255, np.uint8(255), np.uint8(0))
    results = {}
    for name, camera in CAMERAS.items():
        seconds = []
        for _ in range(8):
            start = time.perf_counter()
            camera.apply(picture, picture, lambda purpose: Draws(1, "train/a", purpose), mask)
            seconds.append(time.perf_counter() - start)
        results[name] = round(min(seconds[1:]), 4)
    return results


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2)
