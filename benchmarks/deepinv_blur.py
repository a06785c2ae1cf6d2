"""How fast pictures are blurred here and by deepinv on the CPU: the same kernels and picture, one thread, in turns.

    pip install deepinv==0.5.0        # in an environment of its own that also has deblurbench; it brings torchvision
    python benchmarks/deepinv_blur.py [--photo FILE] [--json FILE]

1280x720 RGB, 8 bits in, 8 bits out, as pictures are stored; `tensor_ms` is deepinv's time without the way from and to
8 bits. deepinv works in float32; ours is exact. `Blur` convolves directly, with `use_fft` by transforms (borders
reflected as ours are); `BlurFFT` is periodic: another border, and less to transform. `levels off`: the largest distance
of deepinv's float32 result from the exact one, inside the borders, grey levels.
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
    ways = {"ours": partial(convolve, picture, kernel)}
    for name, physics in theirs.items():
        ways[name] = partial(_picture_to_picture, physics, picture)
        ways[f"{name}, tensor"] = partial(_applied, physics, x)
    times = interleaved(ways, rounds)
    found: dict[str, object] = {"taps": int(np.count_nonzero(kernel.taps)), "ours_ms": times["ours"]["least_ms"]}
    for name, physics in theirs.items():
        blurred = _applied(physics, x)[0].permute(1, 2, 0).numpy() * 255.0
        inner = slice(margin, -margin)
        found[name] = {
            "ms": times[name]["least_ms"],
            "tensor_ms": times[f"{name}, tensor"]["least_ms"],
            "ours is faster by": round(times[name]["least_ms"] / times["ours"]["least_ms"], 1),
            "by medians": round(times[name]["median_ms"] / times["ours"]["median_ms"], 1),
            "levels off": float(np.abs(blurred - exact)[inner, inner].max().round(6)),
        }
    return found


def _picture_to_picture(physics: object, picture: Picture) -> Picture:
    import torch

    with torch.inference_mode():
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float().div_(255)
        blurred = physics.A(x).mul_(255).round_().clamp_(0, 255)
        return blurred[0].to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


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
