"""Which way a metric counts."""

from __future__ import annotations

from deblurbench.errors import UsageError
from deblurbench.scoring.protocol import find_protocol

_ERRORS = ("mse", "rmse", "mae", "lpips", "dists", "niqe")


def lower_is_better(protocol: str, metric: str) -> bool:
    """As the protocol says; of one that is not known here, as the metric's name says: errors are better when lower."""
    try:
        found = next((m for m in find_protocol(protocol).metrics if m.name == metric), None)
    except UsageError:
        found = None
    return found.lower_is_better if found else metric.lower().split("_")[0] in _ERRORS
