"""How fast each engine blurs, and that all of them give the same pixels.

    python benchmarks/convolution.py [--photo FILE] [--json FILE]

1280x720 RGB, uint8 in and out, one core, in turns. Beside the engines: `cv2.filter2D` on 8 bits, which is what most
scripts call, and the number of samples where it differs from the exact blur (not counted among the engines for that
reason). `sums16` is the exact sum over 16-bit levels (linear light) by the engine `auto`.
"""

import tempfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from kit import arguments, interleaved, kernels, load_photo, report

from deblurbench.blur import opencv
from deblurbench.blur.convolve import convolve, weighted_sums
from deblurbench.blur.engines import NAMES, check_engine
from deblurbench.blur.kernel import Kernel
from deblurbench.errors import DeblurbenchError
from deblurbench.images.codec import Picture


def usable() -> list[str]:
    """The engines that this machine has."""
    found = []
    for name in NAMES:
        try:
            check_engine(name)
            found.append(name)
        except DeblurbenchError as error:
            print(f"left out: {error}")
    return found


def route(kernel: Kernel) -> str:
    """The way that the engine `opencv` goes."""
    plan = opencv.planned(kernel)
    if plan.lines:
        return "two passes"
    return f"direct, {len(plan.pieces)} pieces" if plan.pieces else "transform"


def measure(picture: Picture, kernel: Kernel, engines: list[str], rounds: int) -> dict[str, object]:
    """All engines in turns, for one kernel."""
    blurred = {name: convolve(picture, kernel, name) for name in engines}
    theirs = cv2.filter2D(picture, -1, kernel.weights[::-1, ::-1])  # turned: it correlates
    levels = picture.astype(np.uint16) * 257
    ways = {name: partial(convolve, picture, kernel, name) for name in engines}
    ways["cv2.filter2D, 8 bits"] = partial(cv2.filter2D, picture, -1, kernel.weights)
    ways["sums16"] = partial(weighted_sums, levels, kernel)
    return {
        "size": "x".join(map(str, kernel.taps.shape)),
        "taps": int(np.count_nonzero(kernel.taps)),
        "opencv's way": route(kernel),
        "all equal": all(np.array_equal(other, blurred["numpy"]) for other in blurred.values()),
        "samples that cv2.filter2D gets wrong": int(np.count_nonzero(theirs != blurred["numpy"])),
        "times": interleaved(ways, rounds),
    }


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, photo={"type": Path, "help": "a photograph of your own"})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        _, picture = load_photo(options.photo, Path(name))
    engines = usable()
    if "torch" in engines:
        import torch

        torch.set_num_threads(1)
    results = {name: measure(picture, kernel, engines, options.rounds) for name, kernel in kernels().items()}
    whole = {"picture": f"{picture.shape[1]}x{picture.shape[0]}", "kernels": results}
    report(whole, ("numpy", "scipy", "opencv-python-headless", "torch"), options.json)


if __name__ == "__main__":
    main()
