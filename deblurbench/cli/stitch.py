"""`deblurbench stitch`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("stitch", short_help="Put the tiles of a split together to whole pictures.")
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("split")
@click.argument("tiles", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@options.common
def command(data: Path, split: str, tiles: Path, out: Path, quiet: bool) -> None:
    """Put TILES, named as the pairs of a SPLIT that a grid cut, together to whole pictures in the folder OUT.

    TILES is a folder of predictions, or the split's own `sharp` or `blur`. Where tiles overlap, their mean counts.

    \b
    Example: deblurbench stitch data/gir-256 test-motion runs/unet-gir-256/predictions/test-motion whole/unet
    Example: deblurbench stitch data/gir-256 test-motion data/gir-256/test-motion/sharp whole/sharp
    """
    from deblurbench.dataset.stitch import stitch_split

    count = stitch_split(data, split, tiles, out, quiet=quiet)
    click.echo(f"{out}  {count} pictures")
