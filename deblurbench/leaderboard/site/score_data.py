"""`data/` of a track: the numbers of its pictures, and those of each method on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.data import numbers
from deblurbench.leaderboard.site.pages import Pages, method_stem, track_folder
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.tables.standing import Standing
from deblurbench.leaderboard.track import Track


def write_data(pages: Pages, standing: Standing) -> None:
    """Write `data/pictures.js` (named "pictures") and `data/METHOD.js` (named "method/METHOD") of each method."""
    contest: Contest = standing.contest
    folder = f"{track_folder(contest.track.name)}/data"
    pages.write_data(f"{folder}/pictures.js", "pictures", picture_columns(contest.track))
    stems = {row.method: method_stem(row.page) for row in standing.rows if row.page}
    for entry in contest.entries:
        if stem := stems.get(entry.submission.method):
            pages.write_data(f"{folder}/{stem}.js", f"method/{stem}", method_columns(entry))


def picture_columns(track: Track) -> dict[str, Any]:
    """The pictures of a track in columns, sorted by name.

    Returns: `names`; `psnr` (dB) and `ssim` of the blurred pictures; `family`, `severity` and `scene` as indices into
        `families`, `severities` and `scenes`, which are sorted.
    """
    facts = [picture.facts for picture in track.pictures]
    columns: dict[str, Any] = {
        "names": list(track.names),
        "psnr": numbers([picture.blurred_psnr_db for picture in track.pictures]),
        "ssim": numbers([picture.blurred_ssim for picture in track.pictures]),
    }
    for key, many in (("family", "families"), ("severity", "severities"), ("scene", "scenes")):
        columns[many], columns[key] = _indexed([getattr(fact, key) for fact in facts])
    return columns


def method_columns(entry: Entry) -> dict[str, Any]:
    """What a method reached on the pictures of its track, in their order: `method`, `psnr` (dB), `ssim`."""
    return {
        "method": entry.submission.method,
        "psnr": numbers(entry.scores.psnr_db),
        "ssim": numbers(entry.scores.ssim),
    }


def _indexed(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    known = sorted(set(labels))
    places = {label: place for place, label in enumerate(known)}
    return known, [places[label] for label in labels]
