"""`deblurbench predict`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("predict", short_help="Restore a picture or a folder of pictures.")
@click.argument("model")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@options.device
@options.limit
@options.overwrite
@options.common
def command(model: str, source: Path, out: Path, device: str, limit: int | None, overwrite: bool, quiet: bool) -> None:
    """Restore a picture, or a folder of pictures, with a MODEL, and write PNG files to OUT.

    MODEL is a baseline that needs no training (wiener), a run folder, or a weights file. Pictures are
    restored whole. A result that is there already is only replaced with --overwrite.

    Example: deblurbench predict wiener blurred/ restored/
    """
    from deblurbench.runs.model import open_model
    from deblurbench.runs.predict import plan_jobs, predict, refuse_existing

    jobs = plan_jobs(source, out)[:limit]  # a wrong path is said before a model is loaded
    if not overwrite or jobs[0].target.resolve() == source.resolve():
        refuse_existing(jobs)
    predict(open_model(model, device).restorer(), jobs, quiet=quiet)
    click.echo(f"{out}: {len(jobs)} restored")
