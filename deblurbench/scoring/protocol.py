"""What a protocol is: a frozen, versioned way to turn (prediction, sharp) into numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deblurbench import plugins
from deblurbench.errors import UsageError
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.readers import Reader

DEFAULT = "gnr638-eval"

Rounding = Literal["round", "truncate", "keep"]
"""What becomes of a floating prediction after it is clamped to 0 .. 1: 8 bits, rounded half to even; 8 bits, truncated;
nothing. Pictures of 8 bits are not touched."""


@dataclass(frozen=True)
class Metric:
    """One number of a protocol.

    Attributes:
        name: its key in results, with the unit, such as `psnr_db`.
        function: a pair -> value, or None where it is not defined for the pictures.
        added: True where the published script does not define it and we add it.
        slow: True for what takes seconds per picture: it is computed where its protocol is named, or with `--slow`.
        pooled: True for a PSNR whose value for a set comes from the error over all samples of all its pictures.
        lower_is_better: True for errors and distances.
    """

    name: str
    function: Callable[[Compared], float | None]
    added: bool = False
    slow: bool = False
    pooled: bool = False
    lower_is_better: bool = False


@dataclass(frozen=True)
class Recipe:
    """A protocol in words, as `deblurbench list protocols --explain` prints it: one phrase per point.

    Attributes:
        reader, colour, dtype, rounding: how files become numbers.
        crop, window, covariance, padding, range: how numbers become metrics.
        aggregation, infinities: how metrics of pictures become those of a set.
        used_by: who publishes with it.
        source: the code it reproduces, with its commit or version, or "unpublished".
        tolerance: how near to that code it is, and where.
    """

    reader: str
    colour: str
    dtype: str
    rounding: str
    crop: str
    window: str
    covariance: str
    padding: str
    range: str
    aggregation: str
    infinities: str
    used_by: str
    source: str
    tolerance: str


@dataclass(frozen=True)
class Protocol:
    """A named protocol. Once published, a version never changes: another number is another version.

    Attributes:
        name, version: together its id, `name@version`.
        summary: one line.
        reader: decodes a file as the published script does.
        rounding: what becomes of floating predictions.
        metrics: its numbers; each is averaged over pictures (infinities stay infinite) unless it is pooled.
        recipe: all of it in words.
        unpublished: True where no recipe was published and this is our reading.
        weights: file name and SHA-256 of each file of weights in its metrics, once they are given.
    """

    name: str
    version: int
    summary: str
    reader: Reader
    metrics: tuple[Metric, ...]
    recipe: Recipe
    rounding: Rounding = "round"
    unpublished: bool = False
    weights: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """`name@version`: stands beside every number."""
        return f"{self.name}@{self.version}"

    @property
    def added(self) -> list[str]:
        """The names of the metrics that are our addition."""
        return [metric.name for metric in self.metrics if metric.added]


def find_protocol(name: str) -> Protocol:
    """The protocol of a name or an id. Raises UsageError for an unknown name or version."""
    bare, _, version = name.partition("@")
    protocol: Protocol = plugins.load("protocols", bare)
    if version and version != str(protocol.version):
        raise UsageError(f"no version {version} of the protocol {bare}", f"this program has {protocol.id}")
    return protocol
