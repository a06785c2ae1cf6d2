"""`deblurbench eval-py`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("eval-py", short_help="Print the two lines of the GNR638 course's eval.py.")
@click.argument("sharp", metavar="SHARP", type=click.Path(path_type=Path))
@click.argument("predictions", metavar="PREDS", type=click.Path(path_type=Path))
@options.common
def command(sharp: Path, predictions: Path, quiet: bool) -> None:
    """Print what the GNR638 course's eval.py prints, with the same digits: the number of pictures and their mean PSNR.

    The folders stand in the script's order, the sharp pictures first: the other way round than for `score`. Names
    ending in .png or .jpg count, and the same name must be in PREDS. Where the script ends with a traceback, this
    ends with one line and exit code 1. What the script keeps silent about goes to standard error.

    Example: deblurbench eval-py sharp/ preds/
    """
    from deblurbench.errors import listed
    from deblurbench.progress import say
    from deblurbench.scoring.eval_py import eval_py

    result = eval_py(sharp, predictions)
    click.echo(result.text)
    if result.skipped:
        say(f"Warning: not counted, since no name in .png or .jpg: {listed(result.skipped)}")
    if result.extra:
        say(f"Warning: no sharp picture for {listed(result.extra)}; left out, as by the script")
    if result.equal:
        say(f"Note: the average is infinite, since predictions equal their sharp pictures: {listed(result.equal)}")
