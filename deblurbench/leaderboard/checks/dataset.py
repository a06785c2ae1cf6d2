"""A track against the dataset that it says it is of."""

from __future__ import annotations

from collections.abc import Iterator

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.checks.evidence import Evidence, sampled
from deblurbench.leaderboard.plausible import first_lines, other_numbers
from deblurbench.leaderboard.predictions import Numbers, find_track_protocol, score_blurred
from deblurbench.leaderboard.sharp import Sharp
from deblurbench.leaderboard.track import Track
from deblurbench.runs.picture_facts import picture_facts


def against_dataset(track: Track, sharp: Sharp, evidence: Evidence) -> Iterator[str]:
    """What a track says otherwise than its dataset: ids, what is known of each picture, numbers of a sample of the
    blurred pictures. A line each, which begins with the key.

    Args:
        sharp: with a dataset.
    """
    dataset, file = sharp.dataset, track.file
    assert dataset is not None
    ids = {
        "dataset": dataset.recipe,
        "dataset_version": dataset.recipe_version,
        "dataset_id": dataset.id,
        "split": sharp.split,
    }
    for key, value in ids.items():
        if getattr(file, key) != value:
            yield f"{key}: {getattr(file, key)} is not that of {dataset.place}, {value}"
    if sharp.split != file.split:
        return
    blurred = {f"{file.split}/{p.facts.name}": p.blurred_psnr_db for p in track.pictures}
    theirs = {facts.name: facts for facts in picture_facts(dataset, [file.split], blurred)}
    ours = {picture.facts.name: picture.facts for picture in track.pictures}
    others = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    yield from first_lines([f"pictures: {name} is not as {dataset.place} has it" for name in others])
    if not others:
        yield from _other_numbers(track, sharp, evidence)


def _other_numbers(track: Track, sharp: Sharp, evidence: Evidence) -> Iterator[str]:
    stated = {p.facts.name: Numbers(p.blurred_psnr_db, p.blurred_ssim) for p in track.pictures}
    try:
        protocol = find_track_protocol(str(track.file.protocol))
        names = sampled(track.names, evidence)
        numbers = score_blurred(names, sharp, protocol, workers=evidence.workers, quiet=evidence.quiet)
    except DeblurbenchError as error:
        yield f"pictures: {error}"
        return
    yield from other_numbers(numbers, stated, "blurred_")
