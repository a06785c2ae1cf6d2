"""The pages of methods, and what they show of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deblurbench.leaderboard.site.pages import Pages
from deblurbench.leaderboard.tables.standing import Standing


def write(pages: Pages, standing: Standing, *, runs: Sequence[Path] = (), datasets: Sequence[Path] = ()) -> None:
    """Write `tracks/TRACK/METHOD.html` of each method, `compare.html`, and the pictures that they show.

    Args:
        pages: where they go.
        standing: of a measured track.
        runs: run folders whose predictions are shown.
        datasets: folders of the datasets that these are pictures of.
    """
