"""`deblurbench adopt`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("adopt", short_help="Use a published dataset where it lies.")
@click.argument("name", metavar="NAME")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--variant", default="", help="Which blurred pictures, such as blur or blur_gamma of gopro.")
@click.option("--out", type=click.Path(path_type=Path), help="The dataset folder.  [default: data/NAME-VARIANT]")
@click.option("--allow-incomplete", is_flag=True, help="Leave out, and list, what has no counterpart.")
@options.workers
@options.limit
@options.overwrite
@options.json_out
@options.common
def command(
    name: str,
    folder: Path,
    variant: str,
    out: Path | None,
    allow_incomplete: bool,
    workers: int,
    limit: int | None,
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
) -> None:
    """Make a dataset of the published pairs in DIR without copying a picture.

    NAME, and the --variant where there are several, the first being the default:

    \b
    gopro        blur, blur_gamma
    reds         blur, blur_comp, blur_jpeg, blur_bicubic
    hide
    realblur-j
    realblur-r
    rsblur       real_blur, avg65_img
    dpdd         c, l, r
    levin
    custom-test  (the test set of the course GNR638)

    Pairs are matched by name, counted against the published numbers, and hashed; nothing is written into DIR. An
    interrupted run goes on when the same command is given again. --limit takes the first N pairs of each split.

    Example: deblurbench adopt gopro GOPRO_Large --variant blur_gamma
    """
    from deblurbench.dataset.adopt import adopt, dataset_name
    from deblurbench.sources.layouts.find import layout_named, variant_named

    layout = layout_named(name)
    target = out or Path("data") / dataset_name(layout, variant_named(layout, variant))
    report = adopt(
        layout,
        folder,
        target,
        variant=variant,
        workers=workers,
        allow_incomplete=allow_incomplete,
        limit=limit,
        overwrite=overwrite,
        quiet=quiet,
    )
    if json_out:
        options.put_json(json_out, {"path": str(target), **report.as_dict()})
    else:
        counts = ", ".join(f"{split} {count}" for split, count in report.splits.items())
        state = "as published" if report.complete else "NOT as published"
        click.echo(f"{target}  {counts} ({state}), blurred pictures: {report.variant}")
        click.echo(f"dataset id {report.dataset_id}")
