"""PSNR and SSIM of one pair by other programs: what `scoring_speed.py` compares ours with.

Each takes two uint8 arrays H x W x 3 and returns PSNR in dB and SSIM; what a tensor library needs done to the arrays
first counts.
"""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

Way = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


def scikit_image(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The reference: Gaussian SSIM as in the paper, in float64."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    ssim = structural_similarity(
        y, x, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(peak_signal_noise_ratio(y, x, data_range=255)), float(ssim)


def basicsr_style(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """As BasicSR and its many copies do it: float64 and a full 11 x 11 window by OpenCV, channel by channel."""
    line = cv2.getGaussianKernel(11, 1.5)
    window = line @ line.T
    a, b = x.astype(np.float64), y.astype(np.float64)
    psnr = 10 * np.log10(255**2 / np.mean((a - b) ** 2))

    def mean(z: np.ndarray) -> np.ndarray:
        return cv2.filter2D(z, -1, window)[5:-5, 5:-5]

    found = []
    for p, q in zip(np.moveaxis(a, 2, 0), np.moveaxis(b, 2, 0), strict=True):
        mp, mq = mean(p), mean(q)
        vp, vq, both = mean(p * p) - mp**2, mean(q * q) - mq**2, mean(p * q) - mp * mq
        c1, c2 = 6.5025, 58.5225
        found.append((((2 * mp * mq + c1) * (2 * both + c2)) / ((mp**2 + mq**2 + c1) * (vp + vq + c2))).mean())
    return float(psnr), float(np.mean(found))


def _tensors(x: np.ndarray, y: np.ndarray, peak: float):
    import torch

    return (torch.from_numpy(z).permute(2, 0, 1)[None].float() / (255 / peak) for z in (x, y))


def torchmetrics(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    a, b = _tensors(x, y, 1)
    psnr = peak_signal_noise_ratio(a, b, data_range=1.0)
    return float(psnr), float(structural_similarity_index_measure(a, b, data_range=1.0))


def piq(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Without its default halving, which would be another number of a quarter of the pixels."""
    from piq import psnr, ssim

    a, b = _tensors(x, y, 1)
    return float(psnr(a, b, data_range=1.0)), float(ssim(a, b, data_range=1.0, downsample=False))


def pytorch_msssim(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """It has no PSNR: that is PyTorch's mean squared error."""
    import torch
    from pytorch_msssim import ssim

    a, b = _tensors(x, y, 255)
    psnr = 10 * torch.log10(255**2 / torch.nn.functional.mse_loss(a, b))
    return float(psnr), float(ssim(a, b, data_range=255))


def kornia(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    from kornia.metrics import psnr, ssim

    a, b = _tensors(x, y, 1)
    return float(psnr(a, b, 1.0)), float(ssim(a, b, 11, padding="valid").mean())


OTHERS: dict[str, Way] = {
    "BasicSR-style": basicsr_style,
    "torchmetrics": torchmetrics,
    "piq": piq,
    "pytorch-msssim": pytorch_msssim,
    "kornia": kornia,
}


def find(folder: Path | None) -> tuple[dict[str, Way], dict[str, str]]:
    """The ways that work here, and why others do not.

    Args:
        folder: where packages lie that `pip install --target FOLDER --no-deps` has put there.
    """
    if folder:
        sys.path.append(str(folder))
    found, missing = {}, {}
    for name, way in OTHERS.items():
        reason = _fault(way)
        if reason and "torchvision" in reason:
            _pretend_torchvision()
            reason = _fault(way)
        if reason:
            missing[name] = reason
        else:
            found[name] = way
    return found, missing


def _fault(way: Way) -> str:
    small = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    try:
        way(*small)
    except ImportError as error:
        return str(error)
    return ""


class _Anything(type):
    """A class that has every attribute, each such a class."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name, (), {})


def _pretend_torchvision() -> None:
    """Some import it for networks that are not used here; it is large and none of our business."""

    class Module(types.ModuleType):
        def __getattr__(self, name: str) -> type:
            return getattr(_Anything("Module", (), {}), name)

    for name in ("torchvision", "torchvision.models", "torchvision.transforms", "torchvision.ops"):
        sys.modules.setdefault(name, Module(name))
