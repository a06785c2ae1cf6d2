"""Re-deriving pairs of a finished dataset from its photos: the proof that a recipe, photos and a seed are all it is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deblurbench.blur.engines import check_engine
from deblurbench.dataset.manifest import MANIFEST, Record
from deblurbench.dataset.plan import Plan, PlannedPhoto, make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_resolved
from deblurbench.dataset.shot import shots
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, UsageError
from deblurbench.progress import progress


def rebuild(
    path: Path | str,
    count: int,
    photos: Path | None = None,
    *,
    seed: int = 0,
    engine: str = "auto",
    quiet: bool = False,
) -> list[str]:
    """Derive `count` pairs anew, drawn from all, and compare them with the pictures' hashes and all else that the
    manifest says of them; one line for each that comes out otherwise.

    Args:
        path: the dataset folder.
        count: of pairs; all where there are fewer.
        photos: the folder of photos that it was built from, for a recipe that takes one.
        seed: another seed checks other pairs.
        engine: what convolves.
        quiet: show no progress.

    Raises: UsageError where it was adopted, or its photos are not told; DatasetError where it is damaged.
    """
    dataset = open_dataset(path)
    if dataset.format == "adopted":
        raise UsageError(f"{path} was recorded, not made", "only built datasets can be built again")
    check_engine(engine)
    recipe = read_resolved(dataset.place)
    # No pixel depends on what is a near-duplicate of what, and finding that out takes every photo.
    plan = make_plan(recipe.model_copy(update={"near_duplicates": None}), photos, quiet=quiet)
    chosen = _chosen(dataset.records(), count, seed)
    wanted = {(record.photo.source, record.photo.raw_sha256) for record in chosen}
    by_hash: dict[tuple[str, str], list[PlannedPhoto]] = {}  # several: a frame that stands still, a file found twice
    for planned in plan.photos:
        key = planned.photo.source, planned.photo.raw_sha256
        if key in wanted:
            by_hash.setdefault(key, []).append(planned)
    problems = []
    with progress("rebuild", len(chosen), "pairs", quiet=quiet) as bar:
        for record in chosen:
            problem = _compare(plan, record, by_hash.get((record.photo.source, record.photo.raw_sha256), []), engine)
            problems += [f"{record.pair}: {problem}"] if problem else []
            bar.step()
    return problems


def _chosen(records: Iterator[Record], count: int, seed: int) -> list[Record]:
    """The pairs whose draws are the smallest: any order of the manifest gives the same."""
    ranked = (
        (Draws(seed, record.pair, "rebuild").integer(0, (1 << 31) - 1), record.pair, record) for record in records
    )
    return [record for _, _, record in heapq.nsmallest(count, ranked, key=lambda item: item[:2])]


def _compare(plan: Plan, record: Record, photos: list[PlannedPhoto], engine: str) -> str | None:
    """What is wrong with a pair that one of some photos gives."""
    if not photos:
        return "its photo is not there: say --photos"
    split = plan.recipe.split(record.split)
    degradations = plan.recipe.open_blurs(split)
    for planned in photos:
        for shot in shots(plan.recipe.seed, split, degradations, planned.photo):
            if record.pair == shot.id or record.pair.startswith(f"{shot.id}-"):
                try:
                    made = shot.make(plan.prepared(planned), engine)
                except PictureError as error:
                    return str(error)
                for again in made:
                    if again.record.pair == record.pair:
                        return _difference(record, again.record)
    return "its recipe does not make this pair"


def _difference(record: Record, again: Record) -> str | None:
    if again.sharp_sha256 != record.sharp_sha256:
        return "the sharp picture comes out otherwise"
    if again.blur_sha256 != record.blur_sha256:
        codec = (record.camera or {}).get("jpeg_codec")
        hint = f" (its JPEG was made by {codec}: another version gives other pixels)" if codec else ""
        return f"the blurred picture comes out otherwise{hint}"
    # What is one scene depends on the other photos; two versions of a JPEG codec may give the same pixels.
    said, told = (_as_told(of.model_copy(update={"scene": ""})) for of in (record, again))
    wrong = sorted(key for key in said.keys() | told.keys() if said.get(key) != told.get(key))
    return f"its line in {MANIFEST} is not what comes out ({', '.join(wrong)})" if wrong else None


def _as_told(record: Record) -> dict[str, Any]:
    values = record.as_dict()
    values.get("camera", {}).pop("jpeg_codec", None)
    return values
