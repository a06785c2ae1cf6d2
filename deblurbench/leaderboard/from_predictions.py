"""Submissions from folders of predictions, which are scored here: their status is `rescored`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.errors import DeblurbenchError, UsageError, listed
from deblurbench.leaderboard.card import Wishes
from deblurbench.leaderboard.plausible import refuse_misfit
from deblurbench.leaderboard.predictions import (
    find_predictions,
    find_track_protocol,
    hash_predictions,
    score_predictions,
    what_is_missing,
)
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.sharp import find_sharp, other_split
from deblurbench.leaderboard.submission_file import Entry, first_error, new_entry
from deblurbench.leaderboard.track import Track, check_track_name, no_track
from deblurbench.leaderboard.tracks_of import Asked, test_split, track_file, track_of
from deblurbench.progress import say
from deblurbench.runs.record import RUN
from deblurbench.runs.scored import dataset_at


def from_predictions(folder: Path, tracks: Mapping[str, Track], wishes: Wishes) -> Iterator[tuple[Track, Entry]]:
    """The submissions of a folder of predictions, each with its track: one of `tracks`, or else a new one.

    Args:
        folder: of one split, or with a folder for each of some test splits.
        tracks: those that there are, by name.
        wishes: `sharp` is needed, and a name of the method; without a `track`, `sharp` is a dataset, whose tracks are
            `DATASET.SPLIT`.

    Raises: UsageError where something is not said or not there, DeblurbenchError where a prediction is missing, cannot
        be scored, or breaks a rule of the track; it is named.
    """
    if wishes.sharp is None:
        hint = "give --sharp DATASET, and it is scored, if it is a folder of predictions"
        raise UsageError(f"{folder} is no run folder (it has no {RUN})", hint)
    if wishes.card.method is None:
        raise UsageError("the method has no name", "give --method NAME, or a --card that has one")
    for track in _tracks(folder, wishes.sharp, tracks, wishes):
        scores = rescored(folder, track, wishes)
        facts = {
            "status": "rescored",
            **track.facts,
            "method": wishes.card.method,
            "about": wishes.card.about(),
            "told": wishes.card.told,
            "parameters": wishes.card.parameters,
            "weights_sha256": wishes.weights_sha256,
        }
        try:
            entry = new_entry(facts, scores)
        except ValidationError as error:
            raise UsageError(
                f"this gives no submission: {first_error(error)}", "change the option or the card"
            ) from None
        refuse_misfit(entry, track, str(folder))
        yield track, entry


def rescored(folder: Path, track: Track, wishes: Wishes) -> Scores:
    """Score the predictions for a track under its protocol.

    Raises: UsageError where the sharp pictures are not there; DeblurbenchError naming what is missing, cannot be read,
        is of another size, or is not the sharp picture of the track.
    """
    assert wishes.sharp is not None
    sharp = find_sharp(track, wishes.sharp)
    protocol = find_track_protocol(str(track.file.protocol))
    found = find_predictions(track.names, track.file.split, folder)
    _refuse_missing(what_is_missing(found, sharp.other_split))
    if found.extra:
        say(f"Warning: the track {track.name} does not ask for {listed(found.extra)}; left out", quiet=wishes.quiet)
    workers, quiet = wishes.workers, wishes.quiet
    hashes, unread = hash_predictions(found.files, protocol, workers=workers, quiet=quiet)
    _refuse(unread, track)
    numbers, unscored = score_predictions(track.names, found.files, sharp, protocol, workers=workers, quiet=quiet)
    _refuse(unscored, track)
    rows = ((name, numbers[name].psnr_db, numbers[name].ssim, hashes[name]) for name in track.names)
    return Scores(*zip(*rows, strict=True))


def _refuse_missing(what: str) -> None:
    if what:
        raise DeblurbenchError(what, "predict them too; nothing is written")


def _refuse(failures: list[str], track: Track) -> None:
    if failures:
        n = len(failures)
        what = f"{n} of {len(track.names)} predictions cannot be scored: {listed(failures, between='; ')}"
        raise DeblurbenchError(what, "mend them; nothing is written")


def _tracks(folder: Path, sharp: Path, tracks: Mapping[str, Track], wishes: Wishes) -> Iterator[Track]:
    """The tracks that predictions are for; of a dataset, those that are not there yet are made."""
    name = wishes.track
    if name is not None and name in tracks and tracks[name].is_measured:
        yield tracks[name]
        return
    if name is not None:
        check_track_name(name)
    dataset, splits = _splits(folder, sharp, tracks, name)
    for split in splits:
        own = name or f"{dataset.recipe}.{split}"
        old = tracks.get(own)
        if old is None and own != f"{dataset.recipe}.{split}":  # a slip of the pen makes no track
            raise no_track(own, tracks)
        if old is not None and old.is_measured:
            yield old
            continue
        names = [f"{record.name}.png" for record in dataset.records(test_split(dataset, split))]
        offered = find_predictions(names, split, folder)  # before the blurred pictures are scored for nothing
        _refuse_missing(what_is_missing(offered, partial(other_split, dataset, split)))
        file = track_file(dataset, split, Asked(own), old.file if old else None)
        yield track_of(dataset, split, own, file, workers=wishes.workers, quiet=wishes.quiet)


def _splits(folder: Path, sharp: Path, tracks: Mapping[str, Track], name: str | None) -> tuple[Dataset, Sequence[str]]:
    """The dataset that the sharp pictures belong to, and of which of its test splits there are predictions."""
    if not sharp.is_dir():
        raise UsageError(f"no folder {sharp}", "name a dataset, or the folder of the sharp pictures")
    found = dataset_at(sharp)
    if found is None:
        if name is None:
            raise UsageError(f"no track is named, and {sharp} is no dataset", "name the track with --track")
        raise no_track(name, tracks)
    dataset = open_dataset(found[0])
    given = [split for split in dataset.test_splits if (folder / split).is_dir()]
    splits = list(found[1]) or given or dataset.test_splits
    if not splits:
        test_split(dataset, None)  # says that there is none
    if len(splits) != 1 and (name is not None or splits != given):
        what = f"{dataset.place} has the test splits {', '.join(splits)}"
        raise UsageError(what, f"say which these are for: --sharp {dataset.place}/SPLIT")
    return dataset, splits
