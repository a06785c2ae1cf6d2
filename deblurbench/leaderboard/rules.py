"""Whether a submission keeps to the rules of its track, as far as its own file tells."""

from __future__ import annotations

from collections.abc import Iterator

from deblurbench.errors import listed
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission import Measured
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.track import BLURRED, Track


def broken_rules(entry: Entry, track: Track) -> Iterator[str]:
    """What is wrong, a line each that begins with the key, and with what it should be."""
    return broken(entry.submission, entry.scores, track)


def broken(submission: Measured, scores: Scores | None, track: Track) -> Iterator[str]:
    """The same of a submission whose pictures may be damaged."""
    file = track.file
    if submission.method.casefold() == BLURRED:
        yield f"method: {BLURRED!r} is what tables call the blurred pictures"
    if not track.is_measured:
        yield f"track: {track.name} has reported numbers alone"
        return
    for key in ("dataset", "dataset_version", "dataset_id", "split", "protocol"):
        ours, theirs = getattr(submission, key), getattr(file, key)
        if ours != theirs:
            yield f"{key}: {ours} is not that of the track, {theirs}"
    if scores is not None and scores.names != track.names:
        yield _other_names(set(scores.names), set(track.names))
    yield from _parameters(submission, file.rules.max_parameters)


def _parameters(submission: Measured, most: int | None) -> Iterator[str]:
    ours, trainable = submission.parameters, submission.trainable
    if trainable is not None and trainable > (ours or 0):
        yield f"trainable: {trainable:,} are more than all parameters, {ours or 0:,}"
    if most is None:
        return
    if (ours or 0) > most:
        yield f"parameters: {ours:,} are more than the {most:,} of the track"
    if ours is None and submission.weights_sha256 is not None:
        yield f"parameters: a method with weights says how many it has; the track has room for {most:,}"
    elif ours is None and submission.status == "rescored":
        yield f"parameters: say how many it has, 0 of a method without any; the track has room for {most:,}"


def _other_names(ours: set[str], theirs: set[str]) -> str:
    lacking, foreign = sorted(theirs - ours), sorted(ours - theirs)
    what = [f"{len(lacking)} are lacking ({listed(lacking)})"] if lacking else []
    what += [f"{len(foreign)} are no pictures of the track ({listed(foreign)})"] if foreign else []
    return f"images: {'; '.join(what)}"
