"""`deblurbench run-baseline`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("run-baseline", short_help="Train, predict and score a baseline.")
@click.argument("name")
@click.option(
    "--data", metavar="PATH", help="A dataset folder, or a URL of one.  [default: data/starter, built if absent]"
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
    data: str | None,
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

    An interrupted run goes on when the same command is given again. Baselines: `deblurbench list baselines`. Any
    built, exported or adopted dataset will do, of any format.

    Example: deblurbench run-baseline unet --preset demo
    """
    from deblurbench import plugins
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.dataset.ready import ready_dataset
    from deblurbench.errors import UsageError
    from deblurbench.runs.record import split_means
    from deblurbench.runs.run import SEED, run_baseline
    from deblurbench.runs.score import rows_by_light

    baseline = plugins.load("baselines", name)  # a wrong name is said before a dataset is built
    if seed is not None and not baseline.trains:
        raise UsageError(f"{name} draws nothing, so it has no seed", "leave --seed out")
    dataset = open_dataset(data) if data else ready_dataset("starter", Path("data/starter"), workers, quiet=quiet)
    run = out or Path("runs") / "-".join(filter(None, [name, preset, dataset.recipe]))
    rows = run_baseline(
        name,
        dataset,
        run,
        preset=preset,
        settings=settings if seed is None else (*settings, f"{SEED}={seed}"),
        device=device,
        workers=workers,
        overwrite=overwrite,
        quiet=quiet,
    )
    means = [*split_means(rows), *split_means(rows_by_light(dataset, rows))]
    width = max(12, *(len(mean.split) for mean in means))
    click.echo(f"{run}\n{'split':<{width}} {'n':>4} {'psnr_db':>9} {'blurred':>9} {'gain':>8}   ({rows[0].protocol})")
    for mean in means:
        figures = f"{mean.psnr_db:>9.4f} {mean.blurred_psnr_db:>9.4f} {mean.gain_db:>+8.4f}"
        click.echo(f"{mean.split:<{width}} {mean.n:>4} {figures}")
