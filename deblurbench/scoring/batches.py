"""Named protocols inside training loops: the numbers of `deblurbench score` for batches of tensors, on their device."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial
from typing import Any

import torch  # noqa: TID253 - this file is imported where there are tensors
import torch.nn.functional as F  # noqa: N812, TID253 - its usual name

from deblurbench.errors import UsageError
from deblurbench.scoring import tensors
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.metrics.scales import times_smaller
from deblurbench.scoring.metrics.windows import GAUSSIAN, RADIUS, UNIFORM
from deblurbench.scoring.protocol import DEFAULT, Metric, Protocol, Rounding, find_protocol
from deblurbench.scoring.tensors import Peak, Tensor


class BatchScorer:
    """A protocol's fast metrics: `scorer(prediction, sharp)` -> {metric: one value per picture}.

    The values are those of the protocol to 1e-9, rounding of predictions included. Nothing waits for the device, so
    collect what comes and take the mean once: `torch.cat(values).mean()`.

    Attributes:
        protocol: the protocol.
        metrics: the names of what is computed.
    """

    def __init__(
        self,
        protocol: str = DEFAULT,
        *,
        metrics: Sequence[str] | None = None,
        rounded: bool = True,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        """Make a scorer.

        Args:
            protocol: a name or an id.
            metrics: which of its metrics; None for all that there are for tensors.
            rounded: False leaves floating predictions as they are where the protocol makes them 8 bits, so that
                gradients flow, as a loss needs; the values are then no longer the protocol's.
            dtype: torch.float32 is faster; PSNR is then within 1e-5 dB, SSIM within 1e-5 on photographs.

        Raises: UsageError where the protocol or one of the metrics is not known or not offered for tensors.
        """
        self.protocol = find_protocol(protocol)
        self._rounded, self._dtype = rounded, dtype
        offered = {metric.name: twin for metric in self.protocol.metrics if (twin := _twin_of(metric))}
        wanted = list(offered) if metrics is None else list(metrics)
        missing = [name for name in wanted if name not in offered]
        if missing or not wanted:
            what = " and ".join(missing) or "metric"
            raise UsageError(
                f"{self.protocol.name} has no {what} for tensors",
                f"it offers {', '.join(offered)}" if offered else "score files or arrays: deblurbench.score",
            )
        self._functions = {name: offered[name] for name in wanted}
        self.metrics = tuple(wanted)

    def __call__(self, prediction: Tensor, sharp: Tensor) -> dict[str, Tensor]:
        """Score a batch.

        Args:
            prediction, sharp: N x 3 x H x W (RGB), N x 1 x H x W (grey) or one picture without N, of one shape and
                device, floating in 0 .. 1 or uint8 in 0 .. 255. What lies outside 0 .. 1 is clamped; ranges are not
                checked, since that would wait for the device.

        Returns: tensors (N,) of `dtype`; a metric that is not defined for pictures so small is left out.

        Raises: UsageError where the tensors are no such pictures.
        """
        for given in (prediction, sharp):
            if not isinstance(given, torch.Tensor):
                raise UsageError(f"a {type(given).__name__} is no tensor", "deblurbench.score takes arrays and files")
        with torch.autocast(prediction.device.type, enabled=False):
            pair = compare(prediction, sharp, self.protocol, rounded=self._rounded, dtype=self._dtype)
            values = {name: function(pair) for name, function in self._functions.items()}
        return {name: value for name, value in values.items() if value is not None}

    def __repr__(self) -> str:
        return f"BatchScorer({self.protocol.id}: {', '.join(self.metrics)})"


class ComparedTensors:
    """A batch of pairs with the methods of `Compared`, through which most metrics see a pair; it shows no pixels.

    Attributes:
        peak: what samples reach: 255 of 8-bit levels, else 1.
    """

    def __init__(self, prediction: Tensor, sharp: Tensor, peak: float, dtype: torch.dtype, rounded: bool) -> None:
        self.peak = peak
        self._pair = prediction, sharp
        self._dtype, self._rounded = dtype, rounded
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """See `Compared.once`."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def bt601(self) -> ComparedTensors:
        """See `Compared.bt601`."""
        return self._changed("bt601", _bt601, 255.0)

    def yiq(self) -> ComparedTensors:
        """See `Compared.yiq`."""
        return self._changed("yiq", lambda z: _yiq(z, self.peak, self._rounded), 255.0)

    def unit(self) -> ComparedTensors:
        """See `Compared.unit`."""
        return self._changed("unit", lambda z: _unit(z, self.peak), 1.0)

    def smaller(self) -> ComparedTensors:
        """See `Compared.smaller`."""
        side = times_smaller(self._pair[0].shape[2], self._pair[0].shape[3])
        return self._changed("smaller", lambda z: F.avg_pool2d(z.to(self._dtype), side), self.peak)

    @cached_property
    def guessed_peak(self) -> Tensor:
        """(N,): see `Compared.guessed_peak`."""
        return torch.where(self._pair[0].detach().amax((1, 2, 3)) > 1, 255.0, 1.0)

    @cached_property
    def mean_squared_error(self) -> Tensor:
        """(N,): see `Compared.mean_squared_error`."""
        return tensors.mean_squared_error(*self._pair, dtype=self._dtype)

    @cached_property
    def mean_absolute_error(self) -> Tensor:
        """(N,): see `Compared.mean_absolute_error`."""
        return tensors.mean_absolute_error(*self._pair, dtype=self._dtype)

    def psnr(self, *, peak: Peak | None = None, eps: float = 0.0, at_zero: float = float("inf")) -> Tensor:
        """(N,): see `Compared.psnr`."""
        error = self.mean_squared_error
        values = tensors.psnr_of_error(error, self._or_own(peak), eps=eps)
        return values if at_zero == float("inf") else torch.where(error == 0, at_zero, values)

    def gaussian_ssim(
        self, *, peak: Peak | None = None, window: Any = GAUSSIAN, relu: bool = False, eps: float = 0.0
    ) -> Tensor | None:
        """(N,): see `Compared.gaussian_ssim`."""
        return self._ssim(2 * RADIUS + 1, window=window, peak=peak, relu=relu, eps=eps)

    def reflected_ssim(self, *, eps: float = 0.0) -> Tensor | None:
        """(N,): see `Compared.reflected_ssim`."""
        return self._ssim(RADIUS + 1, border="reflect", eps=eps)

    def uniform_ssim(self, *, peak: Peak | None = None) -> Tensor | None:
        """(N,): see `Compared.uniform_ssim`."""
        return self._ssim(UNIFORM, window="uniform", peak=peak)

    def volume_ssim(self, *, peak: Peak | None = None) -> Tensor:
        """(N,): see `Compared.volume_ssim`."""
        return tensors.volume_ssim(*self._pair, peak=self._or_own(peak), dtype=self._dtype)

    def _changed(self, key: str, change: Callable[[Tensor], Tensor], peak: float) -> ComparedTensors:
        def make() -> ComparedTensors:
            prediction, sharp = map(change, self._pair)
            return ComparedTensors(prediction, sharp, peak, self._dtype, self._rounded)

        return self.once(key, make)

    def _ssim(self, least: int, *, peak: Peak | None = None, **settings: Any) -> Tensor | None:
        if min(self._pair[0].shape[2:]) < least:
            return None
        return tensors.ssim(*self._pair, peak=self._or_own(peak), dtype=self._dtype, **settings)

    def _or_own(self, peak: Peak | None) -> Peak:
        return self.peak if peak is None else peak


def compare(
    prediction: Tensor, sharp: Tensor, protocol: Protocol, *, rounded: bool, dtype: torch.dtype
) -> ComparedTensors:
    """The pairs of a batch as a protocol rounds them: see `reading.Reading.compared`."""
    tensors.check_pictures(prediction, sharp)
    pictures = [z if z.ndim == 4 else z[None] for z in (prediction, sharp)]
    if prediction.dtype == sharp.dtype == torch.uint8 or protocol.rounding != "keep":
        levels = [_levels(z, protocol.rounding, rounded) for z in pictures]
        return ComparedTensors(levels[0], levels[1], 255.0, dtype, rounded)
    wide = torch.promote_types(torch.promote_types(prediction.dtype, sharp.dtype), torch.float32)
    units = [_unit(z, 255.0, wide) if z.dtype == torch.uint8 else _wide(z).clamp(0, 1) for z in pictures]
    return ComparedTensors(units[0], units[1], 1.0, dtype, rounded)


def _levels(picture: Tensor, rounding: Rounding, rounded: bool) -> Tensor:
    """On a scale of 0 .. 255: see `reading.as_scored`. What is not rounded keeps its precision."""
    if picture.dtype == torch.uint8:
        return picture.float()
    unit = _wide(picture).clamp(0, 1)
    if not rounded:
        return unit * 255
    levels = unit.float() * 255
    return levels.round() if rounding == "round" else levels.floor()


def _wide(picture: Tensor) -> Tensor:
    if not picture.is_floating_point():
        raise UsageError(f"the pictures are of {picture.dtype}", "give floats in 0 .. 1, or uint8")
    return picture.float() if picture.element_size() < 4 else picture


def _unit(picture: Tensor, peak: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """On a scale of 0 .. 1; levels are divided in the type."""
    return picture if peak == 1 else picture.to(dtype) / _exactly(255, picture.to(dtype))


def _bt601(levels: Tensor) -> Tensor:
    """See `luma.bt601`: the same operations in the same order."""
    if levels.shape[1] != 3:
        return levels
    unit = (levels.float() / _exactly(255, levels.float())).double()
    red, green, blue = (unit[:, i : i + 1] * weight for i, weight in enumerate((65.481, 128.553, 24.966)))
    return ((red + green + blue + 16) / _exactly(255, unit)).float() * 255


def _yiq(picture: Tensor, peak: float, rounded: bool) -> Tensor:
    """See `luma.yiq`: the same operations in the same order, whose last digits decide what a half is rounded to."""
    unit = _unit(picture, peak).float()
    if unit.shape[1] == 3:
        red, green, blue = (unit[:, i : i + 1] * weight for i, weight in enumerate((0.299, 0.587, 0.114)))
        unit = red + green + blue
    return (unit * 255).round() if rounded else unit * 255


def _exactly(divisor: float, like: Tensor) -> Tensor:
    """A divisor that GPUs divide by; a plain number they replace by its reciprocal, which differs in the last digit."""
    return torch.full((), divisor, dtype=like.dtype, device=like.device)


def _twin_of(metric: Metric) -> Callable[[ComparedTensors], Tensor | None] | None:
    """The metric for tensors; None where it is slow, or asks for more than `ComparedTensors` has."""
    if metric.slow:
        return None
    twin = _bound_anew(metric.function)
    probe = torch.zeros((2, 3, 16, 16))
    try:
        value = twin(ComparedTensors(probe, probe, 255.0, torch.float64, True))
    except Exception:  # a function of anybody's, that wants pixels
        return None
    return twin if isinstance(value, torch.Tensor) and value.shape == (2,) else None


def _bound_anew(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `Compared` becomes the one of `ComparedTensors`; what calls such methods itself stays."""
    if isinstance(function, partial):
        return partial(_bound_anew(function.func), *function.args, **function.keywords)
    ours = vars(Compared).get(getattr(function, "__name__", ""))
    return getattr(ComparedTensors, function.__name__) if ours is function else function
