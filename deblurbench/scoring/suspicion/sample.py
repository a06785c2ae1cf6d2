"""The few pictures that are looked at closely."""

from __future__ import annotations

from typing import Generic, TypeVar

from deblurbench.files import sha256_text

Record = TypeVar("Record")


class Sample(Generic[Record]):
    """The records of `size` pictures drawn from all.

    They are those whose names hash lowest, so that neither the number of pictures need be known before, nor the
    order in which threads bring them matters, and a sample is not all of one scene. Of n pictures about
    size (1 + ln(n / size)) are wanted on the way.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[str, Record] = {}

    def wants(self, name: str) -> bool:
        """Whether the picture belongs to the sample, by all that is known so far."""
        return len(self._kept) < self._size or sha256_text(name) < max(self._kept)

    def add(self, name: str, record: Record) -> None:
        """Keep the record, unless the sample is full of lower ones."""
        self._kept[sha256_text(name)] = record
        if len(self._kept) > self._size:
            del self._kept[max(self._kept)]

    def records(self) -> list[Record]:
        """In the order of the hashes."""
        return [self._kept[key] for key in sorted(self._kept)]
