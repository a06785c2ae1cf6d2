"""`deblurbench verify-dataset`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("verify-dataset", short_help="Check a dataset; name what is wrong.")
@click.argument("where", metavar="DIR")
@click.option("--pixels", is_flag=True, help="Decode every picture and compare its pixel hash.")
@click.option("--rebuild", "count", type=click.IntRange(min=1), metavar="N", help="Also derive N drawn pairs anew.")
@click.option("--photos", type=click.Path(path_type=Path), help="Folder that it was built from, for --rebuild.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws which pairs to rebuild.")
@click.option("--engine", default="auto", show_default=True, help="What convolves in --rebuild.")
@options.workers
@options.common
def command(
    where: str, pixels: bool, count: int | None, photos: Path | None, seed: int, engine: str, workers: int, quiet: bool
) -> int:
    """Check a dataset, a folder or a URL, against its manifest and checksums; name everything that is wrong.

    --rebuild also makes N of its pairs again, from their photos, and compares them pixel for pixel.

    Example: deblurbench verify-dataset data/starter --pixels --rebuild 10
    """
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.dataset.rebuild import rebuild
    from deblurbench.dataset.verify import verify

    problems = verify(where, pixels=pixels, workers=workers, quiet=quiet)
    if count:
        problems += rebuild(where, count, photos, seed=seed, engine=engine, quiet=quiet)
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"Error: {where}: {len(problems)} problems; build it again with --overwrite", err=True)
        return 1
    dataset = open_dataset(where)
    total = sum(dataset.splits.values())
    what = "files and pixels" if pixels else "files (not pixels: give --pixels)"
    again = f"; {min(count, total)} built again, equal" if count else ""
    click.echo(f"{where}: {what} of {total} pairs are right{again}\ndataset id {dataset.id}")
    return 0
