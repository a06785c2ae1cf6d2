"""Which pictures of a set to look at: the worst, those around the median, the best."""

from __future__ import annotations

from dataclasses import dataclass

from deblurbench.errors import UsageError
from deblurbench.scoring.score import ImageScore, ProtocolScores


@dataclass(frozen=True)
class Pick:
    """Some pictures of one kind, from the worst to the best; `kind` is `worst`, `median`, `best` or `only`."""

    kind: str
    images: tuple[ImageScore, ...]


def pick(scores: ProtocolScores, count: int) -> list[Pick]:
    """By the first metric `count` pictures of each kind, none twice: fewer where there are not enough.

    Pictures without a value are left out. Equal values are told apart by name, so that the same scores give the same
    pictures.

    Raises: UsageError where no picture has a value.
    """
    metric = scores.protocol.metrics[0]
    valued = [image for image in scores.images if metric.name in image.values]
    if not valued:
        raise UsageError(f"no picture has a {metric.name} under {scores.protocol.id}", "name another protocol first")
    sign = -1 if metric.lower_is_better else 1
    ordered = tuple(sorted(valued, key=lambda image: (sign * image.values[metric.name], image.name)))
    if len(ordered) == 1:
        return [Pick("only", ordered)]
    count = min(count, max(1, len(ordered) // 3))
    rest = ordered[count:-count]
    start = (len(rest) - min(count, len(rest))) // 2
    kinds = {"worst": ordered[:count], "median": rest[start : start + count], "best": ordered[-count:]}
    return [Pick(kind, images) for kind, images in kinds.items() if images]
