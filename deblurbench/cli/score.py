"""`deblurbench score`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.runs.scored import Scored

_FOLDER = click.Path(path_type=Path)


@click.command("score", short_help="Score predictions against sharp pictures.")
@click.argument("predictions", metavar="PREDS", type=_FOLDER)
@click.argument("sharp", metavar="SHARP", type=_FOLDER)
@click.option(
    "--blur",
    metavar="DIR",
    type=_FOLDER,
    help="The blurred pictures: adds their numbers, the gain, and which predictions are nearer to them.",
)
@click.option(
    "--protocol",
    "names",
    multiple=True,
    metavar="ID",
    help="A protocol, or all; may be repeated.  [default: gnr638-eval]",
)
@click.option("--slow", is_flag=True, help="With --protocol all: also what takes seconds per picture.")
@click.option("--exact", is_flag=True, help="SSIM in float64, not to within 1e-6. All protocols at once always are.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Of a dataset.  [default: all test splits]")
@click.option("--weights", multiple=True, metavar="FILE=SHA256", help="Weights of a learnt metric; may be repeated.")
@click.option(
    "--allow-missing", is_flag=True, help="Average over the pictures that can be scored; such a mean ranks nowhere."
)
@click.option(
    "--sheet",
    metavar="FILE",
    callback=options.check_png,
    help="A PNG of the worst, median and best pictures, with error maps.",
)
@options.csv_out
@options.json_out
@options.workers
@options.common
def command(
    predictions: Path,
    sharp: Path,
    blur: Path | None,
    names: tuple[str, ...],
    slow: bool,
    exact: bool,
    splits: tuple[str, ...],
    weights: tuple[str, ...],
    allow_missing: bool,
    sheet: str | None,
    csv_out: str | None,
    json_out: str | None,
    workers: int,
    quiet: bool,
) -> int:
    """Score the pictures in PREDS against those of the same name in SHARP.

    Prints the mean under each protocol, and a warning where the results look like a mistake. A prediction that is
    missing, unreadable or of another size is named, there is no mean, and the exit code is 1, unless --allow-missing
    is given. SHARP may be a dataset folder, or a split of one: its blurred pictures are scored too, and the means are
    broken down by blur and scene.

    Example: deblurbench score preds/ sharp/ --blur blurred/ --protocol all --csv scores.csv
    """
    from deblurbench.progress import say
    from deblurbench.runs.scored import How, of_dataset, of_folders
    from deblurbench.scoring.protocol import DEFAULT
    from deblurbench.scoring.reports.csv_file import write_csv
    from deblurbench.scoring.selection import select

    _refuse_inputs([csv_out, sheet, json_out], [predictions, sharp, blur])
    selection = select(names or (DEFAULT,), slow=slow, weights=weights)
    for note in selection.notes:
        say(f"Note: {note}")
    how = How(selection.protocols, exact or selection.has_all, workers, quiet)
    dataset, chosen = _dataset(predictions, sharp, blur, splits)
    if dataset is None:
        scored = of_folders(predictions, sharp, blur, how)
    else:
        _refuse_inputs([csv_out, sheet, json_out], [dataset])
        scored = of_dataset(predictions, dataset, chosen, how)
    if not _is_whole(scored, allow_missing):
        return 1
    if csv_out:
        write_csv(Path(csv_out), scored.report, with_split=bool(scored.groups))
    if sheet:
        scored.write_sheet(Path(sheet), predictions.name)
    if json_out:
        options.put_json(json_out, scored.as_dict())
    if json_out != "-":
        click.echo(scored.text())
    for suspicion in scored.suspicions:
        say(f"Warning: {suspicion.message}")
    if not quiet and scored.report.seconds:
        share = scored.report.decoding_seconds / scored.report.seconds
        say(f"Decoding the files took {share:.0%} of the time")
    return 0


def _dataset(
    predictions: Path, sharp: Path, blur: Path | None, splits: tuple[str, ...]
) -> tuple[Path | None, tuple[str, ...]]:
    """The dataset that SHARP is or lies in, and which of its splits are meant; None where two or three folders are.

    Raises UsageError where an option does not go with that.
    """
    from deblurbench.dataset.manifest import COMMIT_MARK
    from deblurbench.errors import UsageError
    from deblurbench.progress import say
    from deblurbench.runs.scored import dataset_at

    side = sharp.resolve()
    beside = blur is not None and side.name == "sharp" and blur.resolve() == side.parent / "blur"
    of_others = side == predictions.resolve() or (blur and side.name == "sharp" and not beside)
    dataset, split = (None if of_others else dataset_at(sharp)) or (None, ())
    if dataset is None and splits:
        raise UsageError("--split needs a dataset", f"{sharp} is none: it has no {COMMIT_MARK}")
    if dataset and blur and not beside:
        raise UsageError("--blur has no use here", f"{sharp} is a dataset, and has its blurred pictures")
    if split and splits:
        raise UsageError("--split has no use here", f"{sharp} is one split: name the dataset, {dataset}")
    if split:
        say(f"Note: {sharp} is the split {split[0]} of a dataset, and scored as such")
    return dataset, splits or split


def _refuse_inputs(targets: Sequence[str | None], folders: Sequence[Path | None]) -> None:
    """Raises UsageError where a result would be written into an input."""
    from deblurbench.files import refuse_inside

    for target in targets:
        for folder in folders:
            if target and target != "-" and folder:
                refuse_inside(Path(target), folder, "file")


def _is_whole(scored: Scored, allow_missing: bool) -> bool:
    """Say what was left out; False where there is no mean for it."""
    from deblurbench.errors import listed
    from deblurbench.progress import say

    report = scored.report
    if report.extra:
        say(f"Warning: no sharp picture for {listed(report.extra)}; left out")
    if report.ignored:
        say(f"Warning: not scored, since no picture by its suffix: {listed(report.ignored)}")
    for failure in report.failures:
        say(failure)
    if report.n and (allow_missing or not report.failures):
        return True
    total = report.n + len(report.failures)
    hint = "" if allow_missing else "; mend them, or give --allow-missing"
    click.echo(f"Error: {len(report.failures)} of {total} predictions cannot be scored, so no mean{hint}", err=True)
    return False
