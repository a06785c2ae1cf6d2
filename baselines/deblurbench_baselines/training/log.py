"""`training.log`: what was said while a run was trained, with the time of each line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deblurbench.errors import one_line
from deblurbench.progress import say

LOG = "training.log"


def _now() -> datetime:
    return datetime.now(UTC)


class TrainingLog:
    """Lines `2026-01-31T12:00:00Z text` in UTF-8, appended to a file that is there already: a resumed run goes on.

    Each line is written at once and whole, so that a kill costs at most the line that is being written; a line that
    was cut off so is ended by the next one. The file is opened for each line alone: there are a few per epoch.
    """

    def __init__(self, path: Path, *, quiet: bool = False, clock: Callable[[], datetime] = _now) -> None:
        self._path, self._quiet, self._clock = path, quiet, clock

    def write(self, text: str) -> None:
        """Append one line; what would break or steer it is shown as in Python's strings."""
        line = f"{self._clock():%Y-%m-%dT%H:%M:%SZ} {one_line(text)}\n".encode(errors="backslashreplace")
        with self._path.open("a+b", buffering=0) as file:
            if file.tell():
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)

    def say(self, text: str) -> None:
        """Append one line, and show it at the terminal unless the run is quiet."""
        self.write(text)
        say(text, quiet=self._quiet)
