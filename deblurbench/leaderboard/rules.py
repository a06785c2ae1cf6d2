"""Whether a submission keeps to the rules of its track, as far as its own file tells."""

from __future__ import annotations

from collections.abc import Iterator

from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.track import Track


def broken_rules(entry: Entry, track: Track) -> Iterator[str]:
    """What is wrong, a line each, with what it should be."""
    submission, file = entry.submission, track.file
    if not track.is_measured:
        yield f"track: {track.name} has reported numbers alone"
        return
    for key in ("dataset", "dataset_version", "dataset_id", "split", "protocol"):
        ours, theirs = getattr(submission, key), getattr(file, key)
        if ours != theirs:
            yield f"{key}: {ours} is not that of the track, {theirs}"
    if entry.scores.names != track.names:
        yield _other_names(set(entry.scores.names), set(track.names))
    most = file.rules.max_parameters
    if most is not None and (submission.parameters or 0) > most:
        yield f"parameters: {submission.parameters:,} are more than the {most:,} of the track"
    if most is not None and submission.parameters is None and submission.weights_sha256 is not None:
        yield f"parameters: a method with weights says how many it has; the track has room for {most:,}"


def _other_names(ours: set[str], theirs: set[str]) -> str:
    lacking, foreign = sorted(theirs - ours), sorted(ours - theirs)
    what = [f"{len(lacking)} are lacking ({lacking[0]}, ...)"] if lacking else []
    what += [f"{len(foreign)} are no pictures of the track ({foreign[0]}, ...)"] if foreign else []
    return f"pictures: {'; '.join(what)}"
