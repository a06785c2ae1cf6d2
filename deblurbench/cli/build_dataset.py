"""`deblurbench build-dataset`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.dataset.executors import Executor
    from deblurbench.dataset.plan import Part, Plan


def _part(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Part | None:
    from deblurbench.dataset.plan import Part

    try:
        return None if text is None else Part.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("build-dataset", short_help="Build a recipe into a dataset.")
@click.argument("recipe", default="starter")
@click.option(
    "--out", metavar="PATH", help="The dataset folder, or a URL for webdataset and parquet.  [default: data/RECIPE]"
)
@click.option("--photos", type=click.Path(path_type=Path), help="Folder for a recipe that takes your own pictures.")
@click.option("--licence", "licences", metavar="A,B", help="Only photos of these licences, such as cc0,by.")
@click.option("--format", "fmt", metavar="NAME", help="png, qoi, npy, gopro, webdataset, lmdb or parquet.")
@click.option("--engine", default="auto", show_default=True, help="What convolves; the pixels do not depend on it.")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Who works.")
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, such as tcp://host:8786.")
@click.option("--shard", "part", metavar="I/N", callback=_part, help="Only part I of N; merge-datasets joins them.")
@options.workers
@options.seed
@options.limit
@options.settings
@options.overwrite
@options.json_out
@options.common
def command(
    recipe: str,
    out: str | None,
    photos: Path | None,
    licences: str | None,
    fmt: str | None,
    engine: str,
    executor: Executor,
    scheduler: str | None,
    part: Part | None,
    workers: int,
    seed: int | None,
    limit: int | None,
    settings: tuple[str, ...],
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
) -> None:
    """Build the dataset of a RECIPE: a name (see `deblurbench list datasets`) or a TOML file.

    The same recipe, photos and seed give the same pixels on any machine, for any number of workers, any engine and
    any format. An interrupted build goes on when the same command is given again. --limit takes N photos of each
    source. Photos that cannot be used are left out; build-report.json names each with the reason.

    \b
    Example: deblurbench build-dataset starter --out data/starter
    Example: deblurbench build-dataset shake-mix --photos holiday/ --licence cc0,by --format webdataset
    Example: deblurbench build-dataset gnr638 --photos REDS/train_sharp --shard 1/4 --out parts/1
    """
    from deblurbench.dataset.build import build, check_request
    from deblurbench.dataset.plan import make_plan
    from deblurbench.dataset.recipe import published_id, read_recipe, recipe_card
    from deblurbench.paths import recipe_file
    from deblurbench.places import Place
    from deblurbench.progress import say

    changes = settings if seed is None else (*settings, f"seed={seed}")
    file = recipe_file(recipe)
    resolved = read_recipe(file, changes)
    published = None if changes or photos or limit or licences or part else published_id(file)
    target = Place(
        out or Path("data") / (resolved.name if part is None else f"{resolved.name}-{part.index}-{part.count}")
    )
    check_request(target, resolved.open_sources(photos), fmt or resolved.format, engine, executor, scheduler)
    plan = make_plan(resolved, photos, limit, licences=licences, part=part, workers=workers, quiet=quiet)
    _warn_of_empty_splits(plan, quiet)
    dataset = build(
        plan,
        target.url,
        workers=workers,
        executor=executor,
        scheduler=scheduler,
        engine=engine,
        fmt=fmt,
        about="" if changes else recipe_card(file),
        overwrite=overwrite,
        quiet=quiet,
    )
    if published not in (None, dataset.id):
        say(f"Warning: its publisher got another dataset id, {published}: compare the versions in dataset.json")
    if json_out:
        result = {"path": str(target), "dataset_id": dataset.id, "splits": dict(dataset.splits)}
        options.put_json(json_out, result)
    else:
        counts = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
        known = " (as published)" if published == dataset.id else ""
        click.echo(f"{target}  {counts}\ndataset id {dataset.id}{known}")


def _warn_of_empty_splits(plan: Plan, quiet: bool) -> None:
    from deblurbench.progress import say

    for split, count in plan.counts().items():
        if not count and not plan.part:
            say(f"Warning: no photo falls to the split {split}; add photos or change the shares", quiet=quiet)
