"""What computes a blur, chosen by name. Every engine gives the same integers; they differ in speed alone.

    numpy    plain integer arithmetic: the reference, needs nothing else
    scipy    float64 Fourier transforms, rounded
    opencv   float32 sums where they are exact, float64 transforms elsewhere: the fastest
    torch    the same two ways by PyTorch on the CPU
    cuda     float64 Fourier transforms on a GPU
    auto     the fastest of numpy, scipy and opencv that is there

An engine is compared with the reference on a small picture when a process first uses it, so that a build of a
library that computes otherwise is found out before it writes a pixel.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.blur import fourier, opencv, tensor
from deblurbench.blur.kernel import UNIT, Kernel
from deblurbench.errors import DeblurbenchError, UsageError, nearest

Array = npt.NDArray[Any]

_FEW_TAPS = 32  # so few are faster by plain addition than by transforms (measured)


@dataclass(frozen=True)
class Engine:
    """One way to compute sums of taps x samples.

    Attributes:
        name: what `--engine` calls it.
        valid: (levels H x W x C, kernel h x w) -> the exact sums (H - h + 1) x (W - w + 1) x C where the kernel lies
            wholly inside; of any type that holds them exactly, and to be used up before the next call.
        module, package: what must be importable, and what to install for it; empty for none.
        samples: how many it is best given at once (measured), so that they stay in the cache.
    """

    name: str
    valid: Callable[[Array, Kernel], Array]
    module: str = ""
    package: str = ""
    samples: int = 1 << 20


def plain(levels: Array, kernel: Kernel) -> npt.NDArray[np.int64]:
    """The reference: int64 sums where the kernel lies wholly inside, tap by tap."""
    taps = kernel.taps[::-1, ::-1]  # a convolution is a correlation with the kernel turned by 180 degrees
    height, width = (n - k + 1 for n, k in zip(levels.shape[:2], taps.shape, strict=True))
    wide = levels.astype(np.int64)
    total = np.zeros((height, width, levels.shape[2]), dtype=np.int64)
    for y, x in zip(*np.nonzero(taps), strict=True):
        total += int(taps[y, x]) * wide[y : y + height, x : x + width]
    return total


_ALL = (
    Engine("numpy", plain, samples=1 << 16),
    Engine("scipy", fourier.valid, "scipy.fft", "scipy"),
    Engine("opencv", opencv.valid, "cv2", "opencv-python-headless", samples=1 << 19),
    Engine("torch", tensor.on_cpu, "torch", "torch"),
    Engine("cuda", tensor.on_cuda, "torch", "torch"),
)
ENGINES = {engine.name: engine for engine in _ALL}
NAMES = ("auto", *ENGINES)
"""What `--engine` takes."""


def check_engine(name: str) -> None:
    """Raise where an engine cannot be used, before any work is done.

    Raises:
        UsageError: no engine has this name, or what it needs is not there.
        DeblurbenchError: its library does not compute exactly on this machine.
    """
    if name != "auto":
        _named(name)


def choose(name: str, kernel: Kernel) -> Engine:
    """The engine of this name; for `auto` the fastest that is there for this kernel. Raises as `check_engine` does."""
    if name != "auto":
        return _named(name)
    return next(ENGINES[name] for name in _fastest(kernel) if _failure(name) is None)


def _fastest(kernel: Kernel) -> tuple[str, ...]:
    """In the order in which they are to be had; NumPy is always there."""
    if np.count_nonzero(kernel.taps) <= _FEW_TAPS:
        return "opencv", "numpy"
    return "opencv", "scipy", "numpy"


def _named(name: str) -> Engine:
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}", nearest(name, NAMES))
    failure = _failure(name)
    if failure is not None:
        raise type(failure)(failure.message, failure.hint)  # a new one: the kept one would collect tracebacks
    return ENGINES[name]


@lru_cache(maxsize=len(NAMES))
def _failure(name: str) -> DeblurbenchError | None:
    """Why an engine cannot be used here, or None."""
    engine = ENGINES[name]
    try:
        if engine.module:
            importlib.import_module(engine.module)
    except ImportError as error:
        return UsageError(f"the engine {name} needs {engine.package} ({error})", f"pip install {engine.package}")
    if name == "cuda" and not _has_cuda():
        hint = "choose another --engine, or install a build of PyTorch that fits the GPU"
        return UsageError("the engine cuda needs an NVIDIA GPU, and PyTorch sees none", hint)
    if not is_exact(engine):
        hint = "choose another --engine, and please report it with the version of the library"
        return DeblurbenchError(f"the engine {name} does not compute exactly on this machine", hint)
    return None


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def is_exact(engine: Engine) -> bool:
    """Whether an engine gives the reference's integers for a few kernels of each kind, on 8 and on 21 bits."""
    picture = (np.arange(36 * 47 * 3, dtype=np.int64) * 2_654_435_761 >> 13).astype(np.uint8).reshape(36, 47, 3)
    picture[:, :20] |= 254  # bright, so that sums come near 2^24
    levels = picture.astype(np.int64) << 13 | 8191
    return all(
        np.array_equal(engine.valid(source, kernel), plain(source, kernel))
        for kernel in _probes()
        for source in (picture, levels)
    )


def _probes() -> list[Kernel]:
    """A kernel of rank 1, a sparse one, a small and a large one without any zero."""
    line = np.array([1, 4, 6, 4, 1]) << 4
    sparse = np.zeros((17, 14), dtype=np.int64)
    sparse.flat[::11] = 101
    dense = [np.arange(size * size).reshape(size, size) * 37 % 64 + 1 for size in (7, 23)]
    return [_filled(taps) for taps in (np.outer(line, line), sparse, *dense)]


def _filled(taps: npt.NDArray[np.int64]) -> Kernel:
    """A kernel of these taps, what is missing to 2^16 put on the last one that is not zero."""
    taps.flat[np.flatnonzero(taps)[-1]] += UNIT - int(taps.sum())
    return Kernel(taps.astype(np.int32))
