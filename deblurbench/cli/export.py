"""`deblurbench export`."""

from __future__ import annotations

import click

from deblurbench.cli import options


@click.command("export", short_help="Write a dataset in another format.")
@click.argument("source", metavar="DIR")
@click.argument("out")
@click.option(
    "--format", "fmt", metavar="FORMAT", required=True, help="png, qoi, npy, gopro, webdataset, lmdb, parquet."
)
@click.option("--split", "splits", multiple=True, metavar="SPLIT", help="Only this split; may be given several times.")
@options.workers
@options.overwrite
@options.json_out
@options.common
def command(
    source: str,
    out: str,
    fmt: str,
    splits: tuple[str, ...],
    workers: int,
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
) -> None:
    """Write the finished dataset DIR to OUT in another format: the same pixels, and the same dataset id.

    Every picture is checked against its hash on the way. Some splits alone are a dataset with an id of its own. An
    interrupted export goes on when the same command is given again. webdataset and parquet may go to a URL.

    Example: deblurbench export data/starter data/starter-wds --format webdataset
    """
    from deblurbench.dataset.export import export

    dataset = export(source, out, fmt, splits=splits, workers=workers, overwrite=overwrite, quiet=quiet)
    if json_out:
        counts = dict(dataset.splits)
        result = {"path": str(dataset.place), "dataset_id": dataset.id, "format": dataset.format, "splits": counts}
        options.put_json(json_out, result)
    else:
        counted = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
        click.echo(f"{dataset.place}  {dataset.format}  {counted}\ndataset id {dataset.id}")
