"""Which way a metric counts, and whether its protocol takes the mean of pictures at all."""

from __future__ import annotations

from deblurbench.errors import UsageError
from deblurbench.scoring.protocol import Metric, find_protocol

_ERRORS = ("mse", "rmse", "mae", "lpips", "dists", "niqe")


def lower_is_better(protocol: str, metric: str) -> bool:
    """As the protocol says; of one that is not known here, as the metric's name says: errors are better when lower."""
    found = _find(protocol, metric)
    return found.lower_is_better if found else metric.lower().split("_")[0] in _ERRORS


def is_pooled(protocol: str, metric: str) -> bool:
    """Whether the protocol's own number for a set comes from the error over all samples, not from pictures' numbers."""
    found = _find(protocol, metric)
    return found is not None and found.pooled


def _find(protocol: str, metric: str) -> Metric | None:
    try:
        return next((m for m in find_protocol(protocol).metrics if m.name == metric), None)
    except UsageError:
        return None
