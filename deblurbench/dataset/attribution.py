"""The credits of a dataset's photos, from its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deblurbench.dataset.manifest import Record
from deblurbench.sources.attribution import Credit, attribution_lines

_TEXT = (
    "The pictures of this dataset are made from these photos: cropped, resized and blurred as its manifest says.",
    "A photo's name is that of its pairs, without what tells them apart.",
)


def dataset_attribution(name: str, records: Iterable[Record]) -> Iterator[str]:
    """The lines of a dataset's ATTRIBUTION.md, without line ends: one row per photo, in the order of the records.

    Args:
        name: of the recipe.
        records: of the manifest; 8 bytes of each photo's hash are remembered.
    """
    return attribution_lines(f"Photos of {name}", _TEXT, _credits(records))


def _credits(records: Iterable[Record]) -> Iterator[Credit]:
    seen: set[int] = set()
    for record in records:
        photo = record.photo
        number = int(photo.raw_sha256[:16], 16)
        if number not in seen:
            seen.add(number)
            yield Credit(photo_name(record), photo.title or "", photo.author, photo.licence, photo.url or photo.source)


def photo_name(record: Record) -> str:
    """The name of a pair's photo: the pair's without what tells the blurs and tiles of one photo apart."""
    mark = f"-{record.photo.raw_sha256[:8]}"
    end = record.name.rfind(mark)
    return record.name if end < 0 else record.name[: end + len(mark)]
