"""`photos.jsonl`: what is known of each photo in a folder, one line per file; `deblurbench fetch` writes it.

A line goes with a photo's bytes, not with its path: files may be renamed, moved and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from deblurbench.config import Config
from deblurbench.errors import UsageError
from deblurbench.files import canonical_json, write_text
from deblurbench.sources.licences import read_licence

PROVENANCE = "photos.jsonl"
FETCH_JOURNAL = "fetch.journal"
"""The folder in which a fetch keeps what it needs to go on."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Provenance(Config):
    """Where a photo comes from.

    Attributes:
        file: its path below the folder, with `/`.
        sha256, bytes: of the file as it was sent.
        width, height: in pixels, upright.
        source, id: who listed it, and under which name.
        url, landing_page: of the file, and of the page about it.
        title, author, author_url: as stated; empty where they are not.
        licence, licence_version, licence_url: such as `CC BY 2.0`, `2.0` and the address of its text.
        query: the search that found it.
        retrieved: when the file was loaded, UTC, ISO 8601.
    """

    file: str
    sha256: Sha256
    bytes: int
    width: int
    height: int
    source: str
    id: str
    url: str
    landing_page: str
    title: str
    author: str
    author_url: str
    licence: str
    licence_version: str
    licence_url: str
    query: str
    retrieved: str

    @property
    def scene(self) -> str:
        """What keeps the photos of one author together; empty where the author is not known."""
        author = self.author or self.author_url
        return f"author {author.casefold()}" if author else ""


def write_provenance(folder: Path, photos: Iterable[Provenance]) -> None:
    """Write `photos.jsonl`, sorted by file, whole or not at all."""
    ordered = sorted(photos, key=lambda photo: photo.file)
    write_text(folder / PROVENANCE, "".join(canonical_json(photo.as_dict()) + "\n" for photo in ordered))


def read_provenance(root: Path) -> dict[str, Provenance]:
    """What all `photos.jsonl` in a folder and below say, and the nearest one above, by the SHA-256 of the photo.

    Raises: UsageError for a line that is damaged, and where a fetch was cut short and has not written its lines.
    """
    for journal in _find(root, FETCH_JOURNAL):
        if not (journal.parent / PROVENANCE).is_file():
            hint = "give the same `deblurbench fetch` again: then each photo's author and licence are known"
            raise UsageError(f"the fetch into {journal.parent} was cut short", hint)
    known: dict[str, Provenance] = {}
    for file in filter(Path.is_file, _find(root, PROVENANCE)):
        for photo in _read(file):
            known.setdefault(photo.sha256, photo)
    return known


def _find(root: Path, name: str) -> Iterator[Path]:
    """All that is called so in a folder and below; then what is nearest above."""
    yield from sorted(root.rglob(name))
    above = (folder / name for folder in root.resolve().parents)
    yield from islice((path for path in above if path.exists()), 1)


def _read(file: Path) -> Iterator[Provenance]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            try:
                yield Provenance.model_validate_json(line, strict=True)
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]
                what = f"{'.'.join(map(str, problem['loc'])) or 'the line'}: {problem['msg']}"
                raise UsageError(f"{file}:{number} is damaged ({what})", "mend or remove that line") from None


def licence_details(licence: str, url: str) -> tuple[str, str, str]:
    """The text, version and address of a licence as far as they are known.

    Args:
        licence, url: as a source states them; either may be empty.
    """
    read = read_licence(licence or url)
    return licence or (read.name if url else ""), read.version or read_licence(url).version, url or read.url
