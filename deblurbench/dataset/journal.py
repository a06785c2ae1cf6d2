"""What a build remembers until it is finished: per shard, which photos are done, and with which result.

A line is written when a photo's pictures are safely there, so a kill at any moment costs the photos in hand. A shard's
last line says that it is complete; its kernels lie beside it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import chain
from typing import NamedTuple

from pydantic import ValidationError

from deblurbench.config import Config
from deblurbench.dataset.kernels import Taps, opened_kernels, write_kernels
from deblurbench.dataset.manifest import Record
from deblurbench.files import canonical_json
from deblurbench.places import Place

JOURNAL = "build.journal"
"""The folder of a dataset that is being built."""
PLAN = f"{JOURNAL}/plan"
"""Holds the hash of the plan, and so says whose build it is."""


class Done(NamedTuple):
    """What a journal says: the records of each photo that is done, the reason of each that is left out, and whether
    that is all of the shard.
    """

    records: dict[str, tuple[Record, ...]]
    left_out: dict[str, str]
    complete: bool


class ShardJournal:
    """The journal of one shard.

    Args:
        place: of the dataset.
        split, index: which shard.
        appends: whether lines are written as they come (a local folder), or all at the end (one file per shard: its
            photos are all there or none is).
    """

    def __init__(self, place: Place, split: str, index: int, *, appends: bool) -> None:
        self._place = place
        self._name = f"{JOURNAL}/{split}-{index:05d}"
        self._appends = appends
        self._lines: list[str] = []

    @property
    def _file(self) -> str:
        return f"{self._name}.jsonl"

    @property
    def _kernels(self) -> str:
        return f"{self._name}.npz"

    def read(self) -> Done:
        """What an earlier build left."""
        done = Done({}, {}, False)
        for line in self._read_lines():
            if line.complete:
                return done._replace(complete=self._place.exists(self._kernels))
            if line.records is not None:
                done.records[line.photo] = line.records
            elif line.left_out is not None:
                done.left_out[line.photo] = line.left_out
        return done

    def records(self) -> Iterator[Record]:
        """The records of all photos that are done, in the order of the photos' names, whichever was made first."""
        return chain.from_iterable(records for _, records in sorted(self.read().records.items()))

    def _read_lines(self) -> Iterator[_Line]:
        """The whole lines: one that a kill cut short, or another version wrote, is passed over."""
        if not self._place.exists(self._file):
            return
        for line in self._place.read_bytes(self._file).splitlines():
            with contextlib.suppress(ValidationError):
                yield _Line.model_validate_json(line, strict=True)

    def begin(self, records: Mapping[str, Iterable[Record]]) -> None:
        """Start anew with the photos that are kept, so that a cut line never stays inside."""
        self._lines = [_line(photo, of) for photo, of in records.items()]
        if self._appends:
            self._place.write_text(self._file, "".join(self._lines))

    def add(self, photo: str, records: Iterable[Record]) -> None:
        """A photo's pairs are there."""
        self._write(_line(photo, records))

    def leave_out(self, photo: str, reason: str) -> None:
        """A photo cannot be used."""
        self._write(canonical_json({"photo": photo, "left_out": reason}) + "\n")

    def _write(self, line: str) -> None:
        self._lines.append(line)
        if self._appends:
            with (self._place.local("this format") / self._file).open("a", encoding="utf-8") as file:
                file.write(line)

    def finish(self, kernels: Mapping[str, Taps]) -> None:
        """The shard is complete; `kernels`: all that it used, by id."""
        with self._place.writing(self._kernels) as temporary, temporary.open("wb") as file:
            write_kernels(file, sorted(kernels.items()))
        self._write(canonical_json({"complete": True}) + "\n")
        if not self._appends:
            self._place.write_text(self._file, "".join(self._lines))

    def kernels(self) -> AbstractContextManager[Mapping[str, Taps]]:
        """The kernels that `finish` put beside it, by id."""
        return opened_kernels(self._place, self._kernels)


class _Line(Config):
    """A line: of a photo its records or why it is left out, or that the shard is complete."""

    photo: str = ""
    records: tuple[Record, ...] | None = None
    left_out: str | None = None
    complete: bool = False


def _line(photo: str, records: Iterable[Record]) -> str:
    return canonical_json({"photo": photo, "records": [record.as_dict() for record in records]}) + "\n"
