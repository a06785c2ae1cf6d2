"""Scoring a folder of predictions against a folder of sharp pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurbench.errors import PictureError
from deblurbench.progress import progress
from deblurbench.scoring.pairing import Pair, Pairing, pair_folders
from deblurbench.scoring.protocol import Protocol

SCHEMA = 1


@dataclass(frozen=True)
class ImageScore:
    """One picture's numbers; a metric that is not defined for it is left out."""

    name: str
    values: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: infinities as the string "inf"."""
        return {"name": self.name, **plain(self.values)}


@dataclass(frozen=True)
class ProtocolScores:
    """All pictures under one protocol."""

    protocol: Protocol
    images: tuple[ImageScore, ...]

    @property
    def mean(self) -> dict[str, float]:
        """Mean over the pictures of each metric that all of them have; one infinity makes it infinite."""
        names = [m.name for m in self.protocol.metrics if all(m.name in image.values for image in self.images)]
        return {n: math.fsum(i.values[n] for i in self.images) / len(self.images) for n in names if self.images}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        images = [image.as_dict() for image in self.images]
        return {"id": self.protocol.id, "mean": plain(self.mean), "added": self.protocol.added, "images": images}


@dataclass(frozen=True)
class ScoreReport:
    """The result of scoring two folders.

    Attributes:
        protocols: the numbers, per protocol, of the `n` pictures that could be scored.
        failures: one line for each prediction that is missing, unreadable or of another size.
        extra: names of predictions that have no sharp picture.
        ignored: names of files beside the sharp pictures whose suffix is no picture's.
    """

    protocols: tuple[ProtocolScores, ...]
    failures: tuple[str, ...]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many pictures were scored."""
        return len(self.protocols[0].images)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, as `score --json -` prints it; `failures` only where there are some."""
        result = {"schema": SCHEMA, "n": self.n, "protocols": [scores.as_dict() for scores in self.protocols]}
        return result | ({"failures": list(self.failures)} if self.failures else {})


def plain(values: Mapping[str, float]) -> dict[str, float | str]:
    """The values as JSON can hold them: infinity as the string "inf"."""
    return {name: "inf" if math.isinf(value) else value for name, value in values.items()}


def score_folders(
    predictions: Path, sharp: Path, protocols: Sequence[Protocol], *, workers: int = 1, quiet: bool = False
) -> ScoreReport:
    """Score every picture of `sharp` against the prediction of the same name.

    Raises: UsageError where a folder is missing or empty, or both are one.
    """
    return score_pairing(pair_folders(predictions, sharp), protocols, workers=workers, quiet=quiet)


def score_pairing(
    pairing: Pairing, protocols: Sequence[Protocol], *, workers: int = 1, quiet: bool = False
) -> ScoreReport:
    """Score pictures that are paired already, wherever they lie."""
    with ThreadPoolExecutor(workers) as pool, progress("score", len(pairing.pairs), "pictures", quiet=quiet) as bar:
        results = []
        for result in pool.map(lambda pair: _score_pair(pair, protocols), pairing.pairs):
            results.append(result)
            bar.step()
    scored = [result for result in results if not isinstance(result, str)]
    return ScoreReport(
        tuple(ProtocolScores(p, tuple(images[i] for images in scored)) for i, p in enumerate(protocols)),
        tuple(result for result in results if isinstance(result, str)),
        pairing.extra,
        pairing.ignored,
    )


def _score_pair(pair: Pair, protocols: Sequence[Protocol]) -> list[ImageScore] | str:
    """One picture under each protocol, or the line that says why it cannot be scored."""
    if pair.prediction is None:
        return f"{pair.name}: the prediction is missing"
    scores = []
    for protocol in protocols:
        try:
            sharp, prediction = protocol.read(pair.sharp), protocol.read(pair.prediction)
        except PictureError as error:
            return f"{pair.name}: {error}"
        if sharp.shape != prediction.shape:
            return f"{pair.name}: the prediction is {_shape(prediction.shape)}, the sharp picture {_shape(sharp.shape)}"
        values = {m.name: m.function(prediction, sharp) for m in protocol.metrics}
        scores.append(ImageScore(pair.name, {name: value for name, value in values.items() if value is not None}))
    return scores


def _shape(shape: tuple[int, ...]) -> str:
    height, width, *rest = shape
    channels = f"{rest[0]} channels" if len(rest) == 1 else "1 channel" if not rest else f"{rest} more axes"
    return f"{width}x{height} with {channels}"
