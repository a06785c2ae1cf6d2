"""Unpack a ZIP of predictions that somebody sends: pictures alone, `NAME.png` or `SPLIT/NAME.png`, of bounded size.

    python .github/unpack_predictions.py predictions.zip predictions

Whatever else is in it ends the work before anything is written; one folder around all of it is left out.
"""

from __future__ import annotations

import lzma
import re
import shutil
import sys
import zipfile
import zlib
from pathlib import Path, PurePosixPath

MOST_FILES = 50_000
MOST_BYTES = 40 * 10**9
_PIECE = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.(png|npy)")
_SPLIT = re.compile(r"test(-[A-Za-z0-9._]{1,90})?")
_AROUND = re.compile(r"(?!(?:train|val|test(?:-.*)?)$)[A-Za-z0-9_][A-Za-z0-9._-]*")
_DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
)


class RefusedError(Exception):
    """What is wrong with a ZIP."""


def unpack(archive: Path, out: Path) -> int:
    """Unpack `archive` into the new folder `out`. Returns the number of files; raises RefusedError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _files(opened)
            out.mkdir()
            try:
                _write(opened, files, out)
            except BaseException:
                shutil.rmtree(out)
                raise
            return len(files)
    except _DAMAGED as error:
        raise RefusedError(f"{archive} cannot be unpacked: {error}") from error


def _files(opened: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Where each file goes. What they are called is looked at before anything is written."""
    infos = [info for info in opened.infolist() if not info.is_dir()]
    if not 0 < len(infos) <= MOST_FILES:
        raise RefusedError(f"{len(infos)} files: there have to be 1 to {MOST_FILES}")
    paths = [PurePosixPath(info.filename) for info in infos]
    around = {path.parts[0] if len(path.parts) > 1 else "" for path in paths}
    if len(around) == 1 and _AROUND.fullmatch(next(iter(around))):
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    for path in paths:
        *folders, name = path.parts
        if not _NAME.fullmatch(name) or len(folders) > 1 or not all(map(_SPLIT.fullmatch, folders)):
            raise RefusedError(f"{str(path)[:200]!r} is no NAME.png and no SPLIT/NAME.png")
    if len({str(path).lower() for path in paths}) < len(paths):
        raise RefusedError("two files have one name")
    return dict(zip(paths, infos, strict=True))


def _write(opened: zipfile.ZipFile, files: dict[PurePosixPath, zipfile.ZipInfo], out: Path) -> None:
    """Ordinary files alone, whatever their entries say that they are; the bytes are counted as they come."""
    left = MOST_BYTES
    for path, info in files.items():
        (out / path).parent.mkdir(exist_ok=True)
        with opened.open(info) as source, (out / path).open("xb") as target:
            while piece := source.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise RefusedError(f"more than {MOST_BYTES:,} bytes")
                target.write(piece)


def main(arguments: list[str]) -> int:
    """Exit code 0 where all is unpacked, 1 where it is refused."""
    archive, out = map(Path, arguments)
    try:
        print(f"{unpack(archive, out)} files in {out}")
    except RefusedError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
