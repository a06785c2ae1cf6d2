"""PSNR and Gaussian SSIM of a batch of tensors on the CPU: `BatchScorer` beside what a training loop usually does.

    python benchmarks/batch_metrics.py [--photo FILE] [--json FILE]

8 x 3 x 256 x 256, one thread, in turns. The loop copies each picture to NumPy, rounds it and calls scikit-image;
`conv2d` is the usual SSIM loss: five depthwise 11 x 11 convolutions in float32.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from kit import arguments, interleaved, load_photo, report
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import deblurbench
from deblurbench.scoring.batches import BatchScorer
from deblurbench.scoring.metrics.windows import GAUSSIAN
from deblurbench.scoring.tensors import ssim

WINDOW = torch.from_numpy(np.outer(GAUSSIAN, GAUSSIAN)).float().expand(3, 1, 11, 11)


def loop(prediction, sharp):
    """Mean PSNR and SSIM, picture by picture, by scikit-image."""
    values = []
    for one, other in zip(prediction, sharp, strict=True):
        levels = [(z.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy() for z in (one, other)]
        similarity = structural_similarity(
            *levels, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        values.append([peak_signal_noise_ratio(levels[1], levels[0]), similarity])
    return np.array(values)


def conv2d(x, y):
    """SSIM by dense convolutions."""
    a, b, aa, bb, ab = (F.conv2d(z, WINDOW, groups=3) for z in (x, y, x * x, y * y, x * y))
    top = (2 * a * b + 1e-4) * (2 * (ab - a * b) + 9e-4)
    return (top / ((a * a + b * b + 1e-4) * (aa - a * a + bb - b * b + 9e-4))).mean((1, 2, 3))


def with_gradient(metric, prediction, sharp):
    """The metric and its gradient."""
    leaf = prediction.detach().requires_grad_()
    metric(leaf, sharp).mean().backward()
    return leaf.grad


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, photo={"type": Path, "help": "a photograph of your own"})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        _, photo = load_photo(options.photo, Path(name))
    crops = photo[:512, :1024].reshape(2, 256, 4, 256, 3).transpose(0, 2, 4, 1, 3).reshape(8, 3, 256, 256)
    sharp = torch.from_numpy(crops.copy()).float() / 255
    torch.manual_seed(0)
    prediction = sharp + 0.03 * torch.randn_like(sharp)
    wide, narrow = (BatchScorer("basicsr-rgb", dtype=dtype) for dtype in (torch.float64, torch.float32))
    theirs, ours = loop(prediction, sharp), wide(prediction, sharp)
    assert np.allclose(theirs, np.stack([ours["psnr_db"], ours["ssim"]], 1), rtol=0, atol=1e-9)
    half = partial(ssim, dtype=torch.float32)
    ways = {
        "scikit-image, picture by picture": lambda: loop(prediction, sharp),
        "deblurbench.score": lambda: deblurbench.score(prediction.clamp(0, 1), sharp, "basicsr-rgb"),
        "BatchScorer, float64": lambda: wide(prediction, sharp),
        "BatchScorer, float32": lambda: narrow(prediction, sharp),
        "SSIM by conv2d, float32": lambda: conv2d(prediction, sharp),
        "SSIM, float64": lambda: ssim(prediction, sharp),
        "SSIM, float32": lambda: half(prediction, sharp),
        "SSIM and gradient by conv2d, float32": lambda: with_gradient(conv2d, prediction, sharp),
        "SSIM and gradient, float64": lambda: with_gradient(ssim, prediction, sharp),
        "SSIM and gradient, float32": lambda: with_gradient(half, prediction, sharp),
    }
    report({"milliseconds": interleaved(ways, options.rounds)}, ("torch", "scikit-image", "numpy"), options.json)


if __name__ == "__main__":
    main()
