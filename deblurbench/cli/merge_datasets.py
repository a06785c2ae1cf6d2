"""`deblurbench merge-datasets`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("merge-datasets", short_help="Join the parts of a build.")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.overwrite
@options.common
def command(out: Path, parts: tuple[Path, ...], overwrite: bool, quiet: bool) -> None:
    """Join all PARTS of a build, made with `build-dataset --shard I/N`, in the folder OUT.

    The result is what one machine would have made, with the same dataset id. Pictures are linked, not copied, where
    the disk allows it.

    Example: deblurbench merge-datasets data/gnr638 parts/1 parts/2 parts/3 parts/4
    """
    from deblurbench.dataset.merge import merge

    dataset = merge(parts, out, overwrite=overwrite, quiet=quiet)
    counts = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
    click.echo(f"{out}  {counts}\ndataset id {dataset.id}")
