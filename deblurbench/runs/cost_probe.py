"""The process that measures: it loads a model, restores pictures and writes down time and memory.

Started as `python -m deblurbench.runs.cost_probe ASKED ANSWER` by `runs.cost`. The answer is written after each size,
so that what is known survives a size that this machine cannot restore.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from deblurbench import plugins
from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import Gaussian
from deblurbench.blur.kernel import Kernel
from deblurbench.config import height_width
from deblurbench.errors import RunError
from deblurbench.files import write_json
from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Baseline, Restorer
from deblurbench.runs.cost import SIZES, Asked, Cost, SizeCost, amount
from deblurbench.runs.model import Model

_CALLS = 5  # after the first one
_SECONDS = 3.0  # for all calls at a size; a first call that takes longer is the measurement
_LONGEST = 60.0  # seconds: a larger picture that would take longer is left out
_SHARE = 0.8  # of the time in which this process, and each of its threads, must have had a processor
_TICK = 0.05  # seconds: of less, nothing is said of that
_WARM_UP = 64  # pixels, the side of the picture with which everything is loaded that loads late
_STATUS, _RESET, _THREADS = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/self/task")
_FAMILIAR = 1.2  # sigma of the blur, pixels


class Meter(Protocol):
    """Measures the peak of memory between two calls."""

    kind: Literal["resident", "cuda"]

    def start(self) -> None:
        """From now on."""

    def peak(self) -> float | None:
        """The peak since `start` beyond what was held when the meter was made, bytes; None where nobody knows."""


class ResidentMeter:
    """The resident memory of this process, as Linux counts it.

    Not `getrusage`: its peak cannot be set back, and begins with that of the process that started this one.
    """

    kind: Literal["resident", "cuda"] = "resident"

    def __init__(self) -> None:
        _give_back()
        self._held = self._read("VmRSS")
        self._known = False

    def start(self) -> None:
        """Set the peak back to what is held now."""
        _give_back()
        try:
            _RESET.write_text("5")
            self._known = True
        except OSError:
            self._known = False

    def peak(self) -> float | None:
        """As `Meter.peak`."""
        peak = self._read("VmHWM")
        return max(0.0, peak - self._held) if self._known and peak is not None and self._held is not None else None

    @staticmethod
    def _read(name: str) -> float | None:
        try:
            found = re.search(rf"^{name}:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        except OSError:
            return None
        return float(found[1]) * 1024 if found else None


class CudaMeter:
    """What torch has allocated on a GPU."""

    kind: Literal["resident", "cuda"] = "cuda"

    def __init__(self, device: str) -> None:
        import torch

        self._cuda: Any = torch.cuda
        self._device = torch.device(device)
        self._held = self._cuda.memory_allocated(self._device)

    def start(self) -> None:
        """Set the peak back to what is held now."""
        self._cuda.reset_peak_memory_stats(self._device)

    def peak(self) -> float | None:
        """As `Meter.peak`."""
        return float(max(0, self._cuda.max_memory_allocated(self._device) - self._held))


def _give_back() -> None:
    """Return freed memory to the system, where the C library can: else it would be taken again unseen."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def main(question: Path, answer: Path) -> None:
    """Measure what `question` asks for, write it to `answer`."""
    asked = Asked.model_validate_json(question.read_text(encoding="utf-8"), strict=True)
    kernel = Gaussian(sigma=_FAMILIAR).kernel()
    pictures = {size: blurred_picture(*height_width(size), kernel) for size in SIZES}
    small = blurred_picture(_WARM_UP, _WARM_UP, kernel)
    restorer = _restorer(asked, kernel)
    restorer(small)
    meter: Meter = CudaMeter(asked.device) if asked.device.startswith("cuda") else ResidentMeter()
    sizes: dict[Any, SizeCost] = {}
    for size, picture in pictures.items():
        larger_than = (sizes[SIZES[0]], pictures[SIZES[0]]) if sizes else None
        reason = _too_much(picture, *larger_than, meter.kind) if larger_than else None
        sizes[size] = SizeCost(note=reason) if reason else _measured(restorer, picture, meter)
        device = device_name(asked.device)
        write_json(answer, Cost(device=device, memory=meter.kind, sizes=sizes).as_dict())


def blurred_picture(height: int, width: int, kernel: Kernel) -> Picture:
    """Noise with the spectrum of a photograph, 1 / f, blurred: uint8 height x width x 3, always the same."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    falling = 1 / np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    noise = np.random.default_rng(1).standard_normal((3, height, width))
    planes = np.fft.irfft2(np.fft.rfft2(noise) * falling, s=(height, width))
    levels = np.clip(np.rint(128 + 48 * planes / planes.std()), 0, 255).astype(np.uint8)
    return convolve(np.ascontiguousarray(levels.transpose(1, 2, 0)), kernel)


def _restorer(asked: Asked, kernel: Kernel) -> Restorer:
    baseline: Baseline = plugins.load("baselines", asked.baseline)
    config = baseline.config_from(asked.config)
    if baseline.is_told(config):
        told = baseline.told_restorer(config)
        return lambda picture: told(picture, kernel)
    weights = Path(asked.weights) if asked.weights else None
    return Model(baseline, config, weights, asked.device).restorer(asked.inference)


def _too_much(picture: Picture, known: SizeCost, smaller: Picture, memory: str) -> str | None:
    """Why a picture is not restored, judged by a smaller one, whose cost grows with the number of pixels."""
    ratio = picture.size / smaller.size
    if known.seconds is None:
        return "a smaller picture could not be restored"
    if known.seconds * ratio > _LONGEST:
        return f"it would take about {amount(known.seconds * ratio)} s"
    free = _available() if memory == "resident" else None
    if known.memory_mb and free and known.memory_mb * ratio > free:
        return f"it would need about {amount(known.memory_mb * ratio)} MB, and {amount(free)} MB are free"
    return None


def _available() -> float | None:
    """Free memory in 10^6 bytes, as Linux knows it."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None


def _measured(restorer: Restorer, picture: Picture, meter: Meter) -> SizeCost:
    """One call for the memory, then as many as the time allows."""
    times: list[float] = []
    begin, had, waited = time.perf_counter(), time.process_time(), _waited()
    try:
        meter.start()
        first = _seconds(restorer, picture)
        peak = meter.peak()
        while len(times) < _CALLS and time.perf_counter() - begin < _SECONDS:
            times.append(_seconds(restorer, picture))
    except (RunError, MemoryError) as error:
        lacks = isinstance(error, MemoryError) or "memory" in str(error)
        return SizeCost(note="not enough memory" if lacks else "restoring failed")
    taken, had, waited = time.perf_counter() - begin, time.process_time() - had, _waited() - waited
    notes = ["memory is not measured on this system"] if peak is None else []
    if meter.kind == "resident" and taken > _TICK and (had < _SHARE * taken or had < _SHARE * (had + waited)):
        notes.append("other programs were at work, so it took longer than it need")
    return SizeCost(
        seconds=statistics.median(times) if times else first,
        memory_mb=None if peak is None else peak / 1e6,
        calls=len(times),
        note="; ".join(notes) or None,
    )


def _waited() -> float:
    """Seconds for which the threads of this process were ready and had no processor; 0 where Linux does not say."""
    nanoseconds = 0
    for file in _THREADS.glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            nanoseconds += int(file.read_text().split()[1])
    return nanoseconds / 1e9


def _seconds(restorer: Callable[[Picture], Picture], picture: Picture) -> float:
    start = time.perf_counter()
    restorer(picture)
    return time.perf_counter() - start


def device_name(device: str) -> str:
    """The GPU's name, or that of the CPU with the threads that arithmetic may use."""
    if device.startswith("cuda"):
        import torch

        return _one_line(torch.cuda.get_device_name(torch.device(device)))
    threads = _threads()
    return f"{_one_line(_cpu_name())}, {threads} thread{'s' * (threads != 1)}"


def _threads() -> int:
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wanted)) if wanted.isdecimal() and int(wanted) else cores


def _cpu_name() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine() or "unknown CPU"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:120]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
