"""The first page of a site: its tracks."""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench.leaderboard.site.pages import Pages
from deblurbench.leaderboard.site.track_page import TrackPage
from deblurbench.leaderboard.tables.standing import Standing


def write_index(pages: Pages, standings: Sequence[Standing]) -> None:
    """Write `index.html`: the tracks that were measured, and apart from them those with reported numbers alone."""
    tracks = [TrackPage(standing) for standing in standings]
    measured = [page for page in tracks if page.contest.track.is_measured]
    reported = [page for page in tracks if not page.contest.track.is_measured]
    pages.write("index.html", "index.html", measured=measured, reported=reported)
