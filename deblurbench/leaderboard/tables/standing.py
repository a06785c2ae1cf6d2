"""The standing of a track: its methods ranked, with the blurred pictures always among them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.submission_file import Entry, stem_of
from deblurbench.leaderboard.tables.cells import budget_fields, cost_fields
from deblurbench.leaderboard.tables.intervals import Intervals, intervals
from deblurbench.leaderboard.tables.ranks import caution, ranges
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.track import BLURRED, Track
from deblurbench.runs.record import gain
from deblurbench.scoring.statistics.sums import Floats

_REFERENCE = "identity"  # the baseline that returns its input: the blurred row itself
_REFERENCES = {"wiener": "wiener", "wiener-oracle": "oracle"}  # baselines that others are compared with

Place = tuple[int, int, int]
"""A rank, and the first and the last one that it may be."""


@dataclass(frozen=True)
class Standing:
    """A track with its rows, best first: none of a track that has reported numbers alone."""

    contest: Contest
    rows: Sequence[Row]

    @cached_property
    def reported(self) -> Sequence[Reported]:
        """What was reported, by PSNR, then by SSIM and name: it stands apart, has no ranks and no row."""
        return sorted(self.contest.reported, key=_reported_order)

    @cached_property
    def caution(self) -> str:
        """What has to be known of a table of few scenes; empty where there are enough."""
        ranked = sum(row.rank is not None for row in self.rows)
        return caution(self.rows[0].n, self.rows[0].scenes, ranked) if ranked else ""


def _reported_order(one: Reported) -> tuple[float, float, str, str]:
    return -(one.mean.psnr_db or 0.0), -(one.mean.ssim or 0.0), one.method, one.source


def standing(contest: Contest) -> Standing:
    """The rows of one track, best first, the blurred row among them; equal ones by name.

    Raises: DeblurbenchError where a method stands there twice.
    """
    track = contest.track
    if not track.is_measured:
        return Standing(contest, [])
    _check_names(contest)
    entries = [e for e in contest.entries if not _is_blurred(e, track)]
    psnr = np.array([e.scores.psnr_db for e in entries], np.float64).reshape(len(entries), len(track.pictures)).T
    blurred = np.array([picture.blurred_psnr_db for picture in track.pictures], np.float64)
    scene = np.unique(track.scenes, return_inverse=True)[1].astype(np.int64)
    between = intervals(np.column_stack([psnr, blurred]), blurred, scene)
    places = _places(entries, psnr, blurred, scene)
    base = _blurred_row(track, between[-1])
    rows = [base, *(_row(base, *of) for of in zip(entries, between, places, strict=False))]
    return Standing(contest, sorted(rows, key=lambda row: (-row.psnr_db, row.method)))


def _check_names(contest: Contest) -> None:
    """Raise DeblurbenchError where two rows have one name, or names that give one file."""
    methods = [BLURRED, *(entry.submission.method for entry in contest.entries)]
    for key in (str, stem_of):
        repeated = [name for name, count in Counter(map(key, methods)).items() if count > 1]
        if repeated:
            raise DeblurbenchError(
                f"track {contest.track.name}: {repeated[0]!r} stands there twice", "remove one of the files"
            )


def _is_blurred(entry: Entry, track: Track) -> bool:
    """Whether it is the blurred row itself, which is there anyway."""
    return entry.submission.baseline == _REFERENCE and _rounded(entry) == round(float(track.blurred.psnr_db), 4)


def _places(
    entries: Sequence[Entry], psnr: Floats, blurred: Floats, scene: npt.NDArray[np.int64]
) -> list[Place | None]:
    """The ranks of each method: by its mean, and from first to last; None of one that was told the kernels."""
    competing = [k for k, entry in enumerate(entries) if not entry.submission.told]
    ordered = sorted(-_rounded(entries[k]) for k in competing)
    places: list[Place | None] = [None] * len(entries)
    for k, found in zip(competing, ranges(psnr[:, competing], blurred, scene), strict=True):
        places[k] = (bisect_left(ordered, -_rounded(entries[k])) + 1, *found)
    return places


def _rounded(entry: Entry) -> float:
    """PSNR at the printed four decimals."""
    return round(float(entry.submission.mean.psnr_db), 4)


def _row(base: Row, entry: Entry, between: Intervals, place: Place | None) -> Row:
    submission = entry.submission
    value = float(submission.mean.psnr_db)
    rank, first, last = place or (None, None, None)
    return replace(
        base,
        rank=rank,
        first_rank=first,
        last_rank=last,
        page=stem_of(submission.method),
        method=submission.method,
        reference=_reference(entry),
        psnr_db=value,
        psnr_low_db=between.mean and between.mean[0],
        psnr_high_db=between.mean and between.mean[1],
        gain_db=gain(value, base.psnr_db),
        gain_low_db=between.gain and between.gain[0],
        gain_high_db=between.gain and between.gain[1],
        ssim=submission.mean.ssim,
        below_blurred=_rounded(entry) < round(base.psnr_db, 4),
        told=submission.told,
        parameters=submission.parameters,
        **budget_fields(submission.budget),
        **cost_fields(submission.cost),
        seconds_per_picture=submission.seconds_per_picture,
        device=submission.device or "",
        status=submission.status,
        baseline=submission.baseline or "",
        version=submission.version,
        predictions_sha256=submission.predictions_sha256,
        training_data=submission.about.training_data,
        licence=submission.about.licence,
    )


def _reference(entry: Entry) -> str:
    """Which row of reference it is: one that this program ran under the baseline's own name."""
    submission = entry.submission
    own = submission.status == "rerun" and submission.method == submission.baseline
    return _REFERENCES.get(submission.method, "") if own else ""


def _blurred_row(track: Track, between: Intervals) -> Row:
    """The row of the blurred pictures: it has no rank, cost or predictions."""
    return Row(
        track=track.name,
        reference="blurred",
        dataset=track.file.dataset,
        dataset_id=track.file.dataset_id or "",
        split=track.file.split,
        protocol=track.file.protocol or "",
        n=len(track.pictures),
        scenes=len(set(track.scenes)),
        method=BLURRED,
        psnr_db=float(track.blurred.psnr_db),
        psnr_low_db=between.mean and between.mean[0],
        psnr_high_db=between.mean and between.mean[1],
        ssim=track.blurred.ssim,
    )
