"""Writing files so that a reader never meets half of one, and naming them safely."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deblurbench.errors import DeblurbenchError, UsageError

PART = ".part"
LOCK = ".lock"
_DEEPEST = 100
_NESTING = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # brackets, and strings, which may hold others


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it takes the place of `path`.

    The temporary name ends in `.part`, is unique to the process, and is removed when the block fails.
    """
    check_target(path)
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}{PART}")
    temporary.touch(exist_ok=False)  # not by mkstemp, which makes private files; ours are ordinary ones
    try:
        yield temporary
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:  # such as of a full disk
            error.filename = str(path)
        raise


def check_target(path: Path) -> None:
    """Raise UsageError where no file may take the place of what is there: a folder, a device, a pipe."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder", "name a file")
    if os.path.realpath(path.parent) == "/dev" or (path.exists() and not path.is_file()):
        raise UsageError(f"cannot write {path}: it is no ordinary file, and would be replaced", "name another")
    if path.is_symlink() and not path.exists():
        raise UsageError(f"cannot write {path}: it is a link to nothing", "name another file")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with `\\n` line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """`value` as indented JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def canonical_json(value: Any) -> str:
    """One line of JSON that depends on the value alone: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_text(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes of `text`."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(text: str, limit: int = 60) -> str:
    """`text` as a piece of a file name on any system: `A-Za-z0-9._-`, not hidden, at most `limit` long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:limit] or "_"


def make_folder(path: Path) -> Path:
    """Make `path` a folder that can be written to, or say why not.

    Raises: UsageError where it exists as a file or may not be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UsageError(f"cannot write to {path}: {error.strerror}", "choose another place") from error
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process at work in a folder; the system lifts the lock when the process ends, however it ends.

    Raises: DeblurbenchError where another process holds it.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DeblurbenchError(f"another command is at work in {folder}", "wait for it, or choose another") from error
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held, so that nobody else locks a file that goes away
            (folder / LOCK).unlink()
        lock.release()


def refuse_foreign(folder: Path, ours: re.Pattern[str]) -> None:
    """Raise UsageError where a folder holds any file whose path below it is not `ours`: it is not to be overwritten.

    Args:
        folder: what is to be cleared.
        ours: must match the whole path, in its POSIX form, of each file.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        file = path.is_symlink() or not path.is_dir()
        temporary = path.name.startswith(".") and path.name.endswith(PART)
        if file and not temporary and name != LOCK and not ours.fullmatch(name):
            raise UsageError(f"{folder} holds other files ({name}) and is left alone", "choose another --out")


def refuse_inside(out: Path, source: Path, what: str = "--out") -> None:
    """Raise UsageError where `out` is `source` or lies below it: nothing is written into an input."""
    target, root = out.resolve(), source.resolve()
    if target == root or root in target.parents:
        raise UsageError(f"{out} lies inside the input {source}", f"choose another {what}: nothing is written there")


def clear(folder: Path, *marks: str) -> None:
    """Remove everything in a folder but its lock; the marks, which say whose folder it is, go last."""
    entries = [entry for entry in folder.iterdir() if entry.name not in (LOCK, *marks)]
    for entry in [*entries, *(folder / mark for mark in marks)]:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)


def csv_text(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as `write_csv` writes it, as text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table, whole or not at all: full digits, infinities as `inf`, None empty."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_json(path: Path, kind: type[DeblurbenchError] = DeblurbenchError) -> Any:
    """The value in a JSON file; raises `kind` naming the file where it is missing or damaged."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise kind(f"cannot read {path}", error.strerror or str(error)) from error
    except ValueError as error:
        raise kind(f"{path} is damaged: it is not JSON ({error})", "make it anew with --overwrite") from error


def parse_json(text: str) -> Any:
    """The value of a JSON text, with finite numbers alone. Raises ValueError, for depths beyond reason too."""
    if text.count("[") + text.count("{") > _DEEPEST and _depth(text) > _DEEPEST:
        raise ValueError("too deeply nested")  # before the parser is anywhere near the end of the stack

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON number")

    def finite(digits: str) -> float:
        value = float(digits)
        return value if math.isfinite(value) else refuse(digits)

    return json.loads(text, parse_constant=refuse, parse_float=finite)


def _depth(text: str) -> int:
    """How deeply a JSON text is nested; of what is none, the parser will tell."""
    depth = deepest = 0
    for token in _NESTING.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest
