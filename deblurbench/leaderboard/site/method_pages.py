"""The pages of methods, and the page that compares two of them."""

from __future__ import annotations

from deblurbench.leaderboard.site.pages import Pages
from deblurbench.leaderboard.site.pictures import Gallery
from deblurbench.leaderboard.tables.standing import Standing


def write(pages: Pages, standing: Standing, gallery: Gallery) -> None:
    """Write `tracks/TRACK/METHOD.html` of each method, and `compare.html`.

    Args:
        pages: where they go.
        standing: of a measured track.
        gallery: what there is of its pictures.
    """
