"""Tar files for `webdataset`: of each pair, in order, `KEY.blur.png`, `KEY.json` (its manifest line), `KEY.sharp.png`.

The bytes of a shard depend on its pairs and the PNG encoder alone: USTAR headers, modification time 0, owner 0, mode
0644, and before a name that USTAR has no place for (over 100 bytes) one pax header with the path.
webdataset ends a key at its first dot, so KEY is the pair's name with `~`, which no name holds, for each dot.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from typing import ClassVar

from deblurbench.dataset.formats.format import Format, Made, PairReader, Side
from deblurbench.dataset.formats.shards import Shard, ShardReader, shard_name
from deblurbench.dataset.manifest import Record, record_line
from deblurbench.images.codec import encode
from deblurbench.places import Place

SUFFIX = "tar"


class WebDataset(Format):
    """Deterministic tar shards."""

    name: ClassVar[str] = "webdataset"
    sharded: ClassVar[bool] = True

    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Write one tar file, whole, and yield its records then."""
        records = []
        with (
            place.writing(shard_name(split, shard, SUFFIX)) as temporary,
            tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for made in pairs:
                name = key(made.record.name)
                _add(tar, f"{name}.blur.png", encode(made.blurred, "png"))
                _add(tar, f"{name}.json", f"{record_line(made.record)}\n".encode())
                _add(tar, f"{name}.sharp.png", encode(made.sharp, "png"))
                records.append(made.record)
        yield from records

    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split; each shard's headers are read when a pair is looked for in it."""
        return ShardReader(place, split, SUFFIX, _TarShard)

    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """One name per shard."""
        return (shard_name(split, shard, SUFFIX) for shard in range(shards))


def key(name: str) -> str:
    """A pair's name as a key that ends at its first dot, for readers that think so; no two names share one."""
    return name.replace(".", "~")


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # time, owner and group are 0, the mode is 0644
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


class _TarShard(Shard):
    """A tar file whose headers are read as far as needed. Nothing is ever extracted, and links are not followed."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__(place, name)
        self._tar: tarfile.TarFile | None = None
        self._found: dict[str, tuple[int, int]] = {}  # member -> where its bytes begin, and how many
        self._complete = False

    def find_first(self) -> str:
        while not self._found and self._advance():
            pass
        return next(iter(self._found), "").partition(".")[0].replace("~", ".")

    def find(self, name: str, side: Side) -> bytes | None:
        member = f"{key(name)}.{side}.png"
        while member not in self._found:
            if not self._advance():
                return None
        offset, size = self._found[member]
        try:
            file = self._file()
            file.seek(offset)
            data = file.read(size)
        except OSError as error:
            raise self._damaged(error.strerror or error) from error
        if len(data) != size:
            raise self._damaged("it is cut short")
        return data

    def close(self) -> None:
        self._tar = None
        super().close()

    def _advance(self) -> bool:
        """Read one more header; False at the end."""
        if self._complete:
            return False
        try:
            if self._tar is None:
                file = self._file()
                file.seek(0)
                self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - closed with the shard's file
            member = self._tar.next()
        except (tarfile.TarError, OSError, ValueError, EOFError, RecursionError, MemoryError) as error:
            raise self._damaged(error) from error
        self._tar.members = []  # type: ignore[attr-defined]  # what it would remember, we know
        if member is None:
            self._complete = True
        elif member.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            self._found.setdefault(member.name, (member.offset_data, member.size))
        return member is not None
