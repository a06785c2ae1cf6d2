"""`deblurbench verify-dataset`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("verify-dataset", short_help="Check a dataset folder; name what is wrong.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--pixels", is_flag=True, help="Also decode every picture and compare its hash.")
@options.workers
@options.common
def command(folder: Path, pixels: bool, workers: int, quiet: bool) -> int:
    """Check a dataset folder against its manifest; name everything that is wrong.

    Example: deblurbench verify-dataset data/starter --pixels
    """
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.dataset.verify import verify

    problems = verify(folder, pixels=pixels, workers=workers, quiet=quiet)
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"Error: {folder}: {len(problems)} problems; build it again with --overwrite", err=True)
        return 1
    dataset = open_dataset(folder)
    what = "files and pixels" if pixels else "files (not pixels: give --pixels)"
    click.echo(f"{folder}: {what} of {sum(dataset.splits.values())} pairs are right\ndataset id {dataset.id}")
    return 0
