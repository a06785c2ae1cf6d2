"""Where files lie: on their way in, waiting for their turn, and among the photos that are kept.

No name and no path here comes from the network: a file is called after its source and its bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from deblurbench.fetch.finder import Found
from deblurbench.fetch.journal import JOURNAL, Loaded
from deblurbench.files import PART, clear, refuse_foreign, safe_name
from deblurbench.sources.attribution import ATTRIBUTION
from deblurbench.sources.online import Search
from deblurbench.sources.provenance import FETCH_JOURNAL, PROVENANCE

REPORT = "fetch-report.csv"
_DIGITS = 16  # of its hash, in a photo's name
_WAITING = f"{FETCH_JOURNAL}/files"
_JOURNALS = rf"{re.escape(FETCH_JOURNAL)}(/.*)?"
_RECORDS = "|".join(map(re.escape, (PROVENANCE, ATTRIBUTION, REPORT)))
_OURS = re.compile(rf"{_JOURNALS}|{_RECORDS}|[^/]+/[A-Za-z0-9._-]+-[0-9a-f]{{{_DIGITS}}}\.(jpg|png|webp|tif)")


class Store:
    """The files of the fetch into one folder.

    Args:
        out: the folder.
        searches: each has a folder of its own in it.
    """

    def __init__(self, out: Path, searches: Iterable[Search]) -> None:
        self.out = out
        self._folders = sorted({_folder_of(search) for search in searches})
        self._waiting, self._mark = out / _WAITING, token_hex(4)
        self._waiting.mkdir(parents=True, exist_ok=True)
        for left in self._waiting.glob(f"*{PART}"):
            left.unlink()
        (out / PROVENANCE).unlink(missing_ok=True)  # written last: without it, the fetch is unfinished

    def part(self, name: str) -> Path:
        """Where a file is loaded to by the one who has this name; a thread that outlived its fetch has another."""
        return self._waiting / f"{name}-{self._mark}{PART}"

    def wait(self, part: Path, sha256: str) -> None:
        """A file is whole and waits for its turn."""
        with part.open("rb") as file:
            os.fsync(file.fileno())  # before the name says so
        part.replace(self._waiting / sha256)

    def keep(self, name: str, loaded: Loaded) -> bool:
        """Put a file among the photos; False where it is no longer there."""
        target, waiting = self.out / name, self._waiting / loaded.sha256
        if _is_whole(target, loaded):
            waiting.unlink(missing_ok=True)
            return True
        elsewhere = (self.out / folder / target.name for folder in self._folders)  # another search had it
        file = next((file for file in (waiting, *elsewhere) if _is_whole(file, loaded)), None)
        if file is None:
            return False
        target.parent.mkdir(exist_ok=True)
        file.replace(target)
        return True

    def tidy(self, kept: Container[str], known: Iterable[Loaded]) -> None:
        """What lies among the photos, but is not among those that are kept, waits for a fetch that wants it.

        Args:
            kept: names.
            known: all that was ever loaded; no other file is touched.
        """
        by_hash = {loaded.sha256[:_DIGITS]: loaded for loaded in known}
        for folder in filter(Path.is_dir, (self.out / folder for folder in self._folders)):
            for file in sorted(folder.iterdir()):
                loaded = by_hash.get(file.stem[-_DIGITS:])
                if loaded and f"{folder.name}/{file.name}" not in kept and _is_whole(file, loaded):
                    file.replace(self._waiting / loaded.sha256)
            with suppress(OSError):  # there are others in it
                folder.rmdir()

    def drop(self, loaded: Loaded) -> None:
        """A file that waits is not wanted."""
        (self._waiting / loaded.sha256).unlink(missing_ok=True)


def photo_name(found: Found, loaded: Loaded, source: str) -> str:
    """A photo's path below the folder: that of its search, and its source and bytes."""
    return f"{_folder_of(found.search)}/{safe_name(source)}-{loaded.sha256[:_DIGITS]}.{loaded.facts.format}"


def _folder_of(search: Search) -> str:
    """The folder of a search's photos; there is no dot in its name, unlike in those of all that lies beside it."""
    return safe_name(search.label).replace(".", "_")


def check_folder(out: Path, *, overwrite: bool) -> None:
    """Clear the folder where it is to be overwritten. Raises UsageError where it holds other files."""
    begun = (out / JOURNAL).is_file()
    if overwrite or not begun:
        refuse_foreign(out, _OURS if begun else re.compile(_JOURNALS))  # without a journal, no photo is ours
    if overwrite:
        clear(out, FETCH_JOURNAL)


def _is_whole(file: Path, loaded: Loaded) -> bool:
    """Whether a file is there in full: it was renamed when it was."""
    return file.is_file() and file.stat().st_size == loaded.bytes
