"""One prediction and its sharp picture in memory, with what several metrics need, computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.metrics import engine
from deblurbench.scoring.metrics.luma import bt601, yiq
from deblurbench.scoring.metrics.psnr import psnr_db
from deblurbench.scoring.metrics.scales import smaller, times_smaller, unit
from deblurbench.scoring.metrics.ssim import (
    Window,
    gaussian_ssim,
    gaussian_ssims,
    reflected_ssim,
    uniform_ssim,
    volume_ssim,
)
from deblurbench.scoring.metrics.windows import GAUSSIAN

Array = npt.NDArray[Any]
Result = TypeVar("Result")

_EPSILONS = (0.0, 1e-12)
"""Of basicsr-rgb and kornia, which one pass serves."""


class Compared:
    """A pair, as a protocol's reader and rounding rule leave it.

    Protocols that read a pair alike share one object, and so one pass over its pixels.

    Attributes:
        prediction, sharp: of one shape, H x W or H x W x C (RGB), both uint8 or both floating.
        peak: what their samples reach: unless it is given, 255 of uint8 and 1 of floating.
        exact: False allows float32 where it costs at most 1e-6 of SSIM.
    """

    def __init__(
        self,
        prediction: Array,
        sharp: Array,
        *,
        peak: float | None = None,
        exact: bool = True,
        code: engine.Code | None = None,
    ) -> None:
        self.prediction, self.sharp = prediction, sharp
        self.peak = peak or (255.0 if sharp.dtype == np.uint8 else 1.0)
        self.exact = exact
        self.code = code or engine.choose()
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute` returns, computed at the first call with this key."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def derived(self, key: Hashable, change: Callable[[Array], Array], *, peak: float | None = None) -> Compared:
        """The pair after a change of both pictures (luma, a smaller size), made once per key; `peak` as for a pair."""

        def make() -> Compared:
            pictures = change(self.prediction), change(self.sharp)
            return Compared(*pictures, peak=peak, exact=self.exact, code=self.code)

        return self.once(("derived", key), make)

    def bt601(self) -> Compared:
        """Both as BasicSR's luma; see `luma.bt601`."""
        return self.derived("bt601", bt601, peak=255)

    def yiq(self) -> Compared:
        """Both as pyiqa's luma; see `luma.yiq`."""
        return self.derived("yiq", yiq)

    def unit(self) -> Compared:
        """Both in 0 .. 1; see `scales.unit`."""
        return self.derived("unit", unit)

    def smaller(self) -> Compared:
        """Both as piq makes large pictures smaller; see `scales.smaller`."""
        return self if times_smaller(*self.sharp.shape[:2]) == 1 else self.derived("smaller", smaller, peak=self.peak)

    @cached_property
    def guessed_peak(self) -> float:
        """What scripts guess from 8-bit samples: 1 where no sample of the prediction is above 1, else 255."""
        return 255.0 if self.prediction.max(initial=0) > 1 else 1.0

    @cached_property
    def mean_squared_error(self) -> float:
        """Over all samples, on the pair's own scale; of uint8 the sum is an integer and exact."""
        if self.sharp.dtype == np.uint8:
            return float(self.code.squared_error(self.prediction, self.sharp) / self.sharp.size)
        return self._norm("NORM_L2SQR") / self.sharp.size

    @cached_property
    def mean_absolute_error(self) -> float:
        """Over all samples, on the pair's own scale."""
        return self._norm("NORM_L1") / self.sharp.size

    def psnr(self, *, peak: float | None = None, eps: float = 0.0, at_zero: float = float("inf")) -> float:
        """PSNR in dB; see `psnr_db`. `peak` is the pair's own unless another is given, here and below."""
        return psnr_db(self.mean_squared_error, peak or self.peak, eps=eps, at_zero=at_zero)

    def gaussian_ssim(
        self, *, peak: float | None = None, window: Window = GAUSSIAN, relu: bool = False, eps: float = 0.0
    ) -> float | None:
        """See `ssim.gaussian_ssim`."""
        own = peak or self.peak
        pictures = self.prediction, self.sharp
        if eps in _EPSILONS and window is GAUSSIAN and not relu and self.exact:
            values = self.once(
                ("gaussians", own), lambda: gaussian_ssims(*pictures, epsilons=_EPSILONS, peak=own, code=self.code)
            )
            return values[_EPSILONS.index(eps)] if values else None
        return self.once(
            ("gaussian", own, window.tobytes(), relu, eps),
            lambda: gaussian_ssim(
                *pictures, peak=own, window=window, relu=relu, eps=eps, exact=self.exact, code=self.code
            ),
        )

    def reflected_ssim(self, *, eps: float = 0.0) -> float | None:
        """See `ssim.reflected_ssim`."""
        inner = self.gaussian_ssim(eps=eps)
        return self.once(
            ("reflected", eps),
            lambda: reflected_ssim(self.prediction, self.sharp, peak=self.peak, eps=eps, inner=inner, code=self.code),
        )

    def volume_ssim(self, *, peak: float | None = None) -> float | None:
        """See `ssim.volume_ssim`."""
        own = peak or self.peak
        return self.once(("volume", own), lambda: volume_ssim(self.prediction, self.sharp, peak=own, code=self.code))

    def uniform_ssim(self, *, peak: float | None = None) -> float | None:
        """See `ssim.uniform_ssim`."""
        own = peak or self.peak
        return self.once(("uniform", own), lambda: uniform_ssim(self.prediction, self.sharp, peak=own, code=self.code))

    def _norm(self, name: str) -> float:
        """OpenCV's norm of the difference, summed in float64."""
        import cv2

        return float(cv2.norm(self.prediction, self.sharp, getattr(cv2, name)))
