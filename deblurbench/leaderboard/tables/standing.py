"""The standing of a track: its methods ranked, with the blurred pictures always among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deblurbench.errors import DeblurbenchError
from deblurbench.files import safe_name
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.submission import Means
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.tables.cells import cost_fields
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.track import Track
from deblurbench.runs.record import gain

BLURRED = "blurred (identity)"
_REFERENCE = "identity"  # the baseline that returns its input: the blurred row itself
_REFERENCES = {"wiener": "wiener", "wiener-oracle": "oracle"}  # baselines that others are compared with


@dataclass(frozen=True)
class Standing:
    """A track with its rows, best first. Its `contest.reported` stand apart and have no rows here."""

    contest: Contest
    rows: Sequence[Row]


def standing(contest: Contest) -> Standing:
    """The rows of one track, best first, the blurred row among them.

    Raises: DeblurbenchError where a method stands there twice.
    """
    track = contest.track
    submissions = [entry.submission for entry in contest.entries]
    repeated = [method for method, count in Counter(s.method for s in submissions).items() if count > 1]
    if repeated:
        raise DeblurbenchError(f"track {track.name}: {repeated[0]!r} stands there twice", "remove one of the files")
    blurred = _rounded(track.blurred)
    methods = [
        e for e in contest.entries if e.submission.baseline != _REFERENCE or _rounded(e.submission.mean) != blurred
    ]
    methods.sort(key=lambda e: (-float(e.submission.mean.psnr_db), e.submission.method))
    values = [_rounded(e.submission.mean) for e in methods if not e.submission.told]
    rows = [
        _row(track, e, None if e.submission.told else values.index(_rounded(e.submission.mean)) + 1) for e in methods
    ]
    rows.append(_blurred_row(track))
    return Standing(contest, sorted(rows, key=lambda row: (-row.psnr_db, row.rank or 0)))


def _rounded(mean: Means) -> float:
    """PSNR at the printed four decimals: what ties and the mark `below_blurred` go by."""
    return round(float(mean.psnr_db), 4)


def _row(track: Track, entry: Entry, rank: int | None) -> Row:
    submission = entry.submission
    value = float(submission.mean.psnr_db)
    return replace(
        _blurred_row(track),
        rank=rank,
        last_rank=rank,
        page=safe_name(submission.method),
        method=submission.method,
        reference=_REFERENCES.get(submission.baseline or "", ""),
        psnr_db=value,
        gain_db=gain(value, float(track.blurred.psnr_db)),
        ssim=submission.mean.ssim,
        below_blurred=_rounded(submission.mean) < _rounded(track.blurred),
        told=submission.told,
        parameters=submission.parameters,
        **cost_fields(submission.cost),
        seconds_per_picture=submission.seconds_per_picture,
        device=submission.device or "",
        status=submission.status,
        version=submission.version,
        predictions_sha256=submission.predictions_sha256,
    )


def _blurred_row(track: Track) -> Row:
    """The row of the blurred pictures: it has no rank, cost or predictions."""
    return Row(
        track=track.name,
        reference="blurred",
        dataset=track.file.dataset,
        dataset_id=track.file.dataset_id or "",
        split=track.file.split,
        protocol=track.file.protocol or "",
        n=len(track.pictures),
        method=BLURRED,
        psnr_db=float(track.blurred.psnr_db),
        ssim=track.blurred.ssim,
    )
