"""The pages of methods, and the page that compares two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deblurbench.leaderboard.site.method_facts import costs, credit, links_of, what_it_is, what_was_scored
from deblurbench.leaderboard.site.pages import Pages, method_stem, track_folder
from deblurbench.leaderboard.site.pictures import Gallery, Shown, file_of_method
from deblurbench.leaderboard.site.scatter import write_compare
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing


@dataclass(frozen=True)
class Against:
    """A reference that a method is compared with.

    Attributes:
        row: its row.
        stem: of its page; empty for the blurred row.
        difference_db: the method's PSNR less that of the reference.
    """

    row: Row
    stem: str
    difference_db: float


def write(pages: Pages, standing: Standing, gallery: Gallery) -> None:
    """Write `tracks/TRACK/METHOD.html` of each method, `compare.html`, and the list of pictures that both show.

    Args:
        pages: where they go.
        standing: of a measured track.
        gallery: what there is of its pictures.
    """
    track = standing.contest.track
    folder = track_folder(track.name)
    pages.write_data(f"{folder}/data/shown.js", "shown", shown_data(gallery))
    submissions = {entry.submission.method: entry.submission for entry in standing.contest.entries}
    ranked = sum(row.rank is not None for row in standing.rows)
    methods = [row for row in standing.rows if row.page]
    references = [row for row in standing.rows if row.reference]
    best = sorted(methods, key=lambda row: (row.rank is None, row.rank or 0))[:2]
    for row in methods:
        submission, stem = submissions[row.method], method_stem(row.page)
        pages.write(
            f"{folder}/{stem}.html",
            "method.html",
            track=track,
            row=row,
            submission=submission,
            stem=stem,
            ranked=ranked,
            caution=standing.caution,
            links=links_of(submission.about.links),
            facts=what_it_is(submission, row),
            scored=what_was_scored(submission, track.file),
            costs=costs(row),
            against=list(_against(references, row)),
            rival=_rival(best, row),
            files=[_files(one, stem) for one in gallery.of(stem)],
            has_pairs=bool(gallery.shown),
        )
    write_compare(pages, standing)


def shown_data(gallery: Gallery) -> dict[str, Any]:
    """The pictures that are shown, for the scripts of pages.

    Returns: `pictures`: `name`, `folder`, `credit`, and `url` of the photo's page, or null; `restored`: by the stem of
        a method's page, the indices of those that are there as it predicted them.
    """
    pictures = [
        {
            "name": one.picture.facts.name,
            "folder": one.folder,
            "credit": credit(one.photo),
            "url": _address(one),
        }
        for one in gallery.shown
    ]
    places = {one["name"]: place for place, one in enumerate(pictures)}
    restored = {stem: sorted(places[name] for name in names) for stem, names in sorted(gallery.restored.items())}
    return {"pictures": pictures, "restored": restored}


def _files(one: Shown, stem: str) -> dict[str, str | None]:
    """What the page says of a picture to whom runs no scripts, or wants the files."""
    return {
        "name": one.picture.facts.name,
        "folder": one.folder,
        "restored": file_of_method(stem),
        "credit": credit(one.photo),
        "url": _address(one),
    }


def _address(one: Shown) -> str | None:
    """Of the photo's page; None where its source names no page."""
    return one.photo.url if one.photo.url.startswith(("https://", "http://")) else None


def _against(references: Sequence[Row], row: Row) -> Iterator[Against]:
    for other in references:
        if other.method != row.method:
            difference = 0.0 if row.psnr_db == other.psnr_db else row.psnr_db - other.psnr_db
            yield Against(other, method_stem(other.page) if other.page else "", difference)


def _rival(best: Sequence[Row], row: Row) -> str:
    """The stem of whom a reader will want to compare it with first: the best of the others; empty without any."""
    return next((method_stem(other.page) for other in best if other is not row), "")
