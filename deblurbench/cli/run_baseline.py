"""`deblurbench run-baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.dataset.reader import Dataset


@click.command("run-baseline", short_help="Train, predict and score a baseline.")
@click.argument("name")
@click.option(
    "--data", type=click.Path(path_type=Path), help="A dataset folder.  [default: data/starter, built if absent]"
)
@click.option("--preset", help="A variant of the recipe, such as demo.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder.  [default: runs/NAME-DATASET]")
@options.device
@options.workers
@options.seed
@options.settings
@options.overwrite
@options.common
def command(
    name: str,
    data: Path | None,
    preset: str | None,
    out: Path | None,
    device: str,
    workers: int,
    seed: int | None,
    settings: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
) -> None:
    """Run the baseline NAME: train it if it must be, predict the test splits, score them.

    An interrupted run goes on when the same command is given again. Baselines: `deblurbench list baselines`.

    Example: deblurbench run-baseline unet --preset demo
    """
    from deblurbench import plugins
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.runs.run import run_baseline

    plugins.load("baselines", name)  # a wrong name is said before a dataset is built
    dataset = open_dataset(data) if data else _starter(workers, quiet)
    run = out or Path("runs") / "-".join(filter(None, [name, preset, dataset.recipe]))
    changes = settings if seed is None else (*settings, f"training.seed={seed}")
    rows = run_baseline(
        name,
        dataset,
        run,
        preset=preset,
        settings=changes,
        device=device,
        workers=workers,
        overwrite=overwrite,
        quiet=quiet,
    )
    click.echo(f"{run}\n{'split':<12} {'n':>4} {'psnr_db':>9} {'blurred':>9} {'gain':>8}   ({rows[0].protocol})")
    for split in dataset.test_splits:
        of = [row for row in rows if row.split == split]
        psnr, blurred = (
            sum(values) / len(of) for values in zip(*((r.psnr_db, r.blurred_psnr_db) for r in of), strict=True)
        )
        gain = 0.0 if psnr == blurred else psnr - blurred
        click.echo(f"{split:<12} {len(of):>4} {psnr:>9.4f} {blurred:>9.4f} {gain:>+8.4f}")


def _starter(workers: int, quiet: bool) -> Dataset:
    """The starter dataset where it lies by default, built if it is not there."""
    from deblurbench.dataset.build import build
    from deblurbench.dataset.plan import make_plan
    from deblurbench.dataset.recipe import read_recipe
    from deblurbench.paths import recipe_file

    plan = make_plan(read_recipe(recipe_file("starter")))
    return build(plan, Path("data/starter"), workers=workers, quiet=quiet)
