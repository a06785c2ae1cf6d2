"""`compare.html` of a track: two methods, picture by picture."""

from __future__ import annotations

from deblurbench.leaderboard.site.pages import Pages, method_stem, track_folder
from deblurbench.leaderboard.tables.standing import Standing


def write_compare(pages: Pages, standing: Standing) -> None:
    """Write the page, from which the reader chooses two methods; there is none where a track has fewer than two.

    Args:
        pages: where it goes; the pages' data lie beside it.
        standing: of a measured track.
    """
    rows = sorted(standing.rows, key=lambda row: row.told)  # the first two are compared at first, and shall be rivals
    methods = [(method_stem(row.page), row.method) for row in rows if row.page]
    if len(methods) > 1:
        track = standing.contest.track
        pages.write(f"{track_folder(track.name)}/compare.html", "compare.html", track=track, methods=methods)
