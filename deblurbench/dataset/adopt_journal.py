"""What an interrupted adoption remembers, so that the same command goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from deblurbench.dataset.manifest import PairPaths, Record, parse_record, record_line
from deblurbench.errors import DatasetError
from deblurbench.files import write_text

JOURNAL = "adopt.journal"
"""The first line is the hash of what is adopted; then, per pair, its files' sizes and times, a tab, and its record."""


class AdoptJournal:
    """The journal of one adoption.

    Args:
        out: the dataset folder.
        owner: the hash of what is adopted.
        root: where the pictures lie.
    """

    def __init__(self, out: Path, owner: str, root: Path) -> None:
        self._file = out / JOURNAL
        self._owner = owner
        self._root = root

    def begin(self, pairs: Mapping[str, PairPaths]) -> dict[str, Record]:
        """What an earlier call hashed of these pairs, by id, where their files are as they were.

        The journal is written anew, so that a line that a kill cut short never stays inside it.

        Raises: DatasetError where the journal is of another adoption.
        """
        known = self._known(pairs)
        lines = [self._owner, *map(self._line, known.values())]
        write_text(self._file, "".join(f"{line}\n" for line in lines))
        return known

    def add(self, record: Record) -> None:
        """A pair is hashed."""
        with suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write(self._line(record) + "\n")  # of a file that just went away nothing is remembered

    def _known(self, pairs: Mapping[str, PairPaths]) -> dict[str, Record]:
        if not self._file.is_file():
            return {}
        owner, *lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        if owner != self._owner:
            where = self._file.parent
            raise DatasetError(f"{where} holds another, unfinished dataset", "choose another --out, or --overwrite")
        known: dict[str, Record] = {}
        for line in lines:
            with suppress(DatasetError, OSError):  # a line that a kill cut short, a file that is gone
                stamp, _, text = line.partition("\t")
                record = parse_record(text, JOURNAL)
                if record.files == pairs.get(record.pair) and stamp == self._stamp(record):
                    known[record.pair] = record
        return known

    def _line(self, record: Record) -> str:
        return f"{self._stamp(record)}\t{record_line(record)}"

    def _stamp(self, record: Record) -> str:
        """The sizes and times of a pair's files: while they stay, the pictures are taken to be the same."""
        files = record.files or PairPaths(blur="", sharp="")
        stats = [(self._root / name).stat() for name in (files.sharp, files.blur)]
        return " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)
