"""Submissions of one track that are too much alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from deblurbench.leaderboard.checks.submission import Examined
from deblurbench.leaderboard.plausible import same
from deblurbench.leaderboard.track import Track


def duplicates(submissions: Sequence[Examined], track: Track) -> Iterator[tuple[Examined, str]]:
    """Each submission that is like another one, and what is wrong, a line that begins with the key.

    Nobody knows which of the two is right: both are named. One name for two methods; the predictions of another method,
    unless they are the blurred pictures; the same prediction of a picture with another number.
    """
    names: dict[str, Examined] = {}
    whole: dict[str, Examined] = {}
    blurred = {picture.facts.blur_sha256 for picture in track.pictures}
    for one in submissions:
        other = names.setdefault(_plain(one.method), one)
        if other is not one:
            yield one, f"method: {other.file.name} has the same name, {other.method!r}"
            yield other, f"method: {one.file.name} has the same name, {one.method!r}"
        if one.submission is None or one.scores is None:
            continue
        other = whole.setdefault(one.submission.predictions_sha256, one)
        if other is not one and not blurred.issuperset(one.scores.hashes):
            yield one, f"predictions_sha256: these are the predictions of {other.method!r} ({other.file.name})"
            yield other, f"predictions_sha256: these are the predictions of {one.method!r} ({one.file.name})"
    yield from _same_picture_other_number(submissions)


def borrowed(submissions: Sequence[Examined], tracks: Mapping[str, Track]) -> Iterator[tuple[Examined, str]]:
    """Each submission whose predictions were made for another split: they restore other pictures than the track's.

    Tracks of one split, as under two protocols, share predictions and are passed over.
    """
    whole: dict[str, list[tuple[object, Examined]]] = {}
    blurred: dict[str, set[object]] = {}
    for track in tracks.values():
        for picture in track.pictures:
            blurred.setdefault(picture.facts.blur_sha256, set()).add(_what(track))
    for one in submissions:
        if one.track not in tracks or one.submission is None or one.scores is None:
            continue
        own = _what(tracks[one.track])
        known = whole.setdefault(one.submission.predictions_sha256, [])
        for other in (theirs for what, theirs in known if what != own):
            yield one, f"predictions_sha256: those of {other.method!r} on another split, {other.track}"
            yield other, f"predictions_sha256: those of {one.method!r} on another split, {one.track}"
            break
        known.append((own, one))
        if any(own not in blurred.get(digest, {own}) for digest in one.scores.hashes):
            yield one, "prediction_sha256: a prediction is the blurred picture of another track"


def _what(track: Track) -> object:
    return track.file.dataset_id, track.file.split


def _same_picture_other_number(submissions: Sequence[Examined]) -> Iterator[tuple[Examined, str]]:
    known: dict[tuple[str, str], tuple[float, float | None, Examined]] = {}
    for one in submissions:
        if one.scores is None:
            continue
        rows = zip(one.scores.names, one.scores.psnr_db, one.scores.ssim, one.scores.hashes, strict=True)
        for name, psnr, ssim, digest in rows:
            theirs = known.setdefault((name, digest), (psnr, ssim, one))
            if not (same(psnr, theirs[0]) and same(ssim, theirs[1])):
                other = theirs[2]
                yield one, f"psnr_db: {other.method!r} has the same prediction of {name}, and another number"
                yield other, f"psnr_db: {one.method!r} has the same prediction of {name}, and another number"
                break


def _plain(name: str) -> str:
    """A name as people read it: without case, spaces and look-alikes of width."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
