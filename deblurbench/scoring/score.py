"""Scoring predictions against sharp pictures: pairs in, a report out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from deblurbench.errors import PictureError, UsageError, nearest
from deblurbench.progress import progress
from deblurbench.scoring import aggregate
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.pairing import Pair, Pairing, Source
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import Metric, Protocol

SCHEMA = 1
_BYTES_TO_SAMPLES = 2  # of a lossless file, about

Observer = Callable[[str, Opened, Opened, Opened | None], None]
"""Told of each scored pair: its name, the prediction, the sharp picture and the blurred one. Threads call it."""


@dataclass(frozen=True)
class ImageScore:
    """One picture's numbers; a metric that is not defined for it is left out. `samples` is H x W x channels."""

    name: str
    values: Mapping[str, float]
    samples: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON: infinities as the string "inf"."""
        return {"name": self.name, **plain(self.values)}


@dataclass(frozen=True, repr=False)
class ProtocolScores:
    """All pictures under one protocol; `blurred` has the blurred ones against the sharp ones, where they were given."""

    protocol: Protocol
    images: tuple[ImageScore, ...]
    blurred: tuple[ImageScore, ...] | None = None

    def __repr__(self) -> str:
        return repr(ScoreReport((self,), (), (), ()))

    @property
    def mean(self) -> dict[str, float]:
        """Of each metric that all pictures have: the mean, where one infinity makes it infinite, or the pooled PSNR."""
        return self.means_of(self.images)

    @property
    def blurred_mean(self) -> dict[str, float] | None:
        """The same of the blurred pictures."""
        return None if self.blurred is None else self.means_of(self.blurred)

    @property
    def infinite(self) -> dict[str, int]:
        """How many pictures have an infinite value of a metric, where some have."""
        counts = {n: sum(math.isinf(i.values.get(n, 0)) for i in self.images) for n in self.mean}
        return {name: count for name, count in counts.items() if count}

    @property
    def finite_mean(self) -> dict[str, float]:
        """Of each metric in `infinite`: the number of the other pictures, where there are some."""
        finite = {name: [i for i in self.images if math.isfinite(i.values[name])] for name in self.infinite}
        return {name: self.means_of(images)[name] for name, images in finite.items() if images}

    def means_of(self, images: Sequence[ImageScore]) -> dict[str, float]:
        """The numbers of a set of pictures, such as those of one scene."""
        metrics = [m for m in self.protocol.metrics if images and all(m.name in image.values for image in images)]
        return {metric.name: _aggregate(metric, images) for metric in metrics}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        result: dict[str, Any] = {"id": self.protocol.id, "mean": plain(self.mean), "added": self.protocol.added}
        if self.protocol.weights:
            result["weights"] = [{"file": file, "sha256": digest} for file, digest in self.protocol.weights]
        if self.infinite:
            result |= {"infinite": self.infinite, "finite_mean": self.finite_mean}
        if self.blurred is not None:
            result |= {
                "blurred_mean": plain(self.blurred_mean or {}),
                "blurred_images": [image.as_dict() for image in self.blurred],
            }
        return result | {"images": [image.as_dict() for image in self.images]}


@dataclass(frozen=True, repr=False)
class ScoreReport:
    """The result of scoring pairs of pictures; shown as the table that `deblurbench score` prints.

    `report.mean["ssim"]` is the number where there is one protocol, `report["basicsr-rgb"].mean["ssim"]` where there
    are several; `report["basicsr-rgb"].images` has each picture's.

    Attributes:
        protocols: the numbers, per protocol, of the `n` pictures that could be scored.
        failures: one line for each prediction that is missing, unreadable or of another size.
        extra: names of predictions that have no sharp picture.
        ignored: names of files beside the sharp pictures whose suffix is no picture's.
        seconds: what all threads together spent on the pictures; `decoding_seconds`, of it on decoding files.
    """

    protocols: tuple[ProtocolScores, ...]
    failures: tuple[str, ...]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]
    seconds: float = 0.0
    decoding_seconds: float = 0.0

    @property
    def n(self) -> int:
        """How many pictures were scored."""
        return len(self.protocols[0].images)

    @property
    def mean(self) -> dict[str, float]:
        """The means of the only protocol. Raises UsageError where there are several."""
        if len(self.protocols) != 1:
            raise UsageError("there are means of several protocols", f"name one: report[{self._names[0]!r}].mean")
        return self.protocols[0].mean

    def __getitem__(self, protocol: str) -> ProtocolScores:
        """The scores under a protocol, by its name or id. Raises UsageError for one that was not asked for."""
        for scores in self.protocols:
            if protocol in (scores.protocol.name, scores.protocol.id):
                return scores
        raise UsageError(f"no scores under {protocol!r}", nearest(protocol, self._names))

    def __repr__(self) -> str:
        from deblurbench.scoring.reports.tables import score_text

        return score_text(self)

    @property
    def _names(self) -> list[str]:
        return [scores.protocol.name for scores in self.protocols]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, as `score --json -` prints it; `failures` only where there are some."""
        result = {"schema": SCHEMA, "n": self.n, "protocols": [scores.as_dict() for scores in self.protocols]}
        return result | ({"failures": list(self.failures)} if self.failures else {})


def plain(values: Mapping[str, float]) -> dict[str, float | str]:
    """The values as JSON can hold them: infinities as the strings "inf" and "-inf"."""
    return {name: str(value) if math.isinf(value) else value for name, value in values.items()}


def score_pairing(
    pairing: Pairing,
    protocols: Sequence[Protocol],
    *,
    exact: bool = True,
    workers: int = 1,
    quiet: bool = False,
    observer: Observer | None = None,
) -> ScoreReport:
    """Score pairs of pictures, wherever they lie.

    Args:
        pairing: such as `pair_folders` makes; with blurred pictures, their numbers are computed too.
        protocols: at least one.
        exact: False allows SSIM in float32, to within 1e-6, where a protocol computes nothing else.
        workers: threads.
        observer: is told of each pair.
    """
    if pairing.pairs:
        engine.expect(len(pairing.pairs) * about_samples(pairing.pairs[0].sharp))
    scorer = _Scorer(protocols, exact, pairing.with_blur, observer)
    with ThreadPoolExecutor(workers) as pool, progress("score", len(pairing.pairs), "pictures", quiet=quiet) as bar:
        results = []
        try:
            for result in pool.map(scorer, pairing.pairs):
                results.append(result)
                bar.step()
        finally:
            scorer.stopped.set()
    scored = [result for result in results if not isinstance(result, str)]
    return ScoreReport(
        tuple(_scores(p, [result.images[i] for result in scored]) for i, p in enumerate(protocols)),
        tuple(result for result in results if isinstance(result, str)),
        pairing.extra,
        pairing.ignored,
        sum(result.seconds for result in scored),
        sum(result.decoding_seconds for result in scored),
    )


@dataclass(frozen=True)
class _Scored:
    """One pair: per protocol the prediction's numbers and, where there is one, the blurred picture's."""

    images: list[tuple[ImageScore, ImageScore | None]]
    seconds: float
    decoding_seconds: float


class _Scorer:
    """Scores pairs one by one; when it is `stopped`, threads that are at work end after the metric at hand."""

    def __init__(self, protocols: Sequence[Protocol], exact: bool, with_blur: bool, observer: Observer | None) -> None:
        self._protocols, self._exact, self._with_blur, self._observer = protocols, exact, with_blur, observer
        self.stopped = Event()

    def __call__(self, pair: Pair) -> _Scored | str:
        """One pair under each protocol, or the line that says why it cannot be scored."""
        if pair.prediction is None:
            return f"{pair.name}: the prediction is missing"
        if pair.blur is None and self._with_blur:
            return f"{pair.name}: the blurred picture is missing"
        start = time.perf_counter()
        prediction, sharp = Opened(pair.prediction), Opened(pair.sharp)
        blur = None if pair.blur is None else Opened(pair.blur)
        try:
            restored = self._numbers(pair.name, prediction, sharp)
            blurred = self._numbers(pair.name, blur, sharp) if blur else [None] * len(restored)
            if self._observer:
                self._observer(pair.name, prediction, sharp, blur)
        except PictureError as error:
            return f"{pair.name}: {error}"
        decoding = prediction.seconds + sharp.seconds + (blur.seconds if blur else 0)
        return _Scored(list(zip(restored, blurred, strict=True)), time.perf_counter() - start, decoding)

    def _numbers(self, name: str, prediction: Opened, sharp: Opened) -> list[ImageScore]:
        reading = Reading(prediction, sharp, exact=self._exact)
        scores = []
        for protocol in self._protocols:
            compared = reading.compared(protocol)
            values = {m.name: self._value(m, compared) for m in protocol.metrics}
            known = {metric: value for metric, value in values.items() if value is not None}
            scores.append(ImageScore(name, known, compared.sharp.size))
        return scores

    def _value(self, metric: Metric, pair: Compared) -> float | None:
        if self.stopped.is_set():
            raise CancelledError
        return metric.function(pair)


def _scores(protocol: Protocol, images: Sequence[tuple[ImageScore, ImageScore | None]]) -> ProtocolScores:
    blurred = tuple(blurred for _, blurred in images if blurred is not None)
    return ProtocolScores(protocol, tuple(image for image, _ in images), blurred or None)


def about_samples(source: Source) -> int:
    """How many samples a picture has, about; 0 where its file is not there, which its reader will say."""
    try:
        return _BYTES_TO_SAMPLES * source.stat().st_size if isinstance(source, Path) else source.size
    except OSError:
        return 0


def _aggregate(metric: Metric, images: Sequence[ImageScore]) -> float:
    values = [image.values[metric.name] for image in images]
    return aggregate.pooled_psnr(values, [i.samples for i in images]) if metric.pooled else aggregate.mean(values)
