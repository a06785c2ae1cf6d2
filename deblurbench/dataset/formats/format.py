"""What a format is: it writes the pairs of one shard and reads a pair back, by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, NamedTuple

from deblurbench.dataset.manifest import Record
from deblurbench.images.codec import Picture
from deblurbench.places import Place

Side = Literal["sharp", "blur"]
SIDES: tuple[Side, Side] = ("sharp", "blur")


class Made(NamedTuple):
    """A finished pair: its line in the manifest, and its two pictures, uint8 H x W x 3."""

    record: Record
    sharp: Picture
    blurred: Picture


class Format(ABC):
    """How pictures lie in a place. One object per name, without state."""

    name: ClassVar[str]
    sharded: ClassVar[bool]
    """Whether a shard is one file (written whole, a place may be a URL), or a picture is."""
    shard_pairs: ClassVar[int] = 256
    """About how many pairs go into a shard."""
    single_writer: ClassVar[bool] = False
    """Whether shards must be written one after another, in order, by one process."""

    @abstractmethod
    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Write the pairs of a shard (they come sorted by pair id) and yield the record of each that is safely there.

        Formats of one file per picture yield at once; those of one file per shard yield when it is complete. What
        an earlier, killed call left behind is taken over or replaced; the result is the same.

        Raises: UsageError where the place is a URL and the format needs a folder.
        """

    @abstractmethod
    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split for reading. Raises DatasetError where it is damaged."""

    @abstractmethod
    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """The names of all picture files that a split of `shards` shards with these records has."""

    def picture(self, record: Record, side: Side) -> str | None:
        """The name of the file that holds this picture alone; None where files hold more than one picture."""
        return None


class PairReader(ABC):
    """Reads the pictures of one split; usable from several threads."""

    @abstractmethod
    def read(self, record: Record, side: Side) -> Picture:
        """One picture, uint8 H x W x 3. Raises PictureError naming it where it is missing or damaged."""

    def close(self) -> None:  # noqa: B027 - readers without open files have nothing to let go of
        """Let go of open files."""
