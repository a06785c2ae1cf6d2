"""Whether the numbers of a submission can be what they say, without any picture at hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from deblurbench.errors import DeblurbenchError, listed
from deblurbench.leaderboard.predictions import Numbers
from deblurbench.leaderboard.rules import broken_rules
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.track import MOST_DB, Track

TOLERANCE = 1e-6
"""How far a PSNR in dB, or an SSIM, may lie from the one that is computed anew: other machines add in other orders."""

_MOST_LINES = 10
_NEARLY_SHARP = 50.0  # dB: where the blurred picture is so near, an honest method may hit the sharp one exactly


def same(one: float | None, other: float | None) -> bool:
    """Whether two numbers are equal within the tolerance; two infinities are, and two that are not defined."""
    if one is None or other is None or math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= TOLERANCE


def implausible(scores: Scores, track: Track) -> Iterator[str]:
    """What no honest result on a track has, a line each.

    A number that cannot be; a prediction that is the sharp picture itself, or scores as if it were; the blurred
    picture with another number than the track says.
    """
    yield from _impossible(scores)
    sharp, better, blurred = [], [], []
    known = {picture.facts.name: picture for picture in track.pictures}
    for name, psnr, ssim, digest in zip(scores.names, scores.psnr_db, scores.ssim, scores.hashes, strict=True):
        picture = known.get(name)
        if picture is None:
            continue
        hardly = picture.blurred_psnr_db >= _NEARLY_SHARP or picture.facts.sharp_sha256 == picture.facts.blur_sha256
        if digest == picture.facts.sharp_sha256:
            sharp += [] if hardly else [name]
        elif math.isinf(psnr) and not hardly:
            better.append(name)
        if digest == picture.facts.blur_sha256 and not (
            same(psnr, picture.blurred_psnr_db) and same(ssim, picture.blurred_ssim)
        ):
            blurred.append(name)
    if sharp:
        yield f"prediction_sha256: the prediction is the sharp picture itself: {_some(sharp, scores)}"
    if better:
        yield f"psnr_db: infinite, and the prediction is not the sharp picture: {_some(better, scores)}"
    if blurred:
        yield f"psnr_db: the prediction is the blurred picture, and has another number: {_some(blurred, scores)}"


def _impossible(scores: Scores) -> Iterator[str]:
    pairs = list(zip(scores.names, scores.psnr_db, scores.ssim, strict=True))
    odd = [name for name, psnr, _ in pairs if not (0 <= psnr <= MOST_DB or psnr == math.inf)]
    if odd:
        yield f"psnr_db: it lies between 0 and {MOST_DB:g} dB, or is infinite: {_some(odd, scores)}"
    odd = [name for name, _, ssim in pairs if ssim is not None and not abs(ssim) <= 1 + TOLERANCE]
    if odd:
        yield f"ssim: it lies between -1 and 1: {_some(odd, scores)}"


def refuse_misfit(entry: Entry, track: Track, source: str) -> None:
    """Raise DeblurbenchError where a submission breaks a rule of its track, or has numbers that cannot be."""
    for problem in (*broken_rules(entry, track), *implausible(entry.scores, track)):
        what = f"{source} does not fit the track {track.name}: {problem}"
        raise DeblurbenchError(what, "mend it, or choose another track; nothing is written")


def implausible_report(reported: Reported) -> Iterator[str]:
    """The same of a number from a paper."""
    mean = reported.mean
    if mean.psnr_db is not None and not 0 <= mean.psnr_db <= MOST_DB:
        yield f"mean.psnr_db: it lies between 0 and {MOST_DB:g} dB"
    if mean.ssim is not None and not abs(mean.ssim) <= 1:
        yield "mean.ssim: it lies between -1 and 1"


def other_numbers(ours: Mapping[str, Numbers], stated: Mapping[str, Numbers], of: str = "") -> Iterator[str]:
    """Where numbers computed anew are not those of a file, a line each; `of`: what the file's keys begin with."""
    for name, number in ours.items():
        for key in ("psnr_db", "ssim"):
            said, found = getattr(stated.get(name), key, None), getattr(number, key)
            if not same(said, found):
                yield f"{of}{key} of {name}: {said} in the file, {found} re-scored"


def first_lines(lines: Sequence[str]) -> list[str]:
    """The first lines, and how many pictures more there are."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"(and {more} more pictures)"] if more > 0 else [])]


def numbers_of(scores: Scores) -> dict[str, Numbers]:
    """The numbers by the name of the picture."""
    rows = zip(scores.names, scores.psnr_db, scores.ssim, strict=True)
    return {name: Numbers(psnr, ssim) for name, psnr, ssim in rows}


def _some(names: list[str], scores: Scores) -> str:
    return f"{listed(names)} ({len(names)} of {len(scores)})"
