"""`deblurbench export-onnx`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("export-onnx", short_help="Write a trained network as an ONNX file.")
@click.argument("model", metavar="RUN_OR_WEIGHTS")
@click.argument("out", metavar="OUT.onnx", type=click.Path(path_type=Path))
@click.option(
    "--opset", type=click.IntRange(18, 23), default=20, show_default=True, help="The version of ONNX's operators."
)
@click.option(
    "--check",
    "checked",
    metavar="PICTURE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Compare both outputs for this picture too; may be given several times.",
)
@options.replace
@options.json_out
@options.common
def command(
    model: str,
    out: Path,
    opset: int,
    checked: tuple[Path, ...],
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
) -> None:
    """Write the network of a run folder or a weights file to OUT.onnx, for pictures of any size.

    Its input `blurred` and output `restored` are float32 N x 3 x H x W in [0, 1]. The network is run by ONNX Runtime
    on two random batches of different sizes; nothing is written where its output differs from torch's by more
    than 1e-4. The recipe and the SHA-256 of the weights go into the file. Needs: pip install 'deblurbench[onnx]'.

    Example: deblurbench export-onnx runs/unet-starter unet.onnx
    """
    from deblurbench.errors import UsageError
    from deblurbench.files import check_target, make_folder
    from deblurbench.images.codec import read_rgb
    from deblurbench.progress import say
    from deblurbench.runs.model import open_model

    if out.suffix.lower() != ".onnx":
        raise UsageError(f"{out} does not end in .onnx", "name the file so")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already", "replace it with --overwrite, or choose another name")
    make_folder(out.parent)
    check_target(out)
    pictures = [read_rgb(path) for path in checked]
    opened = open_model(model, "cpu")
    say(f"exporting {opened.baseline.name}: tracing it takes seconds to minutes", quiet=quiet)
    difference = opened.baseline.export_onnx(opened.config, opened.weights, out, opset=opset, pictures=pictures)
    size = out.stat().st_size
    if json_out:
        result = {"path": str(out), "bytes": size, "opset": opset, "largest_difference": difference}
        options.put_json(json_out, {**result, "weights_sha256": opened.weights_sha256()})
    else:
        click.echo(f"{out}  {size} bytes  opset {opset}  largest difference {difference:.2g}")
