"""`deblurbench build-dataset`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("build-dataset", short_help="Build a recipe into a dataset folder.")
@click.argument("recipe", default="starter")
@click.option("--out", type=click.Path(path_type=Path), help="The dataset folder.  [default: data/RECIPE]")
@click.option("--photos", type=click.Path(path_type=Path), help="Folder for a recipe that takes your own photos.")
@options.workers
@options.seed
@options.limit
@options.settings
@options.overwrite
@options.json_out
@options.common
def command(
    recipe: str,
    out: Path | None,
    photos: Path | None,
    workers: int,
    seed: int | None,
    limit: int | None,
    settings: tuple[str, ...],
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
) -> None:
    """Build the dataset of a RECIPE: a name (see `deblurbench list datasets`) or a TOML file.

    The same recipe, photos and seed give the same pixels on any machine, for any number of workers. An
    interrupted build goes on when the same command is given again. --limit takes N photos of each source.

    Example: deblurbench build-dataset starter --out data/starter
    """
    from deblurbench.dataset.build import build
    from deblurbench.dataset.plan import make_plan
    from deblurbench.dataset.recipe import published_id, read_recipe
    from deblurbench.files import refuse_inside
    from deblurbench.paths import recipe_file
    from deblurbench.progress import say

    changes = settings if seed is None else (*settings, f"seed={seed}")
    file = recipe_file(recipe)
    resolved = read_recipe(file, changes)
    published = None if changes or photos or limit else published_id(file)
    target = out or Path("data") / resolved.name
    plan = make_plan(resolved, photos, limit)
    if photos:
        refuse_inside(target, photos)
        refuse_inside(photos, target, "--photos")
    for split, count in plan.counts().items():
        if not count:
            say(f"Warning: no photo falls to the split {split}; add photos or change the shares", quiet=quiet)
    dataset = build(plan, target, workers=workers, overwrite=overwrite, quiet=quiet)
    if published not in (None, dataset.id):
        say(f"Warning: its publisher got another dataset id, {published}: compare the versions in dataset.json")
    if json_out:
        result = {"path": str(dataset.path), "dataset_id": dataset.id, "splits": dict(dataset.splits)}
        options.put_json(json_out, result)
    else:
        counts = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
        known = " (as published)" if published == dataset.id else ""
        click.echo(f"{dataset.path}  {counts}\ndataset id {dataset.id}{known}")
