"""Difference hashes of photos before they are planned, so that near-duplicates can be kept together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from deblurbench.dataset.executors import run_jobs
from deblurbench.dataset.shot import PreparedPhoto
from deblurbench.errors import PictureError
from deblurbench.images.dhash import dhash
from deblurbench.progress import progress

_CHUNK = 32


def photo_hashes(
    photos: Iterator[PreparedPhoto], total: int, workers: int = 1, *, quiet: bool = False
) -> dict[str, str]:
    """The difference hash of each photo that can be read, as decoded, by its raw hash."""
    chunks = iter(lambda: tuple(islice(photos, _CHUNK)), ())
    found: dict[str, str] = {}
    with progress("look for near-duplicates", total, "photos", quiet=quiet) as bar:
        for hashes in run_jobs(_hash_all, chunks, workers=min(workers, -(-total // _CHUNK))):
            found.update((raw, text) for raw, text in hashes if text)
            bar.step(len(hashes))
    return found


def _hash_all(photos: Sequence[PreparedPhoto]) -> list[tuple[str, str]]:
    return [(photo.photo.raw_sha256, _hash(photo)) for photo in photos]


def _hash(photo: PreparedPhoto) -> str:
    try:
        return dhash(photo.source.read(photo.photo))
    except PictureError:  # the build leaves it out, with the reason
        return ""
