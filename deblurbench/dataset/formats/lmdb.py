"""LMDB environments for BasicSR: `<split>_{sharp,blur}.lmdb/` with `data.mdb` and `meta_info.txt`.

A key is the pair's name, ASCII; a value the PNG bytes; a line of `meta_info.txt` reads `KEY.png (h,w,3) 1`. BasicSR
ends a key at its first dot, so a key has `~`, which no name holds, for each dot.
An environment is open only while it is read from or written to, in one transaction: LMDB allows one at a time in a
process, and none may be open across a fork, as in a data loader. Opening takes some 50 microseconds.
A file that is cut short is refused. Inside a file LMDB trusts its own pages, and a damaged page can end the process:
where a copy is doubtful, compare SHA256SUMS first.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from deblurbench.dataset.formats.format import SIDES, Format, Made, PairReader, Side
from deblurbench.dataset.formats.webdataset import key
from deblurbench.dataset.manifest import Record
from deblurbench.errors import DatasetError, DeblurbenchError, PictureError
from deblurbench.files import write_text
from deblurbench.images.codec import Picture, decode, encode
from deblurbench.places import Place

DATA, META = "data.mdb", "meta_info.txt"
_BATCH = 16  # pairs in a transaction
_ROOM = 1 << 24  # bytes that an environment's map grows by at least

# Held while an environment is open. A forked process must meet it free, and no environment open.
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Lmdb(Format):
    """One environment per split and side, appended to shard by shard."""

    name: ClassVar[str] = "lmdb"
    sharded: ClassVar[bool] = False
    single_writer: ClassVar[bool] = True

    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Put the pairs into both environments, and yield those of each transaction when both are safe."""
        root = place.local("the format lmdb")
        left = iter(pairs)
        while batch := list(islice(left, _BATCH)):
            for side in SIDES:
                pictures = {key(m.record.name): encode(m.sharp if side == "sharp" else m.blurred, "png") for m in batch}
                _append(folder(root, split, side), pictures)
            yield from (made.record for made in batch)

    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split; nothing is looked at yet."""
        return _LmdbReader(place.local("the format lmdb"), split)

    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """Two names per environment."""
        if any(True for _ in records):
            for side in SIDES:
                yield from (f"{split}_{side}.lmdb/{name}" for name in (DATA, META))


def folder(root: Path, split: str, side: Side) -> Path:
    """The environment of one side of a split."""
    return root / f"{split}_{side}.lmdb"


def _append(path: Path, pictures: dict[str, bytes]) -> None:
    """Add pictures to an environment and its list; those that it has already, byte for byte, are left alone."""
    path.mkdir(parents=True, exist_ok=True)
    with _environment(path, room=sum(map(len, pictures.values()))) as env:
        with env.begin(write=True) as transaction:
            for name, data in pictures.items():
                if transaction.get(name.encode()) != data:
                    transaction.put(name.encode(), data)
        count = env.stat()["entries"]
        known = (path / META).read_bytes().splitlines(keepends=True) if (path / META).is_file() else []
        lines = [_line(name, data).encode() for name, data in pictures.items()]
        if len(known) + len(lines) == count and all(line.endswith(b"\n") for line in known[-1:]):
            with (path / META).open("ab") as file:
                file.writelines(lines)
        else:  # an earlier call was killed between the two files, or came as far as this one
            with env.begin() as transaction:
                found = [_line(bytes(name).decode("ascii"), data) for name, data in transaction.cursor()]
            write_text(path / META, "".join(sorted(found, key=lambda line: line.partition(".")[0].replace("~", "."))))


def _line(name: str, png: bytes) -> str:
    """A picture's line in the list; its size is in the PNG header."""
    width, height = struct.unpack(">2I", png[16:24])
    return f"{name}.png ({height},{width},3) 1\n"


@contextmanager
def _environment(path: Path, room: int | None = None) -> Iterator[Any]:
    """An environment, open; with `room`, for writing, with so many bytes to spare.

    Raises: DatasetError where it is missing or damaged.
    """
    try:
        import lmdb
    except ImportError as error:
        raise DeblurbenchError("the format lmdb needs lmdb", "pip install 'deblurbench[formats]'") from error
    file = path / DATA
    try:
        with _lock:
            before = file.stat().st_size if file.is_file() else 0
            # Pages round every value up. The file is as long as what is in it, whatever the map allows.
            size = before + 2 * (room or 0) + _ROOM
            options = {"readonly": room is None, "create": room is not None, "lock": False, "readahead": False}
            with lmdb.open(str(path), map_size=size, **options) as env:
                last = env.info()["last_pgno"]
                if before and before < (last + 1) * env.stat()["psize"]:  # reading on would end the process
                    raise DatasetError(f"{file} is cut short", "make the dataset again")
                yield env
    except lmdb.Error as error:
        hint = "make the dataset again, with room on the disk"
        raise DatasetError(f"{file} cannot be used ({error})", hint) from error


class _LmdbReader(PairReader):
    """Reads a picture in one short transaction."""

    def __init__(self, root: Path, split: str) -> None:
        self._folders = {side: folder(root, split, side) for side in SIDES}

    def read(self, record: Record, side: Side) -> Picture:
        path = self._folders[side]
        where = f"{path}/{record.name}.png"
        try:
            with _environment(path) as env, env.begin() as transaction:
                data = transaction.get(key(record.name).encode())
        except DatasetError as error:
            raise PictureError(f"{where} cannot be read", str(error)) from error
        if data is None:
            raise PictureError(f"{where} does not exist", "make the dataset again")
        return decode(data, where)
