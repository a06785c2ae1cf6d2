"""How fast pictures are blurred here and by deepinv on the CPU: the same kernels, the same picture, one thread, in turns.

    pip install deepinv==0.5.0        # in an environment of its own that also has deblurbench; it brings torchvision
    python benchmarks/deepinv_blur.py [--photo FILE] [--json FILE]

deepinv gets its float32 tensor 1 x 3 x 720 x 1280 ready made and returns one; ours takes and gives 8-bit pictures and
is exact. `Blur` convolves directly, by `use_fft` with transforms (borders reflected as ours are); `BlurFFT` is periodic, so
it is compared inside the borders. `levels off`: the largest distance of deepinv's result from the exact sums, grey levels.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from kit import arguments, interleaved, kernels, load_photo, report

from deblurbench.blur.convolve import convolve, weighted_sums
from deblurbench.blur.kernel import Kernel
from deblurbench.images.codec import Picture


def measure(picture: Picture, kernel: Kernel, rounds: int) -> dict[str, object]:
    """All ways in turns, for one kernel."""
    import torch
    from deepinv.physics import Blur, BlurFFT

    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float().contiguous() / 255
    taps = torch.from_numpy(kernel.weights).float()[None, None]
    theirs = {
        "deepinv Blur": Blur(filter=taps, padding="reflect"),
        "deepinv Blur, use_fft": Blur(filter=taps, padding="reflect", use_fft=True),
        "deepinv BlurFFT": BlurFFT(img_size=tuple(x.shape[1:]), filter=taps),
    }
    exact = weighted_sums(picture, kernel) / 65536
    margin = max(kernel.taps.shape)
    ways = {"ours": partial(convolve, picture, kernel), **{n: partial(_applied, p, x) for n, p in theirs.items()}}
    times = interleaved(ways, rounds)
    found: dict[str, object] = {"taps": int(np.count_nonzero(kernel.taps)), "ours_ms": times["ours"]["least_ms"]}
    for name, physics in theirs.items():
        blurred = _applied(physics, x)[0].permute(1, 2, 0).numpy() * 255.0
        inner = slice(margin, -margin)
        found[name] = {
            "ms": times[name]["least_ms"],
            "ours is faster by": round(times[name]["least_ms"] / times["ours"]["least_ms"], 1),
            "by medians": round(times[name]["median_ms"] / times["ours"]["median_ms"], 1),
            "levels off": float(np.abs(blurred - exact)[inner, inner].max().round(6)),
        }
    return found


def _applied(physics: object, x: object) -> object:
    import torch

    with torch.inference_mode():
        return physics.A(x)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, photo={"type": Path, "help": "a photograph of your own"})
    try:
        import deepinv  # noqa: F401
    except ImportError as error:
        sys.exit(f"deepinv is not installed ({error}): pip install deepinv==0.5.0, in an environment of its own")
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        _, picture = load_photo(options.photo, Path(name))
    results = {name: measure(picture, kernel, options.rounds) for name, kernel in kernels().items()}
    whole = {"picture": f"{picture.shape[1]}x{picture.shape[0]}", "kernels": results}
    report(whole, ("deepinv", "torch", "numpy", "opencv-python-headless"), options.json)


if __name__ == "__main__":
    main()
