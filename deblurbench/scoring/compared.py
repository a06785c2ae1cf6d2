"""One prediction and its sharp picture in memory, with what several metrics need, computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from deblurbench.scoring import engine
from deblurbench.scoring.psnr import psnr_db
from deblurbench.scoring.ssim import gaussian_ssim, reflected_ssim, uniform_ssim, volume_ssim

Array = npt.NDArray[Any]
Result = TypeVar("Result")


class Compared:
    """A pair, as a protocol's reader and rounding rule leave it.

    Protocols that read a pair alike share one object, and so one pass over its pixels.

    Attributes:
        prediction, sharp: of one shape, H x W or H x W x C (RGB), both uint8 or both float64 in 0 .. 1.
        peak: 255 for uint8, else 1.
        exact: False allows float32 where it costs at most 1e-6 of SSIM.
    """

    def __init__(
        self,
        prediction: Array,
        sharp: Array,
        *,
        exact: bool = True,
        code: ModuleType | None = None,
    ) -> None:
        self.prediction, self.sharp = prediction, sharp
        self.peak = 255.0 if sharp.dtype == np.uint8 else 1.0
        self.exact = exact
        self.code = code or engine.choose()
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute` returns, computed at the first call with this key."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def derived(self, key: Hashable, change: Callable[[Array], Array]) -> Compared:
        """The pair after a change of both pictures (luma, a smaller size), made once per key."""

        def make() -> Compared:
            pictures = change(self.prediction), change(self.sharp)
            return Compared(*pictures, exact=self.exact, code=self.code)

        return self.once(("derived", key), make)

    @cached_property
    def mean_squared_error(self) -> float:
        """Over all samples, on the pair's own scale; of uint8 the sum is an integer and exact."""
        if self.sharp.dtype == np.uint8:
            return float(self.code.squared_error(self.prediction, self.sharp) / self.sharp.size)
        return float(np.mean(np.square(self.prediction - self.sharp)))

    def psnr(self, *, eps: float = 0.0, at_zero: float = float("inf")) -> float:
        """PSNR in dB; see `psnr_db`."""
        return psnr_db(self.mean_squared_error, self.peak, eps=eps, at_zero=at_zero)

    def gaussian_ssim(self, *, relu: bool = False, eps: float = 0.0) -> float | None:
        """See `ssim.gaussian_ssim`."""
        return self.once(
            ("gaussian", relu, eps),
            lambda: gaussian_ssim(
                self.prediction, self.sharp, peak=self.peak, relu=relu, eps=eps, exact=self.exact, code=self.code
            ),
        )

    def reflected_ssim(self, *, eps: float = 0.0) -> float | None:
        """See `ssim.reflected_ssim`."""
        return self.once(
            ("reflected", eps),
            lambda: reflected_ssim(self.prediction, self.sharp, peak=self.peak, eps=eps, code=self.code),
        )

    def volume_ssim(self, peak: float | None = None) -> float | None:
        """See `ssim.volume_ssim`; `peak` is the pair's own unless another is given."""
        peak = peak or self.peak
        return self.once(("volume", peak), lambda: volume_ssim(self.prediction, self.sharp, peak=peak, code=self.code))

    def uniform_ssim(self, peak: float | None = None) -> float | None:
        """See `ssim.uniform_ssim`; `peak` is the pair's own, or twice it, as for floats without a stated range."""
        peaks = (self.peak, 2 * self.peak)
        values = self.once("uniform", lambda: uniform_ssim(self.prediction, self.sharp, peaks=peaks, code=self.code))
        return values[peaks.index(peak or self.peak)] if values else None
