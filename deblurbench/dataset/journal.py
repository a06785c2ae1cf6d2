"""What a build remembers until it is finished: per shard, which photos are done, and with which result.

A line is written when a photo's pictures are safely there, so a kill at any moment costs the photo in hand. A shard's
last line says that it is complete; its kernels lie beside it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deblurbench.dataset.kernels import Taps, opened_kernels, write_kernels
from deblurbench.dataset.manifest import Record
from deblurbench.files import canonical_json, parse_json
from deblurbench.places import Place

JOURNAL = "build.journal"
"""The folder of a dataset that is being built."""
PLAN = f"{JOURNAL}/plan"
"""Holds the hash of the plan, and so says whose build it is."""


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

    def read(self) -> tuple[dict[str, list[Record]], dict[str, str], bool]:
        """What an earlier build left: records by photo, reasons of what it left out, and whether all is done."""
        records: dict[str, list[Record]] = {}
        left_out: dict[str, str] = {}
        complete = False
        for value in self._values():
            complete = complete or value.get("complete") is True
            if "records" in value:
                records[value["photo"]] = [
                    Record.model_validate_json(canonical_json(record), strict=True) for record in value["records"]
                ]
            elif "left_out" in value:
                left_out[value["photo"]] = str(value["left_out"])
        return records, left_out, complete and self._place.exists(f"{self._name}.npz")

    def _values(self) -> Iterator[dict[str, Any]]:
        """The values of all whole lines; a line that a kill cut short is passed over: that photo is made again."""
        if not self._place.exists(self._file):
            return
        for line in self._place.read_bytes(self._file).decode("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                value = parse_json(line)
                if isinstance(value, dict):
                    yield value

    def begin(self, records: Mapping[str, list[Record]]) -> None:
        """Start anew with the photos that are kept, so that a cut line never stays inside."""
        self._lines = [_line(photo, records=of) for photo, of in records.items()]
        if self._appends:
            self._place.write_text(self._file, "".join(self._lines))

    def add(self, photo: str, records: Iterable[Record]) -> None:
        """A photo's pairs are there."""
        self._write(_line(photo, records=records))

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
        with self._place.writing(f"{self._name}.npz") as temporary, temporary.open("wb") as file:
            write_kernels(file, sorted(kernels.items()))
        self._write(canonical_json({"complete": True}) + "\n")
        if not self._appends:
            self._place.write_text(self._file, "".join(self._lines))

    def kernels(self) -> Iterator[tuple[str, Taps]]:
        """The kernels that `finish` put beside it, by id."""
        with opened_kernels(self._place, f"{self._name}.npz") as file:
            yield from file.items()


def _line(photo: str, records: Iterable[Record]) -> str:
    return canonical_json({"photo": photo, "records": [record.as_dict() for record in records]}) + "\n"
