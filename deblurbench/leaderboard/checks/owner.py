"""Whose predictions these are, where nobody says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.checks.evidence import Evidence
from deblurbench.leaderboard.checks.submission import Examined
from deblurbench.leaderboard.predictions import find_predictions, find_track_protocol, hash_predictions
from deblurbench.leaderboard.track import Track

_LOOKED_AT = 32  # pictures of each track


def owned(submissions: Sequence[Examined], tracks: Mapping[str, Track], evidence: Evidence) -> list[Examined]:
    """The submissions of the one method that has more of these predictions than any other, by their pixel hashes.

    Of a folder with one for each split, all that the method has submitted to those splits, whatever hashes they name;
    of one without, what was submitted to the track whose pictures these are. Empty where no method has the most.
    """
    of_tracks = {name: _hashes(track, evidence) for name, track in tracks.items() if track.is_measured}
    counts: Counter[str] = Counter()
    places: dict[str, list[Examined]] = {}
    for one in submissions:
        hashes = of_tracks.get(one.track, {})
        if one.scores is None or not hashes:
            continue
        stated = dict(zip(one.scores.names, one.scores.hashes, strict=True))
        matches = sum(stated.get(name) == digest for name, digest in hashes.items())
        counts[one.method] += matches
        if matches or (evidence.predictions / tracks[one.track].file.split).is_dir():
            places.setdefault(one.method, []).append(one)
    ranked = counts.most_common(2)
    if not ranked or not ranked[0][1] or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return []
    return places[ranked[0][0]]


def _hashes(track: Track, evidence: Evidence) -> dict[str, str]:
    """Of some predictions for a track; none where there are none."""
    try:
        protocol = find_track_protocol(str(track.file.protocol))
        found = find_predictions(track.names, track.file.split, evidence.predictions)
    except DeblurbenchError:
        return {}
    few = dict(islice(found.files.items(), _LOOKED_AT))
    return hash_predictions(few, protocol, workers=evidence.workers, quiet=True)[0]
