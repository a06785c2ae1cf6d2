"""A place where a dataset lies or shall lie: a local folder, or an fsspec URL such as `s3://bucket/name`.

Names below a place are POSIX paths such as `train/sharp/a.png`. A write to a folder is whole or not at all; to a URL
it is what one upload of its store is, which of object stores (S3, GCS, Azure) and of memory is the same.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from deblurbench.errors import DatasetError, DeblurbenchError, UsageError
from deblurbench.files import replacing

_LOCAL = re.compile(r"(?:file|local)://")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")


class Place:
    """A local folder or an fsspec URL; picklable, so that workers and clusters can write to it."""

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        if _LOCAL.match(text):
            text = _LOCAL.sub("", text, count=1)
        self.folder: Path | None = None if _URL.match(text) else Path(text)
        self.url = text

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else self.url

    def __repr__(self) -> str:
        return f"Place({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __truediv__(self, name: str) -> Place:
        return Place(self.folder / _checked(name) if self.folder is not None else self._join(name))

    @property
    def in_memory(self) -> bool:
        """Whether no other process sees what lies there."""
        return self.url.startswith("memory:")

    def local(self, what: str) -> Path:
        """The folder. Raises UsageError where it is a URL, since `what` needs a folder."""
        if self.folder is None:
            raise UsageError(f"{what} needs a local folder, not {self.url}", "choose another --out")
        return self.folder

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well, its content becomes the file `name`."""
        if self.folder is not None:
            target = self.folder / _checked(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / "file"
            yield temporary
            system, path = self._system(name)
            if not system.async_impl:  # object stores have no folders, and making one may make a bucket
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.put_file(str(temporary), path)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        with self.writing(name) as temporary:
            temporary.write_bytes(data)

    def write_text(self, name: str, text: str) -> None:
        """Write a UTF-8 file with `\\n` line ends, whole or not at all."""
        self.write_bytes(name, text.encode("utf-8", errors="backslashreplace"))

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """The file, open and seekable. Raises FileNotFoundError."""
        if self.folder is not None:
            with (self.folder / _checked(name)).open("rb") as file:
                yield file
            return
        system, path = self._system(name)
        with system.open(path, "rb") as file:
            yield file

    def read_bytes(self, name: str) -> bytes:
        """The content of a file. Raises FileNotFoundError."""
        with self.reading(name) as file:
            return file.read()

    def read_text(self, name: str) -> str:
        """The content of a UTF-8 file. Raises FileNotFoundError, UnicodeDecodeError."""
        return self.read_bytes(name).decode("utf-8-sig")

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        if self.folder is not None:
            return (self.folder / _checked(name)).is_file()
        system, path = self._system(name)
        system.invalidate_cache()  # another process may have written it
        return bool(system.isfile(path))

    def names(self) -> list[str]:
        """The names of all files below the place, sorted; hidden ones left out. Links to folders are not followed."""
        if self.folder is not None:
            found = [p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()]
        else:
            system, root = self._open(self.url)
            system.invalidate_cache()
            root = root.rstrip("/") + "/"
            try:
                paths = system.find(root)
            except FileNotFoundError:
                paths = []
            found = [path[len(root) :] for path in paths if path.startswith(root) and len(path) > len(root)]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it (of the empty name: all); nothing happens without one."""
        if self.folder is not None:
            path = self.folder / _checked(name) if name else self.folder
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            return
        system, remote = self._system(name) if name else self._open(self.url)
        system.invalidate_cache()
        if system.exists(remote):
            system.rm(remote, recursive=True)

    def _join(self, name: str) -> str:
        """The URL of a name."""
        separator = "" if self.url.endswith("/") else "/"
        return f"{self.url}{separator}{_checked(name)}"

    def _system(self, name: str) -> tuple[Any, str]:
        """The fsspec file system and the path of a name in it."""
        return self._open(self._join(name))

    def _open(self, url: str) -> tuple[Any, str]:
        try:
            import fsspec

            system, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise DeblurbenchError(f"cannot open {self.url} ({error})", "install what its scheme needs") from error
        return system, path


def _checked(name: str) -> str:
    """The name, if it lies below the place: a damaged dataset must not lead anywhere else."""
    parts = name.split("/")
    if not name or "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise DatasetError(f"{name!r} is no name of a file in a dataset", "names are relative, without `..`")
    return name
