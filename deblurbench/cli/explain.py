"""`deblurbench explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.runs.explain.subjects import Subject

_PATH = click.Path(path_type=Path)


@click.command("explain", short_help="Show what a model does to frequencies and neighbourhoods.")
@click.argument("model")
@click.argument("pictures", metavar="[PICTURES [SHARP]]", nargs=-1)
@click.option("--out", type=_PATH, required=True, help="The folder that PNGs and JSON go into.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Of a dataset.  [default: every test split]")
@click.option("--limit", type=click.IntRange(1, 1000), default=3, show_default=True, help="Pictures of each split.")
@click.option("--bank", default="gaussian", show_default=True, help="Kernels of posterior.png: gaussian or general.")
@options.device
@options.workers
@options.json_out
@options.overwrite
@options.common
def command(
    model: str,
    pictures: tuple[str, ...],
    out: Path,
    splits: tuple[str, ...],
    limit: int,
    bank: str,
    device: str,
    workers: int,
    json_out: str | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Show what MODEL does to frequencies and neighbourhoods, as PNGs and JSON in a folder.

    How far it looks (receptive-field.png), what becomes of each frequency beside what would be right (gain.png), where
    its pictures are wrong (errors.png), and which blur the pictures show (posterior.png).

    MODEL is what predict takes. PICTURES is a dataset folder (default: data/starter, built if absent), a picture or a
    folder of blurred pictures; with SHARP, a second folder, of the sharp ones of the same names.

    \b
    Example: deblurbench explain wiener --out explained/wiener
    Example: deblurbench explain runs/unet-demo-starter data/starter --split test-g1.6 --out explained/unet
    Example: deblurbench explain wiener blurred/ sharp/ --out explained/mine
    """
    from deblurbench.blur.bank import BANKS
    from deblurbench.errors import UsageError, nearest
    from deblurbench.files import refuse_inside
    from deblurbench.runs.explain.explanation import check_out, explain, explanation_text, write_explanation
    from deblurbench.runs.explain.subjects import check_kernels
    from deblurbench.runs.model import open_model

    if bank not in BANKS:
        raise UsageError(f"no bank of kernels {bank!r}", nearest(bank, BANKS))
    opened = open_model(model, device)
    if Path(model).is_dir():
        refuse_inside(out, Path(model))
    subjects = _subjects(pictures, out, splits, limit, workers, quiet)
    check_kernels(opened, subjects)
    check_out(out, overwrite=overwrite)
    found = explain(opened, _name(model), subjects, BANKS[bank](), quiet=quiet)
    files = write_explanation(out, found)
    if json_out:
        options.put_json(json_out, found.as_dict())
    if json_out != "-":
        click.echo(explanation_text(found))
        for file in files:
            click.echo(file)


def _name(model: str) -> str:
    """What figures call a model: of weights that lie in a run folder, the name of that folder."""
    from deblurbench.runs.baseline import WEIGHTS

    path = Path(model).resolve()
    return path.parent.name if path.name == WEIGHTS else path.name


def _subjects(
    pictures: tuple[str, ...], out: Path, splits: tuple[str, ...], limit: int, workers: int, quiet: bool
) -> list[Subject]:
    """The pictures of a dataset or of folders, whichever is named. Raises UsageError for what is none."""
    from deblurbench.dataset.manifest import COMMIT_MARK
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.dataset.ready import ready_dataset
    from deblurbench.errors import UsageError
    from deblurbench.files import refuse_inside
    from deblurbench.places import Place
    from deblurbench.runs.explain.subjects import dataset_subjects, folder_subjects

    if len(pictures) > 2:
        raise UsageError(f"{len(pictures)} paths after the model", "name a dataset, or blurred pictures and sharp ones")
    for path in pictures:
        if Path(path).is_dir():
            refuse_inside(out, Path(path))
    if not pictures:
        return dataset_subjects(ready_dataset("starter", Path("data/starter"), workers, quiet=quiet), splits, limit)
    place = Place(pictures[0])
    if len(pictures) == 1 and (place.folder is None or (place.folder / COMMIT_MARK).is_file()):
        return dataset_subjects(open_dataset(place), splits, limit)
    if splits:
        raise UsageError(f"{pictures[0]} is no dataset, and has no splits", "leave --split out")
    return folder_subjects(Path(pictures[0]), Path(pictures[1]) if len(pictures) == 2 else None, limit)
