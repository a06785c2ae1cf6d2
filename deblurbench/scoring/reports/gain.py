"""What restoring has gained over leaving the pictures blurred."""

from __future__ import annotations

from collections.abc import Mapping

from deblurbench.scoring.protocol import Metric, Protocol
from deblurbench.scoring.score import ProtocolScores


def gain(metric: Metric, restored: float, blurred: float) -> float:
    """How much better the restored value is, in the metric's unit: positive is better; 0 where both are infinite."""
    if restored == blurred:
        return 0.0
    return blurred - restored if metric.lower_is_better else restored - blurred


def gains(protocol: Protocol, restored: Mapping[str, float], blurred: Mapping[str, float]) -> dict[str, float]:
    """The gain of each metric that both have."""
    shared = [m for m in protocol.metrics if m.name in restored and m.name in blurred]
    return {m.name: gain(m, restored[m.name], blurred[m.name]) for m in shared}


def mean_gains(scores: ProtocolScores) -> dict[str, float]:
    """Of each metric the mean of the restored pictures against that of the blurred ones; none without blurred ones."""
    return gains(scores.protocol, scores.mean, scores.blurred_mean or {})


def worse(scores: ProtocolScores) -> dict[str, list[str]]:
    """Of each metric the names of the pictures that are further from the sharp one than the blurred picture was."""
    pairs = list(zip(scores.images, scores.blurred or (), strict=scores.blurred is not None))
    names: dict[str, list[str]] = {metric.name: [] for metric in scores.protocol.metrics} if pairs else {}
    for image, blurred in pairs:
        for name, value in gains(scores.protocol, image.values, blurred.values).items():
            if value < 0:
                names[name].append(image.name)
    return names
