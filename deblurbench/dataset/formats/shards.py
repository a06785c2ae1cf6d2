"""Reading a split that lies in several files, its shards, each of which holds many pairs sorted by name."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO

from deblurbench.dataset.formats.format import PairReader, Side
from deblurbench.dataset.manifest import Record
from deblurbench.errors import DatasetError, PictureError
from deblurbench.images.codec import Picture, decode
from deblurbench.places import Place

_MOST_OPEN = 4  # shards whose files stay open: opening one again is cheap, and cluster nodes allow few open files


def shard_name(split: str, shard: int, suffix: str) -> str:
    """The name of a shard's file, such as `train-00000.tar`."""
    return f"{split}-{shard:05d}.{suffix}"


class Shard(ABC):
    """One shard's file, opened when it is needed."""

    def __init__(self, place: Place, name: str) -> None:
        self.where = f"{place}/{name}"
        self._place, self._name = place, name
        self._stack = ExitStack()
        self._handle: IO[bytes] | None = None

    @abstractmethod
    def find_first(self) -> str:
        """The name of its first pair; empty where it holds none. Raises DatasetError."""

    @abstractmethod
    def find(self, name: str, side: Side) -> bytes | None:
        """An encoded picture, or None where the shard does not hold the pair. Raises DatasetError."""

    def close(self) -> None:
        """Close the file; what is known about it stays."""
        self._handle = None
        self._stack.close()

    def _file(self) -> IO[bytes]:
        """The open file. Raises DatasetError."""
        if self._handle is None:
            try:
                self._handle = self._stack.enter_context(self._place.reading(self._name))
            except OSError as error:
                raise DatasetError(f"cannot read {self.where}", error.strerror or str(error)) from error
        return self._handle

    def _damaged(self, why: object) -> DatasetError:
        return DatasetError(f"{self.where} is damaged ({why})", "make the dataset again")


class ShardReader(PairReader):
    """Looks a pair up where it should be, the shards being sorted, and otherwise everywhere."""

    def __init__(self, place: Place, split: str, suffix: str, make: Callable[[Place, str], Shard]) -> None:
        pattern = re.compile(rf"{re.escape(split)}-[0-9]{{5,}}\.{re.escape(suffix)}")
        self._shards = [make(place, name) for name in place.names() if pattern.fullmatch(name)]
        self._where = f"{place}/{shard_name(split, 0, suffix)}"
        self._firsts: dict[int, str] = {}
        self._open: list[Shard] = []  # the one that was used last comes last
        self._lock = threading.Lock()

    def read(self, record: Record, side: Side) -> Picture:
        """One picture, uint8 H x W x 3. Raises PictureError, and names the shards that are damaged."""
        failure: DatasetError | None = None
        with self._lock:
            for shard in self._likely(record.name):
                try:
                    data = self._ask(shard, record.name, side)
                except DatasetError as error:
                    failure = failure or error
                    continue
                if data is not None:
                    where = shard.where
                    break
            else:
                if failure is not None:
                    raise PictureError(f"cannot read the {side} picture of {record.pair}", str(failure)) from failure
                message = f"the {side} picture of {record.pair} is not in {self._where} and those after it"
                raise PictureError(message, "make the dataset again")
        return decode(data, f"{where}/{record.name}.{side}.png")

    def close(self) -> None:
        """Close all shards."""
        with self._lock:
            while self._open:
                self._open.pop().close()

    def _likely(self, name: str) -> Iterator[Shard]:
        """All shards: the one last used, the one where the name belongs, the others."""
        tried = self._open[-1:]
        yield from tried
        index = bisect_right(_Firsts(self._first, len(self._shards)), name) - 1
        for shard in [self._shards[index] if index >= 0 else None, *self._shards]:
            if shard is not None and shard not in tried:
                tried.append(shard)
                yield shard

    def _ask(self, shard: Shard, name: str, side: Side) -> bytes | None:
        self._use(shard)
        return shard.find(name, side)

    def _first(self, index: int) -> str:
        if index not in self._firsts:
            shard = self._shards[index]
            self._use(shard)
            try:
                self._firsts[index] = shard.find_first()
            except DatasetError:  # it is named when a picture is asked of it
                self._firsts[index] = ""
        return self._firsts[index]

    def _use(self, shard: Shard) -> None:
        """Count a shard among the open ones; close what was not used for longest."""
        if shard in self._open:
            self._open.remove(shard)
        self._open.append(shard)
        while len(self._open) > _MOST_OPEN:
            self._open.pop(0).close()


class _Firsts(Sequence[str]):
    """The first names of the shards, each looked up when it is compared."""

    def __init__(self, first: Callable[[int], str], count: int) -> None:
        self._first, self._count = first, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        return self._first(index)
