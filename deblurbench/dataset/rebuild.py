"""Re-deriving pairs of a finished dataset from its photos: the proof that a recipe, photos and a seed are all it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.plan import Plan, make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import RECIPE, Recipe, SplitTable, read_resolved
from deblurbench.dataset.shot import PreparedPhoto, shots
from deblurbench.draws import Draws
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.images.hashing import pixel_hash
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
    """Derive `count` pairs anew, drawn from all, and compare; one line for each that comes out otherwise.

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
    recipe = read_resolved(dataset.place)
    plan = make_plan(recipe, photos)
    by_hash: dict[tuple[str, str], PreparedPhoto] = {
        (planned.photo.raw_sha256, planned.photo.source): plan.prepared(planned) for planned in plan.photos
    }
    chosen = _chosen(dataset.records(), count, seed)
    problems = []
    with progress("rebuild", len(chosen), "pairs", quiet=quiet) as bar:
        for record in chosen:
            photo = by_hash.get((record.photo.raw_sha256, record.photo.source))
            problem = _compare(plan, record, photo, engine) if photo else "its photo is not there: say --photos"
            problems += [f"{record.pair}: {problem}"] if problem else []
            bar.step()
    return problems


def _chosen(records: Iterator[Record], count: int, seed: int) -> list[Record]:
    """The pairs whose draws are the smallest: any order of the manifest gives the same."""
    import heapq

    ranked = (
        (Draws(seed, record.pair, "rebuild").integer(0, (1 << 31) - 1), record.pair, record) for record in records
    )
    return [record for _, _, record in heapq.nsmallest(count, ranked, key=lambda item: item[:2])]


def _compare(plan: Plan, record: Record, photo: PreparedPhoto, engine: str) -> str | None:
    try:
        split = _split(plan.recipe, record.split)
        degradations = plan.recipe.open_blurs(split)
        for shot in shots(record.seed, split, degradations, photo.photo):
            if record.pair == shot.id or record.pair.startswith(f"{shot.id}-"):
                for made in shot.make(PreparedPhoto(photo.photo, photo.source, photo.prepare), engine):
                    if made.record.pair == record.pair:
                        return _difference(record, pixel_hash(made.sharp), pixel_hash(made.blurred))
    except PictureError as error:
        return str(error)
    return "its recipe does not make this pair"


def _split(recipe: Recipe, name: str) -> SplitTable:
    for split in recipe.splits:
        if split.name == name:
            return split
    raise DatasetError(f"{RECIPE} has no split {name}", "build the dataset again")


def _difference(record: Record, sharp: str, blurred: str) -> str | None:
    if sharp != record.sharp_sha256:
        return "the sharp picture comes out otherwise"
    if blurred == record.blur_sha256:
        return None
    codec = (record.camera or {}).get("jpeg_codec")
    hint = f" (its JPEG was made by {codec}: another version gives other pixels)" if codec else ""
    return f"the blurred picture comes out otherwise{hint}"
