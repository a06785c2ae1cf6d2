"""A place where a dataset lies or shall lie: a local folder, or an fsspec URL such as `s3://bucket/name`.

Names below a place are POSIX paths such as `train/sharp/a.png`. Every write is whole or not at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.files import replacing


class Place:
    """A local folder or an fsspec URL; picklable, so that workers and clusters can write to it."""

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        scheme = text.partition("://")[0] if "://" in text else ""
        self.folder: Path | None = None if scheme not in ("", "file", "local") else Path(text.partition("://")[2] or text)
        self.url = text

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else self.url

    def __truediv__(self, name: str) -> Place:
        return Place(self.folder / name if self.folder is not None else f"{self.url.rstrip('/')}/{name}")

    def local(self, what: str) -> Path:
        """The folder. Raises UsageError where it is a URL, since `what` needs a folder."""
        if self.folder is None:
            raise UsageError(f"{what} needs a local folder, not {self.url}", "choose another --out")
        return self.folder

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well, its content becomes the file `name`."""
        if self.folder is not None:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / name) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / "file"
            yield temporary
            system, path = self._system(name)
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
            with (self.folder / name).open("rb") as file:
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
            return (self.folder / name).is_file()
        system, path = self._system(name)
        return bool(system.isfile(path))

    def names(self) -> list[str]:
        """The names of all files below the place, sorted; hidden ones left out."""
        if self.folder is not None:
            found = (p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())
        else:
            system, root = self._system("")
            root = root.rstrip("/")
            paths = system.find(root) if system.exists(root) else []
            found = (path[len(root) :].lstrip("/") for path in paths)
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
        if self.folder is not None:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            return
        system, path = self._system(name)
        if system.exists(path):
            system.rm(path, recursive=True)

    def _system(self, name: str) -> tuple[Any, str]:
        """The fsspec file system and the path of a name in it."""
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(f"{self.url.rstrip('/')}/{name}" if name else self.url)
        except (ImportError, ValueError) as error:
            raise DeblurbenchError(f"cannot open {self.url} ({error})", "install what its scheme needs") from error
        return system, path
