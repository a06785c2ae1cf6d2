"""One file per picture, `<split>/{sharp,blur}/NAME.SUFFIX`: what most trainers and scripts read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar

from deblurbench.dataset.formats.format import SIDES, Format, Made, PairReader, Side
from deblurbench.dataset.manifest import Record
from deblurbench.errors import PictureError
from deblurbench.images.codec import Picture, decode, encode
from deblurbench.places import Place


class PictureFiles(Format):
    """Base of the formats in which every picture is a file of its own, in a local folder."""

    sharded: ClassVar[bool] = False
    suffix: ClassVar[str]
    """What its file names end in, without the dot, and how pictures are encoded."""

    @abstractmethod
    def picture(self, record: Record, side: Side) -> str:
        """The name of a picture's file, which is a function of the record alone."""

    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Write each pair as two files, and yield at once."""
        place.local(f"the format {self.name}")
        for made in pairs:
            for side in SIDES:
                picture = made.sharp if side == "sharp" else made.blurred
                place.write_bytes(self.picture(made.record, side), encode(picture, self.suffix))
            yield made.record

    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split; nothing is looked at yet."""
        place.local(f"the format {self.name}")
        return _FileReader(self, place)

    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """Two names per pair, each once."""
        seen: set[str] = set()  # of the few that pairs share
        for record in records:
            for side in SIDES:
                name = self.picture(record, side)
                if self._may_share(side):
                    if name in seen:
                        continue
                    seen.add(name)
                yield name

    def _may_share(self, side: Side) -> bool:
        """Whether two pairs may have one file of this side."""
        return False


class _FileReader(PairReader):
    """Reads files by the names that the format gives them."""

    def __init__(self, layout: PictureFiles, place: Place) -> None:
        self._layout, self._place = layout, place

    def read(self, record: Record, side: Side) -> Picture:
        name = self._layout.picture(record, side)
        where = f"{self._place}/{name}"
        try:
            return decode(self._place.read_bytes(name), where)
        except FileNotFoundError as error:
            raise PictureError(f"{where} does not exist", "make the dataset again to complete it") from error
        except OSError as error:
            raise PictureError(f"{where} cannot be read", error.strerror or str(error)) from error


class _PlainFiles(PictureFiles):
    def picture(self, record: Record, side: Side) -> str:
        return f"{record.split}/{side}/{record.name}.{self.suffix}"


class Png(_PlainFiles):
    """`<split>/{sharp,blur}/NAME.png`, 8-bit RGB."""

    name: ClassVar[str] = "png"
    suffix: ClassVar[str] = "png"


class Qoi(_PlainFiles):
    """`<split>/{sharp,blur}/NAME.qoi`, 8-bit RGB (https://qoiformat.org)."""

    name: ClassVar[str] = "qoi"
    suffix: ClassVar[str] = "qoi"


class Npy(_PlainFiles):
    """`<split>/{sharp,blur}/NAME.npy`: one NumPy array per picture, uint8 H x W x 3."""

    name: ClassVar[str] = "npy"
    suffix: ClassVar[str] = "npy"
