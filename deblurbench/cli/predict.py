"""`deblurbench predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deblurbench.cli import options
from deblurbench.errors import InterruptError, UsageError

if TYPE_CHECKING:
    from deblurbench.runs.inference import Inference

_SMALLEST, _LARGEST = 16, 1 << 16
_OVERLAP = 32  # pixels, at most a quarter of a tile


def _tile(ctx: click.Context, parameter: click.Parameter, value: str) -> int | Literal["auto"] | None:
    """The option as `Inference.tile` has it."""
    if value in ("auto", "none"):
        return "auto" if value == "auto" else None
    if not value.isdecimal() or not _SMALLEST <= int(value) <= _LARGEST:
        raise click.BadParameter(f"{value!r} is not auto, none, or a side of {_SMALLEST} to {_LARGEST} pixels", ctx)
    return int(value)


@click.command("predict", short_help="Restore a picture or a folder of pictures.")
@click.argument("model")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--with", "others", multiple=True, metavar="MODEL", help="Average with another model. May be repeated.")
@click.option("--ensemble", is_flag=True, help="Average over the 8 turns and mirror images of each picture.")
@click.option(
    "--tile",
    callback=_tile,
    metavar="N|auto|none",
    default="auto",
    show_default=True,
    help="Restore in tiles of N x N pixels; auto: where a whole picture might not fit into the memory.",
)
@click.option(
    "--overlap",
    type=click.IntRange(0, 1 << 15),
    help="Pixels over which tiles are blended; 0: side by side.  [default: 32, at most a quarter of a tile]",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of a network's arithmetic.",
)
@click.option(
    "--batch", type=click.IntRange(1, 1024), default=1, show_default=True, help="How many pictures or tiles at once."
)
@options.device
@options.limit
@click.option("--skip-existing", is_flag=True, help="Keep results that are there, and restore the rest.")
@options.replace
@options.common
def command(
    model: str,
    source: Path,
    out: Path,
    others: tuple[str, ...],
    ensemble: bool,
    tile: int | Literal["auto"] | None,
    overlap: int | None,
    precision: Literal["float32", "bfloat16"],
    batch: int,
    device: str,
    limit: int | None,
    skip_existing: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Restore a picture, or a folder of pictures, with a MODEL, and write PNG files to OUT.

    MODEL is a baseline that needs no training (wiener) or comes with weights, a run folder, or a weights file. Results
    keep depth (8 or 16 bits), transparency, EXIF and ICC profile. One that is there already is only replaced with
    --overwrite.

    \b
    Example: deblurbench predict wiener blurred/ restored/
    Example: deblurbench predict runs/unet-starter photo.tif photo-sharp.png --ensemble
    Example: deblurbench predict gir.safetensors scans/ out/ --tile 256 --overlap 0
    """
    from deblurbench.runs.composed import Composed
    from deblurbench.runs.jobs import plan_jobs, refuse_existing, without_existing
    from deblurbench.runs.model import open_model
    from deblurbench.runs.predict import predict

    if skip_existing and overwrite:
        raise UsageError("--skip-existing and --overwrite say opposite things", "give one of them")
    inference = _inference(tile, overlap, ensemble, precision, batch)
    jobs = plan_jobs(source, out)[:limit]  # a wrong path is said before a model is loaded
    there = len(jobs)
    if skip_existing:
        jobs = without_existing(jobs)
    if not overwrite:
        refuse_existing(jobs)
    if jobs:
        restorers = [open_model(name, device).bare_restorer(inference) for name in (model, *others)]
        try:
            predict(Composed(restorers, inference), jobs, name=" + ".join((model, *others)), quiet=quiet)
        except KeyboardInterrupt as stop:
            goes_on = "begins anew" if overwrite else "with --skip-existing goes on"
            raise InterruptError("interrupted: what is restored stays", f"the same command {goes_on}") from stop
    kept = f", {there - len(jobs)} were there" if there > len(jobs) else ""
    click.echo(f"{out}: {len(jobs)} restored{kept}")


def _inference(
    tile: int | Literal["auto"] | None,
    overlap: int | None,
    ensemble: bool,
    precision: Literal["float32", "bfloat16"],
    batch: int,
) -> Inference:
    from deblurbench.runs.inference import Inference

    if overlap is not None and not isinstance(tile, int):
        raise UsageError("--overlap is of tiles", "name their side, too, such as --tile 512")
    if isinstance(tile, int) and overlap is not None and overlap >= tile:
        raise UsageError(f"--overlap {overlap} leaves nothing of tiles of {tile} pixels", "choose a smaller one")
    usual = min(_OVERLAP, tile // 4) if isinstance(tile, int) else _OVERLAP
    chosen = usual if overlap is None else overlap
    return Inference(tile=tile, overlap=chosen, ensemble=ensemble, precision=precision, batch=batch)
