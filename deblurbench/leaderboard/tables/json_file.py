"""Tables as JSON: everything that is known of every row (docs/leaderboard-tables.md says what is what)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from deblurbench.files import json_text
from deblurbench.leaderboard.submission import Measured
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing
from deblurbench.leaderboard.tables.words import adds_ssim

SCHEMA = 1


def tables_json(dataset: str, standings: Sequence[Standing]) -> str:
    """The tables of a dataset. Infinite numbers are the strings "inf" and "-inf"; what is not known is null."""
    return json_text({"schema": SCHEMA, "dataset": dataset, "tracks": [_track(standing) for standing in standings]})


def _track(standing: Standing) -> dict[str, Any]:
    track = standing.contest.track
    submissions = {entry.submission.method: entry.submission for entry in standing.contest.entries}
    return {
        "track": track.name,
        "file": track.file.as_dict(),
        "pictures": len(track.pictures),
        "scenes": len(set(track.scenes)),
        "added": ["ssim"] if track.is_measured and adds_ssim(track) else [],
        "caution": standing.caution,
        "rows": [_row(row, submissions.get(row.method)) for row in standing.rows],
        "reported": [one.as_dict() for one in standing.reported],
    }


def _row(row: Row, submission: Measured | None) -> dict[str, Any]:
    """All fields of the row, and what its submission says beyond them."""
    facts = {key: _plain(value) for key, value in asdict(row).items()}
    if submission is None:
        return facts
    more = submission.as_dict()
    kept = (
        "about",
        "origin",
        "trainable",
        "weights_sha256",
        "tiling",
        "config_hash",
        "seeds",
        "versions",
        "git_commit",
    )
    return facts | {key: more.get(key) for key in kept} | {"facts_sha256": submission.facts_sha256}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
