"""What a protocol is: a frozen, versioned way to turn (prediction, sharp) into numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deblurbench import plugins
from deblurbench.errors import UsageError
from deblurbench.scoring.metrics import Samples

DEFAULT = "gnr638-eval"


@dataclass(frozen=True)
class Metric:
    """One number of a protocol.

    Attributes:
        name: its key in results, with the unit, such as `psnr_db`.
        function: (prediction, sharp) -> value, or None where it is not defined for the pictures.
        added: True where the published script does not define it and we add it.
    """

    name: str
    function: Callable[[Samples, Samples], float | None]
    added: bool = False


@dataclass(frozen=True)
class Protocol:
    """A named protocol. Once published, a version never changes: another number is another version.

    Attributes:
        name, version: together its id, `name@version`.
        summary: one line.
        read: decodes a file as the published script does. Raises PictureError.
        metrics: its numbers; each is averaged over pictures (infinities stay infinite).
    """

    name: str
    version: int
    summary: str
    read: Callable[[Path], Samples]
    metrics: tuple[Metric, ...]

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
