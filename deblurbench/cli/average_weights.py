"""`deblurbench average-weights`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options
from deblurbench.errors import UsageError


@click.command("average-weights", short_help="Average the weights of several trainings of one network.")
@click.argument("out", metavar="OUT.safetensors", type=click.Path(path_type=Path))
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@options.replace
@options.common
def command(out: Path, models: tuple[str, ...], overwrite: bool, quiet: bool) -> None:
    """Write the mean of the weights of several MODELs, run folders or weights files of one network, to OUT.

    It is a model like any other: `predict` takes it. Its weights should come from one training, or from trainings that
    began with the same weights. What different models give is averaged by `predict --with`.

    Example: deblurbench average-weights mean.safetensors runs/fine-1 runs/fine-2 runs/fine-3
    """
    from deblurbench.runs.model import open_model
    from deblurbench.runs.weights_file import average_weights

    if out.suffix != ".safetensors":
        raise UsageError(f"cannot write {out}", "weights are safetensors files: name it .safetensors")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already", "choose another OUT, or --overwrite to replace it")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", "make it first")
    average_weights([open_model(model, "cpu") for model in models], out)
    click.echo(f"{out}  mean of {len(models)}")
